/* Bodies that go into a file: where, how much, what happens if they do not fit. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reading.h"

static char path[] = "/tmp/creche-download-XXXXXX";
static int fd;

static int set_up_file(void** state) {
  if (set_up(state) != 0) return -1;
  strcpy(path + sizeof path - 7, "XXXXXX");
  fd = mkstemp(path);
  return fd >= 0 ? 0 : -1;
}
static int tear_down_file(void** state) {
  close(fd);
  unlink(path);
  return tear_down(state);
}

static creche_completion download(const char* url, int into, uint64_t offset, uint64_t size) {
  const creche_file file = {into, 0, offset, size};
  creche_request_options o = request_options();
  o.to_file = &file;
  return fetch(url, &o);
}

static void expect_file(const char* text, size_t size) {
  char is[256];
  assert_int_equal(pread(fd, is, sizeof is, 0), size);
  assert_memory_equal(is, text, size);
}

static void at_an_offset(void** state) {
  (void)state;
  support_hostile* server =
      support_hostile_start(support_script_answer, OK_HEAD "Content-Length: 5\r\n\r\nhello");
  assert_int_equal(pwrite(fd, "0123456789", 10, 0), 10);
  for (int i = 0; i < 2; i++) {
    creche_completion c = download(support_hostile_url(server), fd, 3, CRECHE_TO_THE_END);
    assert_int_equal(c.status, CRECHE_OK);
    assert_int_equal(c.code, 200);
    assert_int_equal(c.data_size, 0);
    assert_int_equal(creche_response_status((creche_response){c.value}), 200);
    assert_int_equal(info_of((creche_response){c.value}).decoded_bytes, 5);
    drop(c);
  }
  expect_file("012hello89", 10);
  assert_int_equal(lseek(fd, 0, SEEK_CUR), 0); /* the position is nobody's business */
  assert_int_equal(session_counters(web).reuses, 1);
  support_hostile_stop(server);
}

/* Your descriptor may be closed at once. */
static void half(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer, OK_HEAD "Content-Length: 10\r\n\r\n01234");
  if (support_await(peer, 1)) support_send_text(peer, "56789");
  support_await_close(peer);
}
static void the_descriptor_is_duplicated(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(half, NULL);
  const int other = open(path, O_WRONLY);
  const creche_file file = {other, 0, 0, CRECHE_TO_THE_END};
  creche_request_options o = request_options();
  o.to_file = &file;
  start(support_hostile_url(server), &o, NULL);
  close(other);
  support_hostile_signal(server);
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_OK);
  drop(c);
  expect_file("0123456789", 10);
  support_hostile_stop(server);
}

static void cut(support_peer* peer, void* user) {
  (void)user;
  if (support_expect_request(peer))
    support_send_text(peer, OK_HEAD "Content-Length: 10\r\n\r\n01234");
}
static void what_came_stays(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(cut, NULL);
  expect_status(download(support_hostile_url(server), fd, 0, CRECHE_TO_THE_END),
                CRECHE_E_TRUNCATED);
  expect_file("01234", 5);
  support_hostile_stop(server);
}

static void cancelled_in_the_middle(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(half, NULL);
  const creche_file file = {fd, 0, 0, CRECHE_TO_THE_END};
  creche_request_options o = request_options();
  o.to_file = &file;
  const creche_task task = start(support_hostile_url(server), &o, NULL);
  struct stat s;
  for (;;) { /* until the first half is there */
    assert_int_equal(fstat(fd, &s), 0);
    if (s.st_size >= 5) break;
    sched_yield();
  }
  OK(creche_scope_cancel(task.scope, "enough"));
  expect_status(next(), CRECHE_E_CANCELLED);
  expect_file("01234", 5);
  support_hostile_signal(server);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS)); /* its connection is closed */
  expect_file("01234", 5);
  support_hostile_stop(server);
}

/* ---- What cannot be written ---- */

