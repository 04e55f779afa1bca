/* HTTP/2: what RFC 9113 forbids, and floods. Two requests are under way; the server answers the
 * first one wrongly: it fails, alone or with its connection, and never hangs, crashes or grows. */
#include "h2_test.h"

#include <sys/resource.h>

typedef struct bad_case {
  const char* name;
  void (*send)(support_h2* h, int stream);
  creche_status status;
  int alone; /* the other request is answered */
} bad_case;

/* The head of the answer and some of its body, for what comes behind. */
static void begin(support_h2* h, int stream) {
  support_h2_head(h, stream, 200, NULL, H2_END_HEADERS);
  support_h2_data(h, stream, "some", 4, 0);
}

static void data_on_0(support_h2* h, int s) {
  (void)s;
  support_h2_send(h, H2_DATA, 0, 0, "x", 1);
}
static void data_on_idle(support_h2* h, int s) {
  (void)s;
  support_h2_send(h, H2_DATA, 0, 99, "x", 1);
}
static void data_before_head(support_h2* h, int s) {
  support_h2_data(h, s, "body", 4, 1);
}
static void data_padded_wrongly(support_h2* h, int s) {
  begin(h, s);
  support_h2_send(h, H2_DATA, 8, s,
                  "\xff"
                  "abc",
                  4);
}
static void head_on_0(support_h2* h, int s) {
  (void)s;
  support_h2_head(h, 0, 200, NULL, H2_END_HEADERS);
}
static void head_on_even(support_h2* h, int s) {
  (void)s;
  support_h2_head(h, 2, 200, NULL, H2_END_HEADERS);
}
static void head_cut_by_data(support_h2* h, int s) {
  support_h2_head(h, s, 200, NULL, 0);
  support_h2_data(h, s, "body", 4, 1);
}
static void head_cut_by_ping(support_h2* h, int s) {
  support_h2_head(h, s, 200, NULL, 0);
  support_h2_send(h, H2_PING, 0, 0, "12345678", 8);
}
static void continuation_alone(support_h2* h, int s) {
  support_h2_send(h, H2_CONTINUATION, H2_END_HEADERS, s, "", 0);
}
static void continuation_of_another(support_h2* h, int s) {
  support_h2_head(h, s, 200, NULL, 0);
  support_h2_send(h, H2_CONTINUATION, H2_END_HEADERS, s + 2, "", 0);
}
static void hpack_of_nothing(support_h2* h, int s) {
  support_h2_send(h, H2_HEADERS, H2_END_HEADERS, s, "\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9);
}
static void hpack_of_no_entry(support_h2* h, int s) {
  support_h2_send(h, H2_HEADERS, H2_END_HEADERS, s, "\xfe", 1);
}
static void settings_on_a_stream(support_h2* h, int s) {
  support_h2_send(h, H2_SETTINGS, 0, s, "", 0);
}
static void settings_of_5(support_h2* h, int s) {
  (void)s;
  support_h2_send(h, H2_SETTINGS, 0, 0, "12345", 5);
}
static void settings_ack_with_more(support_h2* h, int s) {
  (void)s;
  support_h2_send(h, H2_SETTINGS, H2_ACK, 0, "123456", 6);
}
static void settings_window(support_h2* h, int s) {
  (void)s;
  support_h2_setting(h, 4, 0x80000000u);
}
static void settings_frame_size(support_h2* h, int s) {
  (void)s;
  support_h2_setting(h, 5, 100);
}
static void settings_push(support_h2* h, int s) {
  (void)s;
  support_h2_setting(h, 2, 2);
}
static void ping_of_7(support_h2* h, int s) {
  (void)s;
  support_h2_send(h, H2_PING, 0, 0, "1234567", 7);
}
static void ping_on_a_stream(support_h2* h, int s) {
  support_h2_send(h, H2_PING, 0, s, "12345678", 8);
}
static void goaway_of_7(support_h2* h, int s) {
  (void)s;
  support_h2_send(h, H2_GOAWAY, 0, 0, "1234567", 7);
}
static void goaway_on_a_stream(support_h2* h, int s) {
  support_h2_send(h, H2_GOAWAY, 0, s, "\0\0\0\0\0\0\0\0", 8);
}
static void goaway_that_grows(support_h2* h, int s) {
  (void)s;
  support_h2_goaway(h, 7, 0);
  support_h2_goaway(h, 9, 0);
}
static void reset_on_0(support_h2* h, int s) {
  (void)s;
  support_h2_reset(h, 0, 8);
}
static void reset_on_idle(support_h2* h, int s) {
  (void)s;
  support_h2_reset(h, 99, 8);
}
static void reset_of_3(support_h2* h, int s) {
  support_h2_send(h, H2_RST_STREAM, 0, s, "123", 3);
}
static void window_of_nothing(support_h2* h, int s) {
  (void)s;
  support_h2_window(h, 0, 0);
}
static void window_overflow(support_h2* h, int s) {
  (void)s;
  support_h2_window(h, 0, 0x7fffffff);
}
static void window_of_3(support_h2* h, int s) {
  (void)s;
  support_h2_send(h, H2_WINDOW_UPDATE, 0, 0, "123", 3);
}
static void frame_too_large(support_h2* h, int s) {
  static char large[16385];
  support_h2_send(h, H2_DATA, 0, s, large, sizeof large);
}
static void push(support_h2* h, int s) {
  /* SETTINGS have been acknowledged: the requests came behind. */
  support_h2_send(h, H2_PUSH_PROMISE, H2_END_HEADERS, s, "\0\0\0\2\x82\x84\x86", 7);
}

static void window_of_stream_of_nothing(support_h2* h, int s) {
  support_h2_window(h, s, 0);
}
static void window_of_stream_overflow(support_h2* h, int s) {
  support_h2_window(h, s, 0x7fffffff);
}
static void no_status(support_h2* h, int s) {
  support_h2_head(h, s, 0, "a: b\n", H2_END_HEADERS);
}
static void fields(support_h2* h, int s, const char* text) {
  support_h2_head(h, s, 0, text, H2_END_HEADERS);
}
static void status_of_letters(support_h2* h, int s) {
  fields(h, s, ":status: abc\n");
}
static void status_of_4(support_h2* h, int s) {
  fields(h, s, ":status: 2000\n");
}
static void status_twice(support_h2* h, int s) {
  fields(h, s, ":status: 200\n:status: 200\n");
}
static void status_behind(support_h2* h, int s) {
  fields(h, s, "a: b\n:status: 200\n");
}
static void status_101(support_h2* h, int s) {
  fields(h, s, ":status: 101\n");
}
static void pseudo_of_requests(support_h2* h, int s) {
  fields(h, s, ":status: 200\n:path: /\n");
}
static void pseudo_unknown(support_h2* h, int s) {
  fields(h, s, ":status: 200\n:what: x\n");
}
static void upper_case(support_h2* h, int s) {
  fields(h, s, ":status: 200\nUpper: x\n");
}
static void blank_in_name(support_h2* h, int s) {
  fields(h, s, ":status: 200\nbl ank: x\n");
}
static void control_in_value(support_h2* h, int s) {
  fields(h, s, ":status: 200\na: x\ry\n");
}
static void connection_field(support_h2* h, int s) {
  fields(h, s, ":status: 200\nconnection: close\n");
}
static void transfer_encoding(support_h2* h, int s) {
  fields(h, s, ":status: 200\ntransfer-encoding: chunked\n");
}
static void te(support_h2* h, int s) {
  fields(h, s, ":status: 200\nte: gzip\n");
}
static void two_lengths(support_h2* h, int s) {
  fields(h, s, ":status: 200\ncontent-length: 4\ncontent-length: 5\n");
}
static void length_of_letters(support_h2* h, int s) {
  fields(h, s, ":status: 200\ncontent-length: four\n");
}
static void more_than_its_length(support_h2* h, int s) {
  fields(h, s, ":status: 200\ncontent-length: 3\n");
  support_h2_data(h, s, "four", 4, 1);
}
static void less_than_its_length(support_h2* h, int s) {
  fields(h, s, ":status: 200\ncontent-length: 5\n");
  support_h2_data(h, s, "four", 4, 1);
}
static void body_of_204(support_h2* h, int s) {
  fields(h, s, ":status: 204\n");
  support_h2_data(h, s, "four", 4, 1);
}
static void trailer_not_last(support_h2* h, int s) {
  begin(h, s);
  fields(h, s, "a: b\n");
}
static void trailer_with_status(support_h2* h, int s) {
  begin(h, s);
  support_h2_head(h, s, 200, "a: b\n", H2_END_HEADERS | H2_END_STREAM);
}
static void many_1xx(support_h2* h, int s) {
  for (int i = 0; i < 40; i++) support_h2_head(h, s, 103, NULL, H2_END_HEADERS);
  support_h2_answer(h, s, 200, NULL, "late");
}
static void last_1xx(support_h2* h, int s) {
  support_h2_head(h, s, 103, NULL, H2_END_HEADERS | H2_END_STREAM);
}
static void large_head(support_h2* h, int s) {
  char text[8000];
  size_t used = (size_t)snprintf(text, sizeof text, ":status: 200\nx: ");
  memset(text + used, 'v', 7000);
  snprintf(text + used + 7000, sizeof text - used - 7000, "\n");
  support_h2_head(h, s, 0, text, 0);
  support_h2_send(h, H2_CONTINUATION, H2_END_HEADERS, s, "", 0);
  support_h2_data(h, s, "fine", 4, 1);
}
/* A literal with a value of 4000 bytes that stays in the table, and that 12,000 times. */
static void bomb(support_h2* h, int s, int is_head) {
  static char block[1 + 6 + 4000 + 12000];
  size_t n = 0;
  if (is_head) block[n++] = (char)0x88;        /* :status: 200 */
  memcpy(block + n, "\x40\1a\x7f\xa1\x1e", 6); /* 127 + 3873 */
  n += 6;
  memset(block + n, 'v', 4000);
  n += 4000;
  memset(block + n, (char)0xbe, 12000);
  n += 12000;
  support_h2_send(h, H2_HEADERS, H2_END_HEADERS | (is_head ? 0 : H2_END_STREAM), s, block, n);
}
static void hpack_bomb(support_h2* h, int s) {
  bomb(h, s, 1);
}
static void trailer_bomb(support_h2* h, int s) {
  begin(h, s);
  bomb(h, s, 0);
}
static void continuation_flood(support_h2* h, int s) {
  support_h2_head(h, s, 200, NULL, 0);
  for (int i = 0; i < 100000; i++)
    if (!support_h2_send(h, H2_CONTINUATION, 0, s, "", 0)) return;
}
static void ping_flood(support_h2* h, int s) {
  (void)s;
  static char frames[17 * 4000];
  for (int i = 0; i < 4000; i++)
    memcpy(frames + 17 * i,
           "\0\0\x08\6\0\0\0\0\0"
           "12345678",
           17);
  for (int i = 0; i < 20000; i++)
    if (!support_h2_raw(h, frames, sizeof frames)) return;
}
static void settings_flood(support_h2* h, int s) {
  (void)s;
  static char frames[9 * 4000];
  for (int i = 0; i < 4000; i++) memcpy(frames + 9 * i, "\0\0\0\4\0\0\0\0\0", 9);
  for (int i = 0; i < 20000; i++)
    if (!support_h2_raw(h, frames, sizeof frames)) return;
}

#define CONNECTION(name) \
  { #name, name, CRECHE_E_PROTOCOL, 0 }
#define STREAM(name, status) \
  { #name, name, status, 1 }
static const bad_case cases[] = {
    CONNECTION(data_on_0),
    CONNECTION(data_on_idle),
    CONNECTION(data_before_head),
    CONNECTION(data_padded_wrongly),
    CONNECTION(head_on_0),
    CONNECTION(head_on_even),
    CONNECTION(head_cut_by_data),
    CONNECTION(head_cut_by_ping),
    CONNECTION(continuation_alone),
    CONNECTION(continuation_of_another),
    CONNECTION(hpack_of_nothing),
    CONNECTION(hpack_of_no_entry),
    CONNECTION(settings_on_a_stream),
    CONNECTION(settings_of_5),
    CONNECTION(settings_ack_with_more),
    CONNECTION(settings_window),
    CONNECTION(settings_frame_size),
    CONNECTION(settings_push),
    CONNECTION(ping_of_7),
    CONNECTION(ping_on_a_stream),
    CONNECTION(goaway_of_7),
    CONNECTION(goaway_on_a_stream),
    CONNECTION(goaway_that_grows),
    CONNECTION(reset_on_0),
    CONNECTION(reset_on_idle),
    CONNECTION(reset_of_3),
    CONNECTION(window_of_nothing),
    CONNECTION(window_overflow),
    CONNECTION(window_of_3),
    CONNECTION(window_of_stream_of_nothing),
    CONNECTION(frame_too_large),
    CONNECTION(push),
    CONNECTION(continuation_flood),
    CONNECTION(ping_flood),
    CONNECTION(settings_flood),
    STREAM(window_of_stream_overflow, CRECHE_E_PROTOCOL),
    STREAM(no_status, CRECHE_E_PROTOCOL),
    STREAM(status_of_letters, CRECHE_E_PROTOCOL),
    STREAM(status_of_4, CRECHE_E_PROTOCOL),
    STREAM(status_twice, CRECHE_E_PROTOCOL),
    STREAM(status_behind, CRECHE_E_PROTOCOL),
    STREAM(status_101, CRECHE_E_PROTOCOL),
    STREAM(pseudo_of_requests, CRECHE_E_PROTOCOL),
    STREAM(pseudo_unknown, CRECHE_E_PROTOCOL),
    STREAM(upper_case, CRECHE_E_PROTOCOL),
    STREAM(blank_in_name, CRECHE_E_PROTOCOL),
    STREAM(control_in_value, CRECHE_E_PROTOCOL),
    STREAM(connection_field, CRECHE_E_PROTOCOL),
    STREAM(transfer_encoding, CRECHE_E_PROTOCOL),
    STREAM(te, CRECHE_E_PROTOCOL),
    STREAM(two_lengths, CRECHE_E_PROTOCOL),
    STREAM(length_of_letters, CRECHE_E_PROTOCOL),
    STREAM(more_than_its_length, CRECHE_E_PROTOCOL),
    STREAM(less_than_its_length, CRECHE_E_TRUNCATED),
    STREAM(body_of_204, CRECHE_E_PROTOCOL),
    STREAM(trailer_not_last, CRECHE_E_PROTOCOL),
    STREAM(trailer_with_status, CRECHE_E_PROTOCOL),
    STREAM(many_1xx, CRECHE_E_PROTOCOL),
    STREAM(last_1xx, CRECHE_E_PROTOCOL),
    STREAM(hpack_bomb, CRECHE_E_LIMIT),
    STREAM(trailer_bomb, CRECHE_E_LIMIT),
    STREAM(large_head, CRECHE_OK),
};

static void one_bad_answer(support_peer* peer, void* user) {
  const bad_case* bad = user;
  support_h2* h = support_h2_open(peer);
  support_h2_request a, b;
  if (h != NULL && support_h2_next_request(h, &a) && support_h2_next_request(h, &b)) {
    const int first_is_bad = strcmp(a.path, "/bad") == 0;
    bad->send(h, first_is_bad ? a.stream : b.stream);
    support_h2_answer(h, first_is_bad ? b.stream : a.stream, 200, NULL, "unharmed");
    support_await_close(peer);
  }
  support_h2_close(h);
}

static long memory(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

static void each_case(void** state) {
  (void)state;
  const long before = memory();
  int wrong = 0;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const bad_case* bad = &cases[i];
    support_hostile* server = support_hostile_start(one_bad_answer, (void*)bad);
    int is_bad = 0;
    creche_request_options o = request_options();
    o.method = "POST"; /* nothing is sent again */
    start(at(support_hostile_url(server), "/bad"), &o, &is_bad);
    start(at(support_hostile_url(server), "/other"), &o, NULL);
    for (int n = 0; n < 2; n++) {
      creche_completion c = next();
      const creche_status expected = c.user == &is_bad || !bad->alone ? bad->status : CRECHE_OK;
      if (c.status != expected) {
        fprintf(stderr, "%s: %s is %s: %s\n", bad->name,
                c.user == &is_bad ? "its own" : "the other", creche_status_name(c.status),
                c.error ? creche_error_message(c.error) : "");
        wrong++;
      }
      if (c.status == CRECHE_OK && c.user == NULL) assert_string_equal(c.data, "unharmed");
      drop(c);
    }
    if (session_counters(web).idle != (uint64_t)bad->alone) {
      fprintf(stderr, "%s: %d idle\n", bad->name, (int)session_counters(web).idle);
      wrong++;
    }
    support_hostile_stop(server);
    creche_session_options again = h2_options();
    use_session(&again);
  }
  assert_int_equal(wrong, 0);
  assert_true(memory() - before < 64 * 1024); /* KiB */
}

/* Many answers that are reset at once: each of their requests fails, once. */
static void resets_all(support_peer* peer, void* user) {
  (void)user;
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  while (h != NULL && support_h2_next_request(h, &r)) support_h2_reset(h, r.stream, 2);
  support_h2_close(h);
}

static void rapid_resets(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(resets_all, NULL);
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < 200; i++) start(support_hostile_url(server), NULL, NULL);
    for (int i = 0; i < 200; i++) {
      creche_completion c = next();
      assert_int_equal(c.status, CRECHE_E_DISCONNECTED);
      drop(c);
    }
  }
  assert_int_equal(support_hostile_requests(server), 2000); /* none was sent again */
  support_hostile_stop(server);
}

/* More of a body than the window allows. */
static void beyond_the_window(support_peer* peer, void* user) {
  (void)user;
  static char block[16384];
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  if (h != NULL && support_h2_next_request(h, &r)) {
    support_h2_head(h, r.stream, 200, NULL, H2_END_HEADERS);
    for (int i = 0; i < 1000 && support_h2_data(h, r.stream, block, sizeof block, 0); i++) continue;
    support_count_request(peer); /* all of it was sent */
    support_await_close(peer);
  }
  support_h2_close(h);
}

static void windows_are_kept(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(beyond_the_window, NULL);
  creche_response r = h2_head(send_request(support_hostile_url(server), NULL), 200);
  /* Nobody reads: what may come is bounded, and what comes beyond that is an error. */
  creche_completion c;
  uint64_t size = 0;
  assert_true(support_hostile_await_requests(server, 2, 60000));
  for (;;) {
    c = read_some(r, 0);
    if (c.status != CRECHE_OK) break;
    size += c.data_size;
    drop(c);
  }
  assert_int_equal(c.status, CRECHE_E_PROTOCOL);
  drop(c);
  assert_true(size <= 513 * 1024);
  creche_response_release(r);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(each_case, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(rapid_resets, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(windows_are_kept, h2_set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
