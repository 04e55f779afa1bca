/* What a session tells of its requests: in which order, with what. */
#include <pthread.h>

#include "reading.h"
#include "support/http2.h"

#define ANSWER OK_HEAD "Content-Length: 2\r\n\r\nok"

enum { MOST = 200 };
static struct {
  pthread_mutex_t mutex;
  size_t n;
  int wrong; /* something of an event was, which the test says: the loop's thread must go on */
  creche_request_event e[MOST];
  char url[MOST][64], peer[MOST][32], field[MOST][64];
} seen = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void note(void* user, const creche_request_event* e) {
  pthread_mutex_lock(&seen.mutex);
  if (user != &seen) seen.wrong = 1;
  if (seen.n < MOST) {
    const size_t i = seen.n++;
    seen.e[i] = *e;
    snprintf(seen.url[i], sizeof seen.url[i], "%s", e->url);
    snprintf(seen.peer[i], sizeof seen.peer[i], "%s", e->peer ? e->peer : "");
    seen.field[i][0] = '\0';
    if (e->headers_count > 0)
      snprintf(seen.field[i], sizeof seen.field[i], "%s: %s", e->headers[0].name,
               e->headers[0].value);
    if (e->event == CRECHE_WATCH_REQUEST_END && e->status != CRECHE_OK && e->error != NULL &&
        e->error->status != e->status)
      seen.wrong = 1;
  }
  pthread_mutex_unlock(&seen.mutex);
}

static void forget(void) {
  pthread_mutex_lock(&seen.mutex);
  seen.n = 0;
  seen.wrong = 0;
  pthread_mutex_unlock(&seen.mutex);
}

static size_t count(void) {
  pthread_mutex_lock(&seen.mutex);
  const size_t n = seen.n;
  const int wrong = seen.wrong;
  pthread_mutex_unlock(&seen.mutex);
  assert_false(wrong);
  return n;
}

static const creche_request_event* event_at(size_t i) {
  return &seen.e[i];
}

/* The events so far are these, each as its number. What is called after the completion (none is)
 * would be seen by the next check. */
static void expect_events(const uint32_t* wanted, size_t n) {
  char is[512] = "", should[512] = "";
  int in_order = 1;
  pthread_mutex_lock(&seen.mutex); /* connections may be closed meanwhile */
  for (size_t i = 0; i < seen.n; i++) {
    snprintf(is + strlen(is), sizeof is - strlen(is), "%u ", seen.e[i].event);
    if (i > 0 && seen.e[i].time < seen.e[i - 1].time) in_order = 0;
  }
  pthread_mutex_unlock(&seen.mutex);
  for (size_t i = 0; i < n; i++)
    snprintf(should + strlen(should), sizeof should - strlen(should), "%u ", wanted[i]);
  assert_string_equal(is, should);
  assert_true(in_order);
  count(); /* nothing was wrong with them */
}
#define EXPECT(...)                                           \
  do {                                                        \
    static const uint32_t wanted_[] = {__VA_ARGS__};          \
    expect_events(wanted_, sizeof wanted_ / sizeof *wanted_); \
  } while (0)

#define W(name) CRECHE_WATCH_##name
#define NEW_CONNECTION                                                                       \
  W(CONNECTION_START), W(DNS_START), W(DNS_CACHE_HIT), W(DNS_END), W(TCP_START), W(TCP_END), \
      W(CONNECTION_END)

static creche_watch watching(void) {
  creche_watch w;
  OK(creche_watch_init(&w, sizeof w));
  w.tell = note;
  w.user = &seen;
  return w;
}

static int set_up_watched(void** state) {
  if (set_up(state) != 0) return -1;
  forget();
  const creche_watch w = watching();
  creche_session_options so = session_options();
  so.watch = &w;
  use_session(&so);
  return 0;
}