enum { BIG = 8 << 20 };
static void big(support_peer* peer, void* user) {
  static char piece[64 << 10];
  const size_t size = *(size_t*)user;
  while (support_expect_request(peer)) {
    support_sendf(peer, OK_HEAD "Content-Length: %zu\r\n\r\n", size);
    for (size_t sent = 0; sent < size; sent += sizeof piece)
      if (!support_send(peer, piece, sizeof piece)) return;
  }
}

static void expect_errno(creche_completion c, int error) {
  if (c.status != CRECHE_E_SYSTEM)
    fail_msg("%s: %s", creche_status_name(c.status), creche_error_message(c.error));
  assert_int_equal(c.error->system_errno, error);
  assert_false(c.error->flags & CRECHE_ERROR_RETRYABLE);
  drop(c);
}

static void a_full_disk(void** state) {
  (void)state;
  size_t size = BIG;
  support_hostile* server = support_hostile_start(big, &size);
  const int full = open("/dev/full", O_WRONLY);
  creche_completion c = download(support_hostile_url(server), full, 0, CRECHE_TO_THE_END);
  assert_int_equal(c.error->phase, CRECHE_PHASE_BODY);
  expect_errno(c, ENOSPC);
  close(full);
  assert_int_equal(session_counters(web).idle, 0);
  support_hostile_stop(server);
}

/* The signal that goes with it harms nobody. */
static void a_file_that_may_not_grow(void** state) {
  (void)state;
  size_t size = BIG;
  support_hostile* server = support_hostile_start(big, &size);
  struct rlimit before, low;
  signal(SIGXFSZ, SIG_DFL);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  low = before;
  low.rlim_cur = 1 << 20;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
  creche_completion c = download(support_hostile_url(server), fd, 0, CRECHE_TO_THE_END);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  expect_errno(c, EFBIG);
  struct stat s;
  assert_int_equal(fstat(fd, &s), 0);
  assert_int_equal(s.st_size, 1 << 20);
  support_hostile_stop(server);
}

static void no_file(void** state) {
  (void)state;
  support_hostile* server =
      support_hostile_start(support_script_answer, OK_HEAD "Content-Length: 5\r\n\r\nhello");
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  expect_errno(download(support_hostile_url(server), ends[1], 0, CRECHE_TO_THE_END), ESPIPE);
  const int readable = open(path, O_RDONLY);
  expect_errno(download(support_hostile_url(server), readable, 0, CRECHE_TO_THE_END), EBADF);
  close(readable);
  /* Linux would write behind the end, whatever the offset is. */
  const int appending = open(path, O_WRONLY | O_APPEND);
  expect_errno(download(support_hostile_url(server), appending, 0, CRECHE_TO_THE_END), EINVAL);
  close(appending);
  assert_int_equal(support_hostile_requests(server),
                   1); /* of the pipe: that shows when it writes */
  close(ends[0]);
  close(ends[1]);
  expect_errno(download(support_hostile_url(server), ends[1], 0, CRECHE_TO_THE_END), EBADF);
  support_hostile_stop(server);
}

static void more_than_size(void** state) {
  (void)state;
  support_hostile* server =
      support_hostile_start(support_script_answer, OK_HEAD "Content-Length: 5\r\n\r\nhello");
  expect_status(download(support_hostile_url(server), fd, 0, 4), CRECHE_E_LIMIT);
  struct stat s;
  assert_int_equal(fstat(fd, &s), 0);
  assert_true(s.st_size <= 4);
  creche_completion c = download(support_hostile_url(server), fd, 0, 5);
  assert_int_equal(c.status, CRECHE_OK);
  drop(c);
  expect_file("hello", 5);
  support_hostile_stop(server);
}

/* ---- Only the answer's body, whatever is before it ---- */

