/* Bodies that are none, coded, cut, closed or too large: cases of CASES.md. */
#include "http_test.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

struct bytes {
  const char* data;
  size_t size;
};
#define BYTES(text) \
  { text, sizeof(text) - 1 }

static const char* body_of(support_peer* peer) {
  return strchr(support_received(peer), ' ') + 1;
}

/* ---- No body, whatever the head says ---- */

static int trickling;
static void answer(support_peer* peer, void* user) {
  const struct bytes* bytes = user;
  while (support_expect_request(peer))
    if (!(trickling ? support_trickle : support_send)(peer, bytes->data, bytes->size)) return;
}

static void no_body_though_it_is_announced(void** state) {
  (void)state;
  static const struct {
    const char* method;
    struct bytes answer;
    uint32_t code;
  } cases[] = {
      {"HEAD", BYTES(OK_HEAD "Content-Length: 1000\r\n\r\n"), 200},
      {"HEAD", BYTES(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"), 200},
      {"HEAD", BYTES(OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 50\r\n\r\n"), 200},
      {"HEAD", BYTES("HTTP/1.1 404 X\r\nContent-Length: 9\r\n\r\n"), 404},
      {"GET", BYTES("HTTP/1.1 204 X\r\nContent-Encoding: gzip\r\n\r\n"), 204},
      {"GET", BYTES("HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n"), 204},
      {"GET", BYTES("HTTP/1.1 304 X\r\nTransfer-Encoding: chunked\r\n\r\n"), 304},
      {"GET", BYTES("HTTP/1.1 304 X\r\nContent-Encoding: br\r\nContent-Length: 9\r\n\r\n"), 304},
      {"GET", BYTES(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 200},
      {"GET", BYTES(OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"), 200},
      {"GET",
       BYTES("HTTP/1.1 102 X\r\nTransfer-Encoding: chunked\r\n\r\n"
             "HTTP/1.1 204 X\r\n\r\n"),
       204},
      {"GET", BYTES("HTTP/1.1 205 X\r\nContent-Length: 0\r\n\r\n"), 205},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (trickling = 0; trickling < 2; trickling++) {
      support_hostile* server = support_hostile_start(answer, (void*)&cases[i].answer);
      creche_request_options o = request_options();
      o.method = cases[i].method;
      for (int n = 0; n < 2; n++)
        expect_body(fetch(support_hostile_url(server), &o), cases[i].code, "");
      creche_completion c = send_request(support_hostile_url(server), &o);
      assert_int_equal(c.code, cases[i].code);
      creche_completion end = read_some((creche_response){c.value}, 0);
      assert_int_equal(end.kind, CRECHE_END);
      drop(end);
      drop(c);
      assert_int_equal(support_hostile_connections(server), 1);
      support_hostile_stop(server);
    }
}

/* And one that is there though it cannot be is nobody's: neither this answer's nor the next one. */
static void a_body_where_none_can_be(void** state) {
  (void)state;
  trickling = 0; /* it could be there only when the next request has been sent */
  static const struct {
    const char* method;
    struct bytes answer;
    uint32_t code;
  } cases[] = {
      {"HEAD", BYTES(OK_HEAD "Content-Length: 5\r\n\r\nhello"), 200},
      {"GET", BYTES("HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\nhello"), 304},
      {"GET", BYTES("HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\nhello"), 204},
      {"HEAD", BYTES(OK_HEAD "Content-Length: 5\r\n\r\n" OK_HEAD "Content-Length: 6\r\n\r\npoison"),
       200},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    support_hostile* server = support_hostile_start(answer, (void*)&cases[i].answer);
    creche_request_options o = request_options();
    o.method = cases[i].method;
    for (int n = 0; n < 2; n++)
      expect_body(fetch(support_hostile_url(server), &o), cases[i].code, "");
    assert_int_equal(support_hostile_connections(server), 2);
    assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
    support_hostile_stop(server);
  }
}

/* ---- Coded bodies ---- */

struct coded {
  const char* coding;
  struct bytes body;
};

/* "hello world". */
static const struct coded hellos[] = {
    {"gzip",
     BYTES("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10"
           "\x36\x05\x00\x00\x00\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x53\x28\xcf\x2f\xca"
           "\x49\x01\x00\xcb\x42\x3b\x4a\x06\x00\x00\x00")},                    /* two members */
    {"deflate", BYTES("\xcb\x48\xcd\xc9\xc9\x57\x28\xcf\x2f\xca\x49\x01\x00")}, /* bare */
    {"Deflate",
     BYTES("\x78\xda\xcb\x48\xcd\xc9\xc9\x57\x28\xcf\x2f\xca\x49\x01\x00\x1a\x0b\x04\x5d")},
    {"br", BYTES("\x0b\x05\x80\x68\x65\x6c\x6c\x6f\x20\x77\x6f\x72\x6c\x64\x03")},
    {"zstd",
     BYTES("\x28\xb5\x2f\xfd\x04\x58\x29\x00\x00\x68\x65\x6c\x6c\x6f\xa3\x6d\x9f\x88\x28\xb5"
           "\x2f\xfd\x04\x58\x31\x00\x00\x20\x77\x6f\x72\x6c\x64\xa9\x33\xd5\xb4")}, /* two
                                                                                 frames */
    {"x-gzip, br",
     BYTES(
         "\x0b\x0f\x80\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x57\x28\xcf\x2f"
         "\xca\x49\x01\x00\x85\x11\x4a\x0d\x0b\x00\x00\x00\x03")},
};

/* "/<n>": cut at n, with a length; "/x": in chunks of one byte, each line and byte alone; "/c":
 * until it closes. */
static void sends_coded(support_peer* peer, void* user) {
  const struct coded* coded = user;
  const struct bytes b = coded->body;
  while (support_expect_request(peer)) {
    const char* how = body_of(peer) + 1;
    const size_t cut = strtoul(how, NULL, 10);
    const int chunked = *how == 'x', closing = *how == 'c';
    support_sendf(peer, OK_HEAD "Content-Encoding: %s\r\n", coded->coding);
    if (closing) {
      support_send_text(peer, "Connection: close\r\n\r\n");
      support_send(peer, b.data, b.size);
      return;
    }
    if (!chunked) {
      support_sendf(peer, "Content-Length: %zu\r\n\r\n", b.size);
      support_send(peer, b.data, cut);
      if (!support_trickle(peer, b.data + cut, 1)) return;
      if (!support_send(peer, b.data + cut + 1, b.size - cut - 1)) return;
      continue;
    }
    support_send_text(peer, "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t i = 0; i < b.size; i++) {
      support_trickle(peer, "1\r\n", 3);
      support_trickle(peer, b.data + i, 1);
      support_trickle(peer, "\r\n", 2);
    }
    support_send_text(peer, "0\r\n\r\n");
  }
}

static void coded_bodies_cut_anywhere(void** state) {
  (void)state;
  for (size_t i = 0; i < sizeof hellos / sizeof *hellos; i++) {
    support_hostile* server = support_hostile_start(sends_coded, (void*)&hellos[i]);
    for (size_t cut = 0; cut < hellos[i].body.size; cut++) {
      char path[32];
      snprintf(path, sizeof path, "/%zu", cut);
      start(at(support_hostile_url(server), path), NULL, NULL);
    }
    start(at(support_hostile_url(server), "/x"), NULL, NULL);
    start(at(support_hostile_url(server), "/c"), NULL, NULL);
    for (size_t n = 0; n < hellos[i].body.size + 2; n++) expect_body(next(), 200, "hello world");
    support_hostile_stop(server);
  }
}

/* ---- Small bodies that become large ones ---- */

enum { MUCH = 2 << 20 }; /* zeros */

static const struct coded zeros[] = {
    {"br", BYTES("\x9b\xff\xff\x1f\xf8\x27\x00\xe2\xb1\x40\x20\xf7\xfe\x03")},
    {"zstd", BYTES("\x28\xb5\x2f\xfd\x04\x68\x4c\x00\x00\x08\x00\x01\x00\xfc\xff\x39\x10\x02\x02"
                   "\x00\x10\x00\x02"
                   "\x00\x10\x00\x02\x00\x10\x00\x02\x00\x10\x00\x02\x00\x10\x00\x02\x00\x10\x00"
                   "\x02\x00\x10\x00"
                   "\x02\x00\x10\x00\x02\x00\x10\x00\x02\x00\x10\x00\x02\x00\x10\x00\x02\x00\x10"
                   "\x00\x02\x00\x10"
                   "\x00\x02\x00\x10\x00\x03\x00\x10\x00\xdb\x23\x8e\xf8")},
    {"gzip, gzip",
     BYTES(
         "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x93\xef\xe6\x60\x00\x01\x26\xe6\xb7\x07\x0d\x19"
         "\x81\x8c\x43\x0b\xbe\xfa\xe7\xf2\xc8\x2f\x60\x18\x05\xa3\x60\x14\x8c\x82\x51\x30\x0a\x46"
         "\xc1\xb0\x07\xfb\xd8\xea\xda\x3b\x7b\x19\x18\x14\x18\x00\x98\x4f\x43\x8b\x13\x08\x00"
         "\x00")},
    {"deflate, gzip",
     BYTES(
         "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\xb8\xf5\xf6\xa0\x21\x23\x03\x03\xc3\xa1\x05"
         "\x5f\xfd\x73\x79\xe4\x17\x30\x8c\x82\x51\x30\x0a\x46\xc1\x28\x18\x05\xa3\x60\xd8\x83\x7d"
         "\x6c\x8c\x0f\x18\x18\x01\x0b\x96\x82\x01\x07\x08\x00\x00")},
};
enum { ZEROS = sizeof zeros / sizeof *zeros };

static size_t read_all(creche_response r, size_t capacity) {
  size_t all = 0;
  for (;;) {
    creche_completion c = read_some(r, capacity);
    if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
    const uint32_t kind = c.kind;
    assert_true(c.data_size <= capacity);
    for (size_t i = 0; i < c.data_size; i += 997) assert_int_equal(((const char*)c.data)[i], 0);
    all += c.data_size;
    drop(c);
    if (kind == CRECHE_END) return all;
  }
}

static void bombs_are_read_in_steps(void** state) {
  (void)state;
  for (int i = 0; i < ZEROS; i++) {
    support_hostile* server = support_hostile_start(sends_coded, (void*)&zeros[i]);
    creche_completion c = send_request(at(support_hostile_url(server), "/0"), NULL);
    assert_int_equal(c.status, CRECHE_OK);
    assert_int_equal(read_all((creche_response){c.value}, 10007), MUCH);
    drop(c);
    c = fetch(at(support_hostile_url(server), "/0"), NULL);
    assert_int_equal(c.data_size, MUCH);
    drop(c);
    assert_int_equal(support_hostile_connections(server), 1);
    /* One byte less may not be. */
    creche_request_options o = request_options();
    o.max_body = MUCH;
    c = fetch(at(support_hostile_url(server), "/0"), &o);
    assert_int_equal(c.data_size, MUCH);
    drop(c);
    o.max_body--;
    expect_failure(fetch(at(support_hostile_url(server), "/0"), &o), CRECHE_E_LIMIT,
                   CRECHE_PHASE_BODY, 0);
    support_hostile_stop(server);
  }
}

/* What expands more than it may is not read on: what came before is delivered first. */
static void how_much_they_may_expand(void** state) {
  (void)state;
  for (int i = 0; i < ZEROS; i++) {
    support_hostile* server = support_hostile_start(sends_coded, (void*)&zeros[i]);
    creche_session_options so = session_options();
    so.max_expansion = 50;
    use_session(&so);
    expect_failure(fetch(at(support_hostile_url(server), "/0"), NULL), CRECHE_E_LIMIT,
                   CRECHE_PHASE_BODY, 0);
    creche_completion c = send_request(at(support_hostile_url(server), "/0"), NULL);
    const creche_response r = {c.value};
    size_t read = 0;
    for (;;) {
      creche_completion piece = read_some(r, 10007);
      const creche_status status = piece.status;
      read += piece.data_size;
      drop(piece);
      if (status == CRECHE_OK && read < MUCH) continue;
      assert_int_equal(status, CRECHE_E_LIMIT);
      break;
    }
    assert_in_range(read, 64 << 10, (64 << 10) + 50 * zeros[i].body.size + 10007);
    drop(c);
    creche_request_options o = request_options();
    o.max_expansion = CRECHE_DEFAULT; /* no limit for this one */
    c = fetch(at(support_hostile_url(server), "/0"), &o);
    assert_int_equal(c.data_size, MUCH);
    drop(c);
    support_hostile_stop(server);
  }
}

/* The server has closed long before all has been decoded: nothing is missing. */
static void closed_while_the_reader_waits(void** state) {
  (void)state;
  for (int i = 0; i < ZEROS; i++) {
    support_hostile* server = support_hostile_start(sends_coded, (void*)&zeros[i]);
    creche_completion c = send_request(at(support_hostile_url(server), "/c"), NULL);
    assert_int_equal(c.status, CRECHE_OK);
    const creche_response r = {c.value};
    creche_completion first = read_some(r, 1);
    assert_int_equal(first.data_size, 1);
    drop(first);
    assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
    assert_int_equal(read_all(r, 100000), MUCH - 1);
    drop(c);
    support_hostile_stop(server);
  }
}

/* A second answer in the same segment, behind one that is still being decoded: it is nobody's. */
static void sends_coded_and_more(support_peer* peer, void* user) {
  const struct coded* coded = user;
  char text[512];
  while (support_expect_request(peer)) {
    int size =
        snprintf(text, sizeof text, OK_HEAD "Content-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
                 coded->coding, coded->body.size);
    memcpy(text + size, coded->body.data, coded->body.size);
    size += (int)coded->body.size;
    size += snprintf(text + size, sizeof text - (size_t)size, "%s",
                     OK_HEAD "Content-Length: 6\r\n\r\npoison");
    support_send(peer, text, (size_t)size);
  }
}

static void what_follows_a_coded_body(void** state) {
  (void)state;
  for (int i = 0; i < ZEROS; i++) {
    support_hostile* server = support_hostile_start(sends_coded_and_more, (void*)&zeros[i]);
    for (int n = 1; n <= 2; n++) {
      creche_completion c = send_request(support_hostile_url(server), NULL);
      assert_int_equal(c.status, CRECHE_OK);
      assert_int_equal(read_all((creche_response){c.value}, 65536), MUCH);
      drop(c);
      assert_int_equal(support_hostile_connections(server), n);
    }
    support_hostile_stop(server);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(no_body_though_it_is_announced), TEST(a_body_where_none_can_be),
      TEST(coded_bodies_cut_anywhere),      TEST(bombs_are_read_in_steps),
      TEST(closed_while_the_reader_waits),  TEST(what_follows_a_coded_body),
      TEST(how_much_they_may_expand),
  };
  return cmocka_run_group_tests_name("bodies", tests, NULL, NULL);
}
