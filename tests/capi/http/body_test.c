/* What the body of a request can be made of: files, forms; and codings. */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "http_test.h"

/* Answers with the head and the body of the request, after as many answers as `user` has. */
static char last_head[4096];
static char* last_body;
static size_t last_size;
static int refusals; /* closes so many connections first, once the request was taken */

/* A request as it was taken. Two connections may be at it at a time: whose is whole is the last. */
typedef struct taken {
  char head[4096];
  char* body;
  size_t size;
} taken;

static void add_body(taken* t, const char* data, size_t size) {
  t->body = realloc(t->body, t->size + size + 1);
  memcpy(t->body + t->size, data, size);
  t->size += size;
  t->body[t->size] = '\0';
}

static void keep(taken* t) {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  memcpy(last_head, t->head, sizeof last_head);
  free(last_body);
  last_body = t->body;
  last_size = t->size;
  pthread_mutex_unlock(&mutex);
}

/* 1 if all of a request has come; *t is to be kept, or its body to be freed. */
static int take(support_peer* peer, taken* t) {
  memset(t, 0, sizeof *t);
  if (!support_expect(peer, "\r\n\r\n")) return 0;
  snprintf(t->head, sizeof t->head, "%s", support_received(peer));
  const char* length = strstr(t->head, "Content-Length: ");
  add_body(t, "", 0);
  for (size_t left = length != NULL ? strtoul(length + 16, NULL, 10) : 0; left > 0;) {
    const size_t n = left < 65536 ? left : 65536;
    if (!support_expect_bytes(peer, n)) return 0;
    add_body(t, support_received(peer), n);
    left -= n;
  }
  while (strstr(t->head, "Transfer-Encoding: chunked")) {
    if (!support_expect(peer, "\r\n")) return 0;
    const size_t n = strtoul(support_received(peer), NULL, 16);
    if (!support_expect_bytes(peer, n + 2)) return 0;
    if (n == 0) break;
    add_body(t, support_received(peer), n);
  }
  return 1;
}

static void taking(support_peer* peer, void* user) {
  taken t;
  (void)user;
  while (take(peer, &t)) {
    keep(&t);
    support_count_request(peer);
    if (refusals > 0) {
      refusals--;
      return; /* the body has been kept */
    }
    if (strncmp(t.head, "GET /302", 8) == 0 || strncmp(t.head, "PUT /302", 8) == 0 ||
        strncmp(t.head, "POST /302", 9) == 0)
      support_send_text(peer, "HTTP/1.1 302 X\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n");
    else if (strstr(t.head, " /303"))
      support_send_text(peer, "HTTP/1.1 303 X\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n");
    else if (strstr(t.head, " /417") && strstr(t.head, "Expect"))
      support_send_text(peer, "HTTP/1.1 417 X\r\nContent-Length: 0\r\n\r\n");
    else
      support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  }
  free(t.body);
}

static support_hostile* server;

static int serve(void** state) {
  refusals = 0;
  server = support_hostile_start(taking, NULL);
  return set_up(state);
}
static int stop(void** state) {
  const int failed = tear_down(state);
  support_hostile_stop(server);
  free(last_body);
  last_body = NULL;
  return failed;
}

/* A file of `size` bytes, each known by where it is; it has no name any more. */
static char byte_at(size_t at) {
  return (char)('a' + (at * 7 + at / 251) % 26);
}
static int file_of(size_t size) {
  char name[] = "creche-body-XXXXXX";
  const int fd = mkstemp(name);
  assert_true(fd >= 0);
  unlink(name);
  char* all = malloc(size + 1);
  for (size_t i = 0; i < size; i++) all[i] = byte_at(i);
  assert_int_equal(write(fd, all, size), (ssize_t)size);
  free(all);
  return fd;
}
static void expect_bytes_of_file(size_t offset, size_t size) {
  assert_int_equal(last_size, size);
  for (size_t i = 0; i < size; i++)
    if (last_body[i] != byte_at(offset + i)) fail_msg("byte %zu is another one", i);
}

static creche_completion post(const char* path, const creche_request_options* o) {
  return fetch(at(support_hostile_url(server), path), o);
}
static int says(const char* line) {
  return strstr(last_head, line) != NULL;
}