static void redirect(support_peer* peer, void* user) {
  (void)user;
  if (support_expect_request(peer))
    support_send_text(peer,
                      "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 7\r\n\r\nwrong!!");
  if (support_expect_request(peer)) support_send_text(peer, OK_HEAD "Content-Length: 2\r\n\r\nok");
  support_await_close(peer);
}
static void not_that_of_a_redirect(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(redirect, NULL);
  creche_completion c = download(support_hostile_url(server), fd, 0, CRECHE_TO_THE_END);
  assert_int_equal(c.status, CRECHE_OK);
  assert_int_equal(info_of((creche_response){c.value}).redirects, 1);
  drop(c);
  expect_file("ok", 2);
  support_hostile_stop(server);
}

static void not_that_of_a_failure(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(
      support_script_answer, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone");
  const creche_file file = {fd, 0, 0, CRECHE_TO_THE_END};
  creche_request_options o = request_options();
  o.to_file = &file;
  o.flags = CRECHE_REQUEST_FAIL_ON_STATUS;
  creche_completion c = fetch(support_hostile_url(server), &o);
  assert_int_equal(c.status, CRECHE_E_HTTP_STATUS);
  assert_int_equal(c.code, 404);
  assert_string_equal(c.error->http_body, "none");
  drop(c);
  expect_file("", 0);
  support_hostile_stop(server);
}

static void misuse(void** state) {
  (void)state;
  creche_file file = {fd, 0, 0, CRECHE_TO_THE_END};
  creche_request_options o = request_options();
  o.to_file = &file;
  IS(creche_session_send(web, loop.scope, "http://h/", &o, NULL, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_session_warm_up(web, loop.scope, "http://h/", 1, &o, NULL, NULL, NULL),
     CRECHE_E_INVALID);
  file.fd = -1;
  IS(creche_session_fetch(web, loop.scope, "http://h/", &o, NULL, NULL, NULL), CRECHE_E_INVALID);
  file.fd = fd;
  file.reserved = 1;
  IS(creche_session_fetch(web, loop.scope, "http://h/", &o, NULL, NULL, NULL),
     CRECHE_E_UNSUPPORTED);
}

/* ---- Memory ---- */

static long peak_kib(void) {
  struct rusage usage;
  assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
  return usage.ru_maxrss;
}

static void memory_stays_flat(void** state) {
  (void)state;
  size_t size = 96 << 20;
  support_hostile* server = support_hostile_start(big, &size);
  const long before = peak_kib();
  creche_completion c = download(support_hostile_url(server), fd, 0, CRECHE_TO_THE_END);
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(info_of((creche_response){c.value}).decoded_bytes, size);
  drop(c);
  struct stat s;
  assert_int_equal(fstat(fd, &s), 0);
  assert_int_equal(s.st_size, size);
  const long more = peak_kib() - before;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  assert_true(more < 32 << 10);
#else
  (void)more; /* their own memory is in it */
#endif
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(at_an_offset, set_up_file, tear_down_file),
      cmocka_unit_test_setup_teardown(the_descriptor_is_duplicated, set_up_file, tear_down_file),
      cmocka_unit_test_setup_teardown(what_came_stays, set_up_file, tear_down_file),
      cmocka_unit_test_setup_teardown(cancelled_in_the_middle, set_up_file, tear_down_file),
      cmocka_unit_test_setup_teardown(a_full_disk, set_up_file, tear_down_file),
      cmocka_unit_test_setup_teardown(a_file_that_may_not_grow, set_up_file, tear_down_file),
      cmocka_unit_test_setup_teardown(no_file, set_up_file, tear_down_file),
      cmocka_unit_test_setup_teardown(more_than_size, set_up_file, tear_down_file),
      cmocka_unit_test_setup_teardown(not_that_of_a_redirect, set_up_file, tear_down_file),
      cmocka_unit_test_setup_teardown(not_that_of_a_failure, set_up_file, tear_down_file),
      cmocka_unit_test_setup_teardown(misuse, set_up_file, tear_down_file),
      cmocka_unit_test_setup_teardown(memory_stays_flat, set_up_file, tear_down_file),
  };
  return cmocka_run_group_tests_name("download", tests, NULL, NULL);
}