static void a_request_and_another(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  creche_request_options o = request_options();
  o.method = "POST";
  o.body = "12345";
  o.body_size = 5;
  const creche_task task = start(at(support_hostile_url(server), "/a?secret=1"), &o, &o);
  expect_body(next(), 200, "ok");
  EXPECT(W(REQUEST_START), NEW_CONNECTION, W(HEADERS_SENT), W(CHUNK_SENT), W(HEADERS_RECEIVED),
         W(CHUNK_RECEIVED), W(REQUEST_END));
  for (size_t i = 0; i < count(); i++) {
    assert_int_equal(event_at(i)->task.scope.id, task.scope.id);
    assert_ptr_equal(event_at(i)->user, &o);
    assert_string_equal(seen.url[i], at(support_hostile_url(server), "/a")); /* no query */
    if (event_at(i)->event >= W(HEADERS_SENT)) assert_int_equal(event_at(i)->connection, 1);
  }
  const size_t last = count() - 1;
  assert_int_equal(event_at(last)->status, CRECHE_OK);
  assert_int_equal(event_at(last)->http_status, 200);
  assert_int_equal(event_at(last)->bytes, 2);
  assert_true(event_at(last)->duration > 0);
  assert_true(event_at(last - 4)->bytes > 50);    /* the head */
  assert_int_equal(event_at(last - 3)->bytes, 5); /* the body */
  assert_string_equal(seen.field[last - 2], "Content-Length: 2");
  assert_true(event_at(6)->duration > 0 && event_at(7)->duration >= event_at(6)->duration);
  assert_memory_equal(seen.peer[last], "127.0.0.1:", 10);

  forget();
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  EXPECT(W(REQUEST_START), W(CONNECTION_REUSED), W(HEADERS_SENT), W(HEADERS_RECEIVED),
         W(CHUNK_RECEIVED), W(REQUEST_END));
  forget();
  creche_session_release(web);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
  EXPECT(W(CONNECTION_CLOSED));
  assert_int_equal(event_at(0)->connection, 1);
  assert_int_equal(event_at(0)->task.scope.id, 0);
  support_hostile_stop(server);
}