static void a_file(void** state) {
  (void)state;
  static const struct {
    size_t offset, size, sent;
  } cases[] = {{0, SIZE_MAX, 1000000}, {0, 1000000, 1000000}, {1, 10, 10},
               {999999, SIZE_MAX, 1},  {5, 700000, 700000},   {0, 0, 0},
               {1000000, SIZE_MAX, 0}, {2000000, SIZE_MAX, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const int fd = file_of(1000000);
    const creche_file file = {fd, 0, cases[i].offset,
                              cases[i].size == SIZE_MAX ? CRECHE_TO_THE_END : cases[i].size};
    creche_request_options o = request_options();
    o.body_file = &file;
    assert_int_equal(lseek(fd, 17, SEEK_SET), 17); /* does not matter, and stays */
    start(at(support_hostile_url(server), "/"), &o, NULL);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 17);
    close(fd); /* ours is not needed any more */
    expect_body(next(), 200, "ok");
    assert_memory_equal(last_head, "POST / ", 7);
    char length[64];
    snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", cases[i].sent);
    assert_true(says(length));
    expect_bytes_of_file(cases[i].offset, cases[i].sent);
  }
}

/* It is sent anew, as a whole: after redirects, by who tries again, and where a kept connection was
 * dead. */
static void a_file_again(void** state) {
  (void)state;
  const int fd = file_of(400000);
  const creche_file file = {fd, 0, 3, 399000};
  creche_request_options o = request_options();
  o.body_file = &file;
  o.method = "PUT";
  expect_body(post("/302", &o), 200, "ok");
  assert_memory_equal(last_head, "PUT /end ", 9);
  expect_bytes_of_file(3, 399000);
  refusals = 1; /* on the kept connection */
  expect_body(post("/", &o), 200, "ok");
  expect_bytes_of_file(3, 399000);
  assert_int_equal(session_counters(web).retries, 1);
  creche_retry retry;
  OK(creche_retry_init(&retry, sizeof retry));
  retry.delay = 0;
  o.retry = &retry;
  refusals = 3;
  expect_body(post("/", &o), 200, "ok");
  expect_bytes_of_file(3, 399000);
  o.flags = CRECHE_REQUEST_EXPECT;
  o.expect_timeout = 1;
  expect_body(post("/417", &o), 200, "ok");
  expect_bytes_of_file(3, 399000);
  /* A 303 drops it, and what describes it. */
  o.flags = 0;
  o.coding = CRECHE_CODING_GZIP;
  expect_body(post("/303", &o), 200, "ok");
  assert_memory_equal(last_head, "GET /end ", 9);
  assert_false(says("Content-") || says("Transfer-"));
  close(fd);
}

static void files_that_fail(void** state) {
  (void)state;
  int pipes[2];
  assert_int_equal(pipe(pipes), 0);
  const int fd = file_of(1000), folder = open(".", O_RDONLY);
  creche_file file = {fd, 0, 0, 1001}; /* shorter than was said */
  creche_request_options o = request_options();
  o.body_file = &file;
  for (int i = 0; i < 2; i++) {
    creche_completion c =
        i == 0 ? post("/", &o) : send_request(at(support_hostile_url(server), "/"), &o);
    assert_int_equal(c.status, CRECHE_E_BODY);
    assert_int_equal(c.error->phase, CRECHE_PHASE_SEND);
    assert_non_null(strstr(c.error->message, "shorter"));
    drop(c);
    assert_true(support_hostile_await_open(server, 0, PATIENCE_MS)); /* the server knows, too */
  }
  file.size = CRECHE_TO_THE_END;
  const int bad[] = {pipes[0], folder, 9999};
  const int errors[] = {ESPIPE, EISDIR, EBADF};
  for (int i = 0; i < 3; i++) {
    file.fd = bad[i];
    creche_completion c = post("/", &o);
    assert_int_equal(c.status, CRECHE_E_BODY);
    assert_int_equal(c.error->phase, CRECHE_PHASE_OPTIONS);
    assert_int_equal(c.error->system_errno, errors[i]);
    drop(c);
  }
  file.fd = open("/dev/null", O_WRONLY);
  creche_completion c = post("/", &o);
  assert_int_equal(c.status, CRECHE_E_BODY);
  drop(c);
  close(file.fd);
  close(pipes[0]);
  close(pipes[1]);
  close(folder);
  close(fd);
}

static int descriptors(void) {
  int n = 0;
  for (int fd = 0; fd < 256; fd++) n += fcntl(fd, F_GETFD) >= 0;
  return n;
}

/* Cancelled at any moment, the file is let go of. */
static void a_file_is_cancelled(void** state) {
  (void)state;
  const int fd = file_of(3000000);
  const creche_file file = {fd, 0, 0, CRECHE_TO_THE_END};
  creche_request_options o = request_options();
  o.body_file = &file;
  use_session(NULL);
  const int before = descriptors();
  for (int i = 0; i < 50; i++) {
    const creche_task task = start(at(support_hostile_url(server), "/"), &o, NULL);
    int ended = 0;
    for (int k = 0; k < i && !ended; k++) {
      OK(creche_yield(loop.scope, &to_queue, NULL, NULL, NULL));
      for (int yielded = 0; !yielded;) {
        creche_completion c = next();
        yielded = c.task.scope.id != task.scope.id;
        ended |= !yielded;
        drop(c);
      }
    }
    creche_scope_cancel(task.scope, NULL);
    while (!ended) {
      creche_completion c = next();
      ended = c.task.scope.id == task.scope.id;
      drop(c);
    }
    use_session(NULL); /* so that an idle connection is closed, too */
    assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  }
  while (descriptors() > before) {
    OK(creche_yield(loop.scope, &to_queue, NULL, NULL, NULL)); /* a worker may read from it yet */
    drop(next());
  }
  close(fd);
}

static const creche_part* text_part(const char* name, const char* value) {
  static creche_part p;
  p = creche_part_text(name, value);
  return &p;
}