/* 103 twice, then a redirect, 100 and 102 behind it. */
static void informed(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n");
  support_send_text(peer, "HTTP/1.1 103 Early Hints\r\nLink: </b.js>\r\n\r\n");
  support_send_text(peer, "HTTP/1.1 302 Found\r\nLocation: /b?x\r\nContent-Length: 0\r\n\r\n");
  if (!support_expect_request(peer)) return;
  support_send_text(peer, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" ANSWER);
  support_await_close(peer);
}
static void answers_before_the_answer(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(informed, NULL);
  creche_request_options o = request_options();
  creche_watch w = watching(); /* of the request, only these */
  w.events = CRECHE_WATCH_BIT(CRECHE_WATCH_INFORMATIONAL) | CRECHE_WATCH_BIT(W(REDIRECT));
  o.watch = &w;
  use_session(NULL);
  expect_body(fetch(support_hostile_url(server), &o), 200, "ok");
  EXPECT(W(INFORMATIONAL), W(INFORMATIONAL), W(REDIRECT), W(INFORMATIONAL), W(INFORMATIONAL));
  assert_int_equal(event_at(0)->http_status, 103);
  assert_string_equal(seen.field[0], "Link: </a.css>; rel=preload");
  assert_string_equal(seen.field[1], "Link: </b.js>");
  assert_int_equal(event_at(2)->http_status, 302);
  assert_string_equal(seen.url[2], at(support_hostile_url(server), "/b"));
  assert_int_equal(event_at(3)->http_status, 100);
  assert_int_equal(event_at(4)->http_status, 102);
  support_hostile_stop(server);
}

static void never_ending(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  while (support_send_text(peer, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")) {
  }
}
static void they_are_bounded(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(never_ending, NULL);
  creche_completion c = fetch(support_hostile_url(server), NULL);
  assert_int_equal(c.status, CRECHE_E_PROTOCOL);
  drop(c);
  size_t informational = 0;
  for (size_t i = 0; i < count(); i++)
    informational += event_at(i)->event == CRECHE_WATCH_INFORMATIONAL;
  assert_int_equal(informational, 32);
  const size_t end = count() - 2; /* its connection is closed with it */
  assert_int_equal(event_at(end + 1)->event, W(CONNECTION_CLOSED));
  assert_int_equal(event_at(end)->event, W(REQUEST_END));
  assert_int_equal(event_at(end)->status, CRECHE_E_PROTOCOL);
  assert_non_null(event_at(end)->error);
  support_hostile_stop(server);
}

static void one_that_fails(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  char url[64];
  snprintf(url, sizeof url, "%s", support_hostile_url(server));
  support_hostile_stop(server); /* nobody listens there any more */
  expect_status(fetch(url, NULL), CRECHE_E_CONNECT);
  EXPECT(W(REQUEST_START), W(CONNECTION_START), W(DNS_START), W(DNS_CACHE_HIT), W(DNS_END),
         W(TCP_START), W(CONNECTION_END), W(REQUEST_END));
  assert_int_equal(event_at(6)->status, CRECHE_E_CONNECT);
  assert_int_equal(event_at(7)->status, CRECHE_E_CONNECT);
}

static void silent(support_peer* peer, void* user) {
  (void)user;
  if (support_expect_request(peer)) support_await_close(peer);
}
static void one_that_is_cancelled_in_line(void** state) {
  (void)state;
  const creche_watch w = watching();
  creche_session_options so = session_options();
  so.watch = &w;
  so.limit = 1;
  use_session(&so);
  support_hostile* server = support_hostile_start(silent, NULL);
  const creche_task first = start(support_hostile_url(server), NULL, NULL);
  assert_true(support_hostile_await_requests(server, 1, PATIENCE_MS));
  const creche_task second = start(support_hostile_url(server), NULL, NULL);
  AWAIT(session_counters(web).waiting == 1);
  OK(creche_scope_cancel(second.scope, "enough"));
  expect_status(next(), CRECHE_E_CANCELLED);
  OK(creche_scope_cancel(first.scope, "enough"));
  expect_status(next(), CRECHE_E_CANCELLED);
  EXPECT(W(REQUEST_START), NEW_CONNECTION, W(HEADERS_SENT), W(REQUEST_START), W(QUEUE_START),
         W(QUEUE_END), W(REQUEST_END), W(REQUEST_END), W(CONNECTION_CLOSED));
  assert_int_equal(event_at(12)->status, CRECHE_E_CANCELLED);
  assert_int_equal(event_at(12)->task.scope.id, second.scope.id);
  support_hostile_stop(server);
}

static void once_dead(support_peer* peer, void* user) {
  if (!support_expect_request(peer)) return;
  support_send_text(peer, user);
  if (support_peer_index(peer) == 0) {
    support_expect_request(peer);
    support_reset(peer);
    return;
  }
  support_await_close(peer);
}
static void one_that_is_made_again(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(once_dead, ANSWER);
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  forget();
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  size_t again = 0, ends = 0;
  for (size_t i = 0; i < count(); i++) {
    again += event_at(i)->event == CRECHE_WATCH_AGAIN;
    ends += event_at(i)->event == CRECHE_WATCH_REQUEST_END;
  }
  assert_int_equal(again, 1);
  assert_int_equal(ends, 1);
  support_hostile_stop(server);
}

/* Progress of a large upload, in steps that only grow. */
static void progress_of_an_upload(void** state) {
  (void)state;
  enum { SIZE = 32 << 20 }; /* more than buffers of sockets hold */
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  char* body = calloc(1, SIZE);
  creche_request_options o = request_options();
  o.body = body;
  o.body_size = SIZE;
  expect_body(fetch(support_hostile_url(server), &o), 200, "ok");
  uint64_t sent = 0, steps = 0;
  for (size_t i = 0; i < count(); i++)
    if (event_at(i)->event == CRECHE_WATCH_CHUNK_SENT) {
      assert_true(event_at(i)->bytes > sent);
      sent = event_at(i)->bytes;
      steps++;
    }
  assert_int_equal(sent, SIZE);
  assert_true(steps > 1);
  free(body);
  support_hostile_stop(server);
}

/* ---- Traces ---- */

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static size_t parent_of(void* user, void* context, char* text, size_t capacity) {
  (void)user;
  const char* parent = context;
  if (parent == NULL || strlen(parent) >= capacity) return 0;
  memcpy(text, parent, strlen(parent));
  return strlen(parent);
}

static void begun(void* user, const creche_completion* c) {
  (void)user;
  (void)c;
}

/* Answers with the traceparent that came. */
static void echo_parent(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    const char* at = strstr(support_received(peer), "traceparent: ");
    const size_t n = at != NULL ? strcspn(at, "\r") : 0;
    support_sendf(peer, OK_HEAD "Content-Length: %zu\r\n\r\n%.*s", n, (int)n, n > 0 ? at : "");
  }
}
static void the_trace_of_a_task(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo_parent, NULL);
  creche_watch w;
  OK(creche_watch_init(&w, sizeof w));
  w.traceparent = parent_of;
  creche_session_options so = session_options();
  so.watch = &w;
  use_session(&so);
  static const struct {
    const char *context, *sent;
  } cases[] = {
      {PARENT, "traceparent: " PARENT},
      {NULL, ""},
      {"00-00000000000000000000000000000000-b7ad6b7169203331-01", ""},
      {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", ""},
      {"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", ""},
      {"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", ""},
      {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x", ""},
      {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331\r\n1", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const creche_context context = {(void*)cases[i].context, NULL, NULL};
    creche_task_options t;
    creche_task task;
    OK(creche_task_options_init(&t, sizeof t));
    t.context = &context;
    OK(creche_task_open(loop.scope, &t, begun, NULL, &task));
    creche_request_options o = request_options();
    OK(creche_session_fetch(web, task.scope, support_hostile_url(server), &o, NULL, NULL, NULL));
    expect_body(next(), 200, cases[i].sent);
    const creche_header own = creche_header_text("Traceparent", "mine");
    o.headers = &own;
    o.headers_count = 1;
    OK(creche_session_fetch(web, task.scope, support_hostile_url(server), &o, NULL, NULL, NULL));
    expect_body(next(), 200, ""); /* in its own letters, and none beside it */
    OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  }
  support_hostile_stop(server);
}

/* The same of HTTP/2. */
static void another_protocol(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_h2, NULL);
  const creche_watch w = watching();
  creche_session_options so = session_options();
  so.versions = CRECHE_HTTP_2;
  so.watch = &w;
  use_session(&so);
  creche_request_options o = request_options();
  o.method = "POST";
  o.body = "12345";
  o.body_size = 5;
  creche_completion c = fetch(at(support_hostile_url(server), "/hello"), &o);
  assert_int_equal(c.status, CRECHE_OK);
  drop(c);
  EXPECT(W(REQUEST_START), NEW_CONNECTION, W(HEADERS_SENT), W(CHUNK_SENT), W(HEADERS_RECEIVED),
         W(CHUNK_RECEIVED), W(REQUEST_END));
  support_hostile_stop(server);
}

static void misuse(void** state) {
  (void)state;
  creche_watch w = watching();
  creche_session_options so = session_options();
  creche_request_options o = request_options();
  creche_session s;
  IS(creche_watch_init(NULL, sizeof w), CRECHE_E_INVALID);
  IS(creche_watch_init(&w, 4), CRECHE_E_INVALID);
  w = watching();
  w.flags = 1;
  so.watch = o.watch = &w;
  IS(creche_session_open(loop, &so, &s), CRECHE_E_UNSUPPORTED);
  IS(creche_session_fetch(web, loop.scope, "http://h/", &o, NULL, NULL, NULL),
     CRECHE_E_UNSUPPORTED);
  w.flags = w.size = 0;
  IS(creche_session_open(loop, &so, &s), CRECHE_E_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_request_and_another, set_up_watched, tear_down_rest),
      cmocka_unit_test_setup_teardown(answers_before_the_answer, set_up_watched, tear_down),
      cmocka_unit_test_setup_teardown(they_are_bounded, set_up_watched, tear_down),
      cmocka_unit_test_setup_teardown(one_that_fails, set_up_watched, tear_down),
      cmocka_unit_test_setup_teardown(one_that_is_cancelled_in_line, set_up_watched, tear_down),
      cmocka_unit_test_setup_teardown(one_that_is_made_again, set_up_watched, tear_down),
      cmocka_unit_test_setup_teardown(progress_of_an_upload, set_up_watched, tear_down),
      cmocka_unit_test_setup_teardown(the_trace_of_a_task, set_up_watched, tear_down),
      cmocka_unit_test_setup_teardown(another_protocol, set_up_watched, tear_down),
      cmocka_unit_test_setup_teardown(misuse, set_up_watched, tear_down),
  };
  return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