static void a_urlencoded_form(void** state) {
  (void)state;
  const creche_part form[] = {creche_part_text("a", "b c"),
                              creche_part_text("a", "\xc3\xa4&=+%*-._~"),
                              creche_part_text("", NULL),
                              creche_part_text("line\n", "\r\n"),
                              {"nul", "\0x", 2, NULL, NULL, NULL}};
  creche_request_options o = request_options();
  o.form = form;
  o.form_count = 5;
  expect_body(post("/", &o), 200, "ok");
  assert_true(says("POST / ") && says("\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
  assert_string_equal(last_body, "a=b+c&a=%C3%A4%26%3D%2B%25*-._%7E&=&line%0A=%0D%0A&nul=%00x");
  const creche_header type = creche_header_text("content-type", "application/x-mine");
  o.headers = &type;
  o.headers_count = 1;
  o.form_count = 0;
  o.method = "PATCH";
  expect_body(post("/", &o), 200, "ok");
  assert_true(says("PATCH / ") && says("\r\ncontent-type: application/x-mine\r\n"));
  assert_true(says("Content-Length: 0\r\n") && !says("urlencoded"));
}

static void a_multipart_form(void** state) {
  (void)state;
  const int fd = file_of(300000);
  const creche_file whole = {fd, 0, 0, CRECHE_TO_THE_END}, piece = {fd, 0, 10, 5};
  const creche_part form[] = {
      creche_part_text("text", "a\r\nb"),
      {"file", NULL, 0, &whole, "na\"me \xc3\xa4.txt", "text/plain"},
      {"bytes", "\0\xff", 2, NULL, "b.bin", NULL},
      {"quo\"te", NULL, 0, &piece, NULL, NULL},
      {"typed", "{}", 2, NULL, NULL, "application/json"},
  };
  creche_request_options o = request_options();
  o.form = form;
  o.form_count = 5;
  for (int i = 0; i < 2; i++) { /* a form is good for many requests */
    expect_body(post("/", &o), 200, "ok");
    const char* boundary = strstr(last_head, "multipart/form-data; boundary=");
    assert_non_null(boundary);
    boundary += 30;
    const int size = (int)strcspn(boundary, "\r");
    assert_in_range(size, 20, 70);
    static char expected[400000];
    char* to = expected;
    to += sprintf(to, "--%.*s\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\na\r\nb\r\n",
                  size, boundary);
    to += sprintf(to,
                  "--%.*s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"na%%22me "
                  "\xc3\xa4.txt\"\r\n"
                  "Content-Type: text/plain\r\n\r\n",
                  size, boundary);
    for (size_t k = 0; k < 300000; k++) *to++ = byte_at(k);
    to += sprintf(
        to,
        "\r\n--%.*s\r\nContent-Disposition: form-data; name=\"bytes\"; filename=\"b.bin\"\r\n"
        "Content-Type: application/octet-stream\r\n\r\n",
        size, boundary);
    *to++ = '\0';
    *to++ = '\xff';
    to += sprintf(to,
                  "\r\n--%.*s\r\nContent-Disposition: form-data; name=\"quo%%22te\"\r\n"
                  "Content-Type: application/octet-stream\r\n\r\n",
                  size, boundary);
    for (size_t k = 10; k < 15; k++) *to++ = byte_at(k);
    to += sprintf(to,
                  "\r\n--%.*s\r\nContent-Disposition: form-data; name=\"typed\"\r\n"
                  "Content-Type: application/json\r\n\r\n{}\r\n--%.*s--\r\n",
                  size, boundary, size, boundary);
    assert_int_equal(last_size, to - expected);
    assert_memory_equal(last_body, expected, last_size);
    assert_true(says("\r\nContent-Length: ") && !says("Transfer-Encoding"));
  }
  close(fd);
}

static void boundaries_and_names(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_MULTIPART;
  o.form = text_part("a", "b");
  o.form_count = 1;
  creche_header type =
      creche_header_text("Content-Type", "multipart/mixed; charset=x; Boundary=\"MINE\"");
  o.headers = &type;
  o.headers_count = 1;
  expect_body(post("/", &o), 200, "ok");
  assert_string_equal(
      last_body, "--MINE\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--MINE--\r\n");
  assert_true(says("boundary=\"MINE\"") || says("Boundary=\"MINE\""));
  static const char* const bad[] = {"multipart/form-data",
                                    "multipart/form-data; boundary=", "text/plain; boundary=x",
                                    "multipart/form-data; boundary=\"a b\""};
  for (int i = 0; i < 4; i++) {
    type = creche_header_text("Content-Type", bad[i]);
    expect_failure(post("/", &o), CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
  }
  o.headers_count = 0;
  creche_part part = creche_part_text("a", "b");
  o.form = &part;
  for (int i = 0; i < 9; i++) {
    static const char* const controls[] = {"a\r\nb", "a\nb", "a\x7f"};
    part = creche_part_text("a", "b");
    *(i % 3 == 0 ? &part.name : i % 3 == 1 ? &part.filename : &part.type) = controls[i / 3];
    expect_failure(post("/", &o), CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
  }
  assert_int_equal(support_hostile_requests(server), 1);
  /* Two boundaries are two. */
  char first[128];
  part = creche_part_text("a", "b");
  expect_body(post("/", &o), 200, "ok");
  snprintf(first, sizeof first, "%.100s", last_body);
  expect_body(post("/", &o), 200, "ok");
  assert_string_not_equal(first, last_body);
}

/* Undone by who knows how: the library itself, as an answer. */
static void replaying(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    const int gzip = ((unsigned char)last_body[0]) == 0x1f;
    support_sendf(peer, "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
                  gzip ? "gzip" : "deflate", last_size);
    support_send(peer, last_body, last_size);
  }
}
static void expect_decoded(const char* expected, size_t size) {
  support_hostile* decoder = support_hostile_start(replaying, NULL);
  creche_completion c = fetch(support_hostile_url(decoder), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  assert_int_equal(c.data_size, size);
  assert_memory_equal(c.data, expected, size);
  drop(c);
  support_hostile_stop(decoder);
}

static void bodies_are_coded(void** state) {
  (void)state;
  const size_t size = 700000;
  char* all = malloc(size + 1);
  for (size_t i = 0; i < size; i++) all[i] = byte_at(i);
  const int fd = file_of(size);
  const creche_file file = {fd, 0, 0, CRECHE_TO_THE_END};
  for (int i = 0; i < 8; i++) {
    creche_request_options o = request_options();
    o.coding = i % 2 == 0 ? CRECHE_CODING_GZIP : CRECHE_CODING_DEFLATE;
    o.method = "PUT";
    const char* path = i < 2 ? "/302" : "/";
    if (i < 6) {
      o.body = i < 4 ? all : NULL;
      o.body_size = i < 4 ? size : 0;
      o.body_file = i < 4 ? NULL : &file;
      expect_body(post(path, &o), 200, "ok");
    } else {
      o.flags = CRECHE_REQUEST_PULL_BODY;
      o.body_size = i == 6 ? size : CRECHE_UNKNOWN_SIZE;
      start(at(support_hostile_url(server), path), &o, NULL);
      for (size_t sent = 0; sent < size;) {
        creche_completion c = next();
        assert_int_equal(c.kind, CRECHE_PULL);
        const size_t n = size - sent < 100000 ? size - sent : 100000;
        OK(creche_task_answer(c.task, CRECHE_OK, all + sent, n, sent + n < size ? CRECHE_MORE : 0,
                              NULL));
        sent += n;
        drop(c);
      }
      expect_body(next(), 200, "ok");
    }
    assert_true(
        says(i % 2 == 0 ? "\r\nContent-Encoding: gzip\r\n" : "\r\nContent-Encoding: deflate\r\n"));
    assert_true(says("\r\nTransfer-Encoding: chunked\r\n") && !says("Content-Length"));
    assert_in_range(last_size, 1, size - 1);
    expect_decoded(all, size);
  }
  close(fd);
  /* An empty one, and none at all. */
  creche_request_options o = request_options();
  o.coding = CRECHE_CODING_GZIP;
  o.body = "";
  expect_body(post("/", &o), 200, "ok");
  assert_true(says("gzip\r\n"));
  expect_decoded("", 0);
  o.body = NULL;
  expect_body(post("/", &o), 200, "ok");
  assert_memory_equal(last_head, "GET / ", 6);
  assert_false(says("Content-Encoding") || says("Transfer-Encoding"));
  /* A form. */
  o.form = text_part("a", "b");
  o.form_count = 1;
  expect_body(post("/", &o), 200, "ok");
  expect_decoded("a=b", 3);
  /* What does not go together. */
  const creche_header coding = creche_header_text("Content-Encoding", "br"),
                      length = creche_header_text("Content-Length", "3");
  o.headers_count = 1;
  o.headers = &coding;
  expect_failure(post("/", &o), CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
  o.headers = &length;
  expect_failure(post("/", &o), CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
  /* The size of what is pulled is that before the coding. */
  o = request_options();
  o.coding = CRECHE_CODING_GZIP;
  o.flags = CRECHE_REQUEST_PULL_BODY;
  o.body_size = 4;
  for (int i = 0; i < 2; i++) {
    start(at(support_hostile_url(server), "/"), &o, NULL);
    creche_completion c = next();
    OK(creche_task_answer(c.task, CRECHE_OK, "bodies", i == 0 ? 3 : 5, 0, NULL));
    drop(c);
    expect_failure(next(), CRECHE_E_BODY, CRECHE_PHASE_SEND, 0);
  }
  free(all);
}

static void one_body_only(void** state) {
  (void)state;
  const creche_file file = {0, 0, 0, 0},
                    bad_files[] = {{-1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, UINT64_MAX, 0}};
  const creche_part bad_parts[] = {{NULL, "x", 1, NULL, NULL, NULL},
                                   {"x", NULL, 1, NULL, NULL, NULL},
                                   {"x", "y", 1, &file, NULL, NULL}};
  for (int i = 0; i < 12; i++) {
    creche_request_options o = request_options();
    if (i < 3) o.body = "x", o.body_size = 1;
    if (i == 0 || i == 3) o.body_file = &file;
    if (i == 1 || i == 3) o.form = text_part("a", "b"), o.form_count = 1;
    if (i == 2) o.flags = CRECHE_REQUEST_PULL_BODY;
    if (i == 4) o.form_count = 1;
    if (i >= 5 && i < 8) o.body_file = &bad_files[i - 5];
    if (i >= 8 && i < 11) o.form = &bad_parts[i - 8], o.form_count = 1;
    if (i == 11) o.coding = 3;
    const creche_status status =
        creche_session_fetch(web, loop.scope, "http://h/", &o, creche_nobody, NULL, NULL);
    assert_int_equal(status, i == 6 || i == 11 ? CRECHE_E_UNSUPPORTED : CRECHE_E_INVALID);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_file, serve, stop),
      cmocka_unit_test_setup_teardown(a_file_again, serve, stop),
      cmocka_unit_test_setup_teardown(files_that_fail, serve, stop),
      cmocka_unit_test_setup_teardown(a_file_is_cancelled, serve, stop),
      cmocka_unit_test_setup_teardown(a_urlencoded_form, serve, stop),
      cmocka_unit_test_setup_teardown(a_multipart_form, serve, stop),
      cmocka_unit_test_setup_teardown(boundaries_and_names, serve, stop),
      cmocka_unit_test_setup_teardown(bodies_are_coded, serve, stop),
      cmocka_unit_test_setup_teardown(one_body_only, serve, stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
