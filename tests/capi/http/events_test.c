/* Server-sent events: as they come, over several losses, bounded, stopped. */
#include <stdatomic.h>

#include "http_test.h"

#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
#define LONG (100 * CRECHE_MILLISECOND)

static creche_events_options events_options(const creche_request_options* request) {
  creche_events_options o;
  OK(creche_events_options_init(&o, sizeof o));
  o.request = request;
  o.retry = 0; /* at once, until the server says more */
  return o;
}

static creche_task listen_to(const char* url, const creche_events_options* options) {
  creche_request_options r = request_options();
  creche_events_options o = options != NULL ? *options : events_options(NULL);
  if (o.request == NULL) o.request = &r;
  creche_task task;
  OK(creche_session_events(web, loop.scope, url, &o, NULL, NULL, &task));
  return task;
}

static void expect_event(uint32_t connection, const char* type, const char* data, const char* id) {
  creche_completion c = next();
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.kind, CRECHE_EVENT);
  assert_int_equal(c.flags, CRECHE_MORE);
  assert_int_equal(c.code, 200);
  const creche_server_event* event = c.data;
  assert_int_equal(c.data_size, sizeof *event);
  assert_int_equal(event->size, sizeof *event);
  assert_int_equal(event->connection, connection);
  assert_string_equal(event->type, type);
  assert_int_equal(event->type_size, strlen(type));
  assert_string_equal(event->data, data);
  assert_int_equal(event->data_size, strlen(data));
  assert_string_equal(event->id, id);
  assert_int_equal(event->id_size, strlen(id));
  drop(c);
}

static void expect_done(uint32_t code) {
  creche_completion c = next();
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.kind, CRECHE_DONE);
  assert_int_equal(c.flags, 0);
  assert_int_equal(c.code, code);
  drop(c);
}

static void expect_stop(creche_status status, const char* part) {
  creche_completion c = next();
  if (c.status != status || strstr(creche_error_message(c.error), part) == NULL)
    fail_msg("%s: %s", creche_status_name(c.status), creche_error_message(c.error));
  assert_int_equal(c.flags & (CRECHE_MORE | CRECHE_OWNED), 0);
  drop(c);
}

/* ---- As they come ---- */

static void in_pieces(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  const char* head = support_received(peer);
  const int good = strstr(head, "\r\nAccept: text/event-stream\r\n") != NULL &&
                   strstr(head, "\r\nCache-Control: no-store\r\n") != NULL &&
                   strstr(head, "Last-Event-ID") == NULL;
  support_send_text(peer, good ? STREAM : "HTTP/1.1 500 Wrong\r\n\r\n");
  support_send_text(peer, "\xef\xbb");
  support_send_text(peer, "\xbf: hello\n\nda");
  if (!support_await(peer, 1)) return;
  support_send_text(peer, "ta:one\r");
  support_send_text(peer, "\n\r\n");
  if (!support_await(peer, 2)) return;
  support_send_text(peer, "event: add\nid: 7\ndata: two\ndata:\ndata: three\n\ndata\n\n");
  support_await_close(peer);
}

static void as_they_come(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(in_pieces, NULL);
  creche_task task = listen_to(support_hostile_url(server), NULL);
  support_hostile_signal(server);
  expect_event(1, "message", "one", "");
  support_hostile_signal(server);
  expect_event(1, "add", "two\n\nthree", "7");
  expect_event(1, "message", "", "7");
  OK(creche_scope_cancel(task.scope, NULL));
  expect_stop(CRECHE_E_CANCELLED, "");
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  support_hostile_stop(server);
}

struct seen {
  atomic_int events;
  char text[64];
  creche_task task;
};

static void see(void* user, const creche_completion* c) {
  struct seen* seen = user;
  if (c->kind != CRECHE_EVENT) {
    OK(creche_loop_close(loop));
    return;
  }
  const creche_server_event* event = c->data;
  strcat(seen->text, event->data);
  if (atomic_fetch_add(&seen->events, 1) == 2) OK(creche_scope_cancel(c->task.scope, NULL));
}

static void three(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer,
                    "HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream ; charset=utf-8\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n");
  support_send_text(peer, "5\r\ndata:\r\n8\r\na\n\ndata:\r\nc\r\nb\n\ndata: c\n\n\r\n");
  support_await_close(peer);
}

static void told_by_a_function(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(three, NULL);
  struct seen seen = {0};
  OK(creche_session_events(web, loop.scope, support_hostile_url(server), NULL, see, &seen, NULL));
  OK(creche_loop_join(loop, PATIENCE));
  assert_string_equal(seen.text, "abc");
  support_hostile_stop(server);
}

/* ---- Over several losses ---- */

/* What each connection must say of the last id, and what it gets; NULL: 204. */
struct turn {
  const char* last_id;
  const char* answer;
};

static void turns(support_peer* peer, void* user) {
  const struct turn* turn = (const struct turn*)user + support_peer_index(peer);
  if (!support_expect_request(peer)) return;
  char wanted[64];
  snprintf(wanted, sizeof wanted, "\r\nLast-Event-ID: %s\r\n", turn->last_id);
  const char* head = support_received(peer);
  if (turn->last_id[0] == '\0' ? strstr(head, "Last-Event-ID") != NULL
                               : strstr(head, wanted) == NULL)
    support_send_text(peer, "HTTP/1.1 500 Wrong id\r\nContent-Length: 0\r\n\r\n");
  else if (turn->answer == NULL)
    support_send_text(peer, "HTTP/1.1 204 No more\r\n\r\n");
  else
    support_send_text(peer, turn->answer);
}

static void over_several_losses(void** state) {
  (void)state;
  static const struct turn script[] = {
      {"", STREAM "retry: 1\nid: one\ndata: a\n\nid: two\ndata: lost"},
      {"one", STREAM "data: b\n\n"},
      {"one",
       "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100\r\n\r\n"
       "id: 2\ndata: c\n\nid: 3\n\n"},
      {"3", ""},        /* closes at once */
      {"3", "rubbish"}, /* not HTTP */
      {"3", STREAM "id\ndata: d\n\n"},
      {"", STREAM "id: \x01\ndata: e\n\n"}, /* cannot stand in a header */
      {"", NULL}};
  support_hostile* server = support_hostile_start(turns, (void*)(uintptr_t)script);
  listen_to(support_hostile_url(server), NULL);
  expect_event(1, "message", "a", "one");
  expect_event(2, "message", "b", "one");
  expect_event(3, "message", "c", "2");
  expect_event(4, "message", "d", "");
  expect_event(5, "message", "e", "\x01");
  expect_done(204);
  assert_int_equal(support_hostile_requests(server), 8);
  support_hostile_stop(server);
}

static void goes_on_where_it_is_told(void** state) {
  (void)state;
  static const struct turn script[] = {{"41", STREAM "data: a\n\n"}, {"41", NULL}};
  support_hostile* server = support_hostile_start(turns, (void*)(uintptr_t)script);
  creche_events_options o = events_options(NULL);
  o.last_event_id = "41";
  listen_to(support_hostile_url(server), &o);
  expect_event(1, "message", "a", "41");
  expect_done(204);
  support_hostile_stop(server);
}

static void it_waits_before_it_asks_again(void** state) {
  (void)state;
  static const struct turn script[] = {
      {"", STREAM "retry: 30\ndata: a\n\n"}, {"", ""}, {"", STREAM "data: b\n\n"}, {"", NULL}};
  support_hostile* server = support_hostile_start(turns, (void*)(uintptr_t)script);
  int64_t before = 0, after = 0;
  listen_to(support_hostile_url(server), NULL);
  expect_event(1, "message", "a", "");
  OK(creche_now(loop.scope, &before));
  expect_event(2, "message", "b", ""); /* after 30 and 60 ms */
  OK(creche_now(loop.scope, &after));
  assert_true(after - before >= 85 * CRECHE_MILLISECOND);
  expect_done(204);
  support_hostile_stop(server);
}

static void a_server_cannot_make_it_wait_for_ever(void** state) {
  (void)state;
  static const struct turn script[] = {{"", STREAM "retry: 99999999999999999999\ndata: a\n\n"},
                                       {"", NULL}};
  support_hostile* server = support_hostile_start(turns, (void*)(uintptr_t)script);
  creche_events_options o = events_options(NULL);
  o.max_retry = CRECHE_MILLISECOND;
  listen_to(support_hostile_url(server), &o);
  expect_event(1, "message", "a", "");
  expect_done(204);
  support_hostile_stop(server);
}

/* A server that says 0, and streams without an event, which are no failures: no loop without a
 * pause. */
static void nor_that_it_asks_without_a_pause(void** state) {
  (void)state;
  static const struct turn script[] = {
      {"", STREAM "retry: 0\ndata: a\n\n"}, {"", STREAM "data: b\n\n"}, {"", STREAM ":\n\n"},
      {"", STREAM "retry: 0\n\n"},          {"", STREAM "data: c\n\n"}, {"", NULL}};
  support_hostile* server = support_hostile_start(turns, (void*)(uintptr_t)script);
  int64_t at[3];
  listen_to(support_hostile_url(server), NULL);
  expect_event(1, "message", "a", "");
  OK(creche_now(loop.scope, &at[0]));
  expect_event(2, "message", "b", "");
  OK(creche_now(loop.scope, &at[1]));
  expect_event(5, "message", "c", ""); /* after 10, 10 and 40 ms */
  OK(creche_now(loop.scope, &at[2]));
  assert_true(at[1] - at[0] >= 8 * CRECHE_MILLISECOND);
  assert_true(at[2] - at[1] >= 55 * CRECHE_MILLISECOND);
  expect_done(204);
  support_hostile_stop(server);
}

static void silence_is_a_loss_if_it_is_told_so(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(three, NULL);
  creche_request_options r = request_options();
  r.timeouts.read_gap = 20 * CRECHE_MILLISECOND;
  creche_events_options o = events_options(&r);
  creche_task task = listen_to(support_hostile_url(server), &o);
  for (uint32_t i = 1; i <= 3; i++) {
    expect_event(i, "message", "a", "");
    expect_event(i, "message", "b", "");
    expect_event(i, "message", "c", "");
  }
  OK(creche_scope_cancel(task.scope, NULL));
  for (;;) {
    creche_completion c = next();
    const uint32_t more = c.flags & CRECHE_MORE;
    if (!more) assert_int_equal(c.status, CRECHE_E_CANCELLED);
    drop(c);
    if (!more) break;
  }
  support_hostile_stop(server);
}

/* ---- What is no stream ---- */

static void refused(const char* answer, uint32_t status, const char* part) {
  support_hostile* server = support_hostile_start(support_script_answer, (void*)(uintptr_t)answer);
  listen_to(support_hostile_url(server), NULL);
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_PROTOCOL);
  assert_int_equal(c.code, status);
  assert_int_equal(c.error->http_status, status);
  assert_int_equal(c.error->phase, CRECHE_PHASE_HEADERS);
  if (strstr(c.error->message, part) == NULL) fail_msg("%s", c.error->message);
  drop(c);
  assert_int_equal(support_hostile_requests(server), 1);
  support_hostile_stop(server);
}

static void what_is_no_stream(void** state) {
  (void)state;
  refused("HTTP/1.1 503 Busy\r\nContent-Type: text/event-stream\r\nContent-Length: 2\r\n\r\nno",
          503, "status 503");
  refused("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nno", 200,
          "text/html");
  refused("HTTP/1.1 200 OK\r\nContent-Type: text/event-streams\r\nContent-Length: 0\r\n\r\n", 200,
          "text/event-streams");
  refused("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", 200, "no Content-Type");
  refused("HTTP/1.1 201 Made\r\nContent-Type: text/event-stream\r\nContent-Length: 2\r\n\r\nno",
          201, "status 201");
}

static void a_refusal_later_ends_it_too(void** state) {
  (void)state;
  static const struct turn script[] = {{"", STREAM "data: a\n\n"},
                                       {"", "HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n"}};
  support_hostile* server = support_hostile_start(turns, (void*)(uintptr_t)script);
  listen_to(support_hostile_url(server), NULL);
  expect_event(1, "message", "a", "");
  expect_stop(CRECHE_E_PROTOCOL, "404");
  support_hostile_stop(server);
}

static void the_first_connection_is_tried_once(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, "rubbish");
  listen_to(support_hostile_url(server), NULL);
  expect_stop(CRECHE_E_PROTOCOL, "");
  assert_int_equal(support_hostile_connections(server), 1);
  support_hostile_stop(server);
  listen_to("http://127.0.0.1:1/", NULL);
  expect_stop(CRECHE_E_CONNECT, "");
  listen_to("nonsense", NULL);
  expect_stop(CRECHE_E_URL, "");
}

/* ... unless the request says that it may be made again. */
static void the_first_connection_by_a_policy(void** state) {
  (void)state;
  static const struct turn script[] = {{"", "HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n"},
                                       {"", STREAM "data: a\n\n"},
                                       {"", NULL}};
  support_hostile* server = support_hostile_start(turns, (void*)(uintptr_t)script);
  creche_retry retry;
  OK(creche_retry_init(&retry, sizeof retry));
  retry.delay = CRECHE_MILLISECOND;
  creche_request_options r = request_options();
  r.retry = &retry;
  creche_events_options o = events_options(&r);
  listen_to(support_hostile_url(server), &o);
  expect_event(1, "message", "a", "");
  expect_done(204);
  assert_int_equal(support_hostile_requests(server), 3);
  retry.attempts = 0;
  IS(creche_session_events(web, loop.scope, "http://127.0.0.1:1/", &o, NULL, NULL, NULL),
     CRECHE_E_INVALID);
  support_hostile_stop(server);
}

static void it_does_not_ask_for_ever(void** state) {
  (void)state;
  static const struct turn script[] = {
      {"", STREAM "data: a\n\n"}, {"", ""}, {"", STREAM}, {"", STREAM}, {"", NULL}};
  support_hostile* server = support_hostile_start(turns, (void*)(uintptr_t)script);
  creche_events_options o = events_options(NULL);
  o.attempts = 3;
  listen_to(support_hostile_url(server), &o);
  expect_event(1, "message", "a", "");
  expect_stop(CRECHE_E_DISCONNECTED, "without an event");
  assert_int_equal(support_hostile_requests(server), 4);
  support_hostile_stop(server);
}

/* ---- Once ---- */

static void posted(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  const int good = strncmp(support_received(peer), "POST ", 5) == 0;
  support_send_text(peer, good ? STREAM "data: token\n\n" : "HTTP/1.1 500 Wrong\r\n\r\n");
}

static void a_post_is_not_made_again(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(posted, NULL);
  creche_request_options r = request_options();
  r.body = "{}";
  r.body_size = 2;
  creche_events_options o = events_options(&r);
  listen_to(support_hostile_url(server), &o);
  expect_event(1, "message", "token", "");
  expect_done(200);
  assert_int_equal(support_hostile_requests(server), 1);
  o.flags = CRECHE_EVENTS_AGAIN;
  creche_task task = listen_to(support_hostile_url(server), &o);
  expect_event(1, "message", "token", "");
  expect_event(2, "message", "token", "");
  OK(creche_scope_cancel(task.scope, NULL));
  for (uint32_t more = CRECHE_MORE; more;) {
    creche_completion c = next();
    more = c.flags & CRECHE_MORE;
    drop(c);
  }
  support_hostile_stop(server);
}

static void once_is_once(void** state) {
  (void)state;
  static const struct turn script[] = {
      {"", STREAM "data: a\n\n"},
      {"",
       "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 99\r\n\r\n"
       "data: b\n\n"}};
  support_hostile* server = support_hostile_start(turns, (void*)(uintptr_t)script);
  creche_events_options o = events_options(NULL);
  o.flags = CRECHE_EVENTS_ONCE;
  listen_to(support_hostile_url(server), &o);
  expect_event(1, "message", "a", "");
  expect_done(200);
  listen_to(support_hostile_url(server), &o);
  expect_event(1, "message", "b", "");
  expect_stop(CRECHE_E_TRUNCATED, "");
  support_hostile_stop(server);
}

/* ---- Stopped ---- */

static void stopped_by_a_deadline(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(three, NULL);
  creche_request_options r = request_options();
  creche_task_options t = to_queue;
  t.timeout = LONG;
  r.task = &t;
  creche_events_options o = events_options(&r);
  listen_to(support_hostile_url(server), &o);
  expect_event(1, "message", "a", "");
  expect_event(1, "message", "b", "");
  expect_event(1, "message", "c", "");
  expect_stop(CRECHE_E_TIMEOUT, "");
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  support_hostile_stop(server);
}

static void stopped_while_it_waits(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(posted, NULL);
  creche_request_options r = request_options();
  r.method = "POST";
  creche_events_options o = events_options(&r);
  o.flags = CRECHE_EVENTS_AGAIN;
  o.retry = o.max_retry = 3600 * CRECHE_SECOND;
  creche_task task = listen_to(support_hostile_url(server), &o);
  expect_event(1, "message", "token", "");
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  OK(creche_scope_cancel(task.scope, NULL));
  expect_stop(CRECHE_E_CANCELLED, "");
  /* The same by the end of its session. */
  listen_to(support_hostile_url(server), &o);
  expect_event(1, "message", "token", "");
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  OK(creche_session_close(web, creche_nobody, NULL));
  expect_stop(CRECHE_E_CLOSED, "");
  support_hostile_stop(server);
}

static void the_session_is_closed(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(three, NULL);
  listen_to(support_hostile_url(server), NULL);
  expect_event(1, "message", "a", "");
  OK(creche_session_close(web, creche_nobody, NULL));
  for (uint32_t more = CRECHE_MORE; more;) {
    creche_completion c = next();
    more = c.flags & CRECHE_MORE;
    if (!more) assert_int_equal(c.status, CRECHE_E_CLOSED);
    drop(c);
  }
  support_hostile_stop(server);
}

/* ---- Bounded ---- */

static atomic_size_t flooded;

static void flood(support_peer* peer, void* user) {
  static char event[4096];
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer, STREAM);
  memset(event, 'x', sizeof event);
  memcpy(event, "data: ", 6);
  memcpy(event + sizeof event - 2, "\n\n", 2);
  for (int i = 0; i < 4096; i++) {
    if (!support_send(peer, event, sizeof event)) return;
    atomic_fetch_add(&flooded, sizeof event);
  }
}

static void who_takes_no_events_holds_the_server_back(void** state) {
  (void)state;
  enum { HELD = 64 };
  creche_completion held[HELD];
  atomic_store(&flooded, 0);
  support_hostile* server = support_hostile_start(flood, NULL);
  creche_events_options o = events_options(NULL);
  o.flags = CRECHE_EVENTS_ONCE;
  o.max_held = 16 << 10; /* four of them: the fourth is over it */
  listen_to(support_hostile_url(server), &o);
  for (int i = 0; i < 4; i++) held[i] = next();
  /* Until it stands still, that is, has not moved for a while. */
  for (size_t before = 1, now = 0; before != now || now == 0;) {
    before = now;
    SAY(creche_sleep(loop.scope, 200 * CRECHE_MILLISECOND, &to_queue, NULL, NULL, NULL));
    creche_completion c = next(); /* the sleep's: no event comes */
    assert_int_equal(c.kind, CRECHE_DONE);
    drop(c);
    now = atomic_load(&flooded);
  }
  assert_true(session_counters(web).bytes_received < 1 << 20);
  drop(held[0]);
  held[0] = next();
  assert_int_equal(held[0].kind, CRECHE_EVENT);
  for (int i = 0; i < 4; i++) drop(held[i]);
  size_t events = 5;
  for (uint32_t more = CRECHE_MORE; more;) {
    creche_completion c = next();
    assert_int_equal(c.status, CRECHE_OK);
    more = c.flags & CRECHE_MORE;
    events += more != 0;
    drop(c);
  }
  assert_int_equal(events, 4096);
  support_hostile_stop(server);
}

static void too_long(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(three, NULL);
  support_hostile* big = support_hostile_start(flood, NULL);
  creche_events_options o = events_options(NULL);
  o.max_data = 4096 - 8; /* exactly one */
  o.flags = CRECHE_EVENTS_ONCE;
  creche_task task = listen_to(support_hostile_url(big), &o);
  creche_completion c = next();
  assert_int_equal(c.kind, CRECHE_EVENT);
  drop(c);
  OK(creche_scope_cancel(task.scope, NULL));
  for (uint32_t more = CRECHE_MORE; more;) {
    c = next();
    more = c.flags & CRECHE_MORE;
    drop(c);
  }
  o.max_data--;
  listen_to(support_hostile_url(big), &o);
  expect_stop(CRECHE_E_LIMIT, "max_data");
  support_hostile_stop(big);
  support_hostile_stop(server);
}

/* Events that a function keeps hold the server back, too. */
struct kept {
  atomic_int events;
  uint64_t values[4096];
};

static void keep_event(void* user, const creche_completion* c) {
  struct kept* kept = user;
  if (c->kind == CRECHE_EVENT) {
    if (c->flags == (CRECHE_MORE | CRECHE_OWNED)) kept->values[kept->events] = c->value;
    atomic_fetch_add(&kept->events, 1);
  } else if (c->status == CRECHE_OK) {
    atomic_fetch_add(&kept->events, 10000);
  }
}

static int await_events(struct kept* kept, int count) {
  for (int i = 0; i < PATIENCE_MS && atomic_load(&kept->events) < count; i++) {
    SAY(creche_sleep(loop.scope, CRECHE_MILLISECOND, &to_queue, NULL, NULL, NULL));
    drop(next());
  }
  return atomic_load(&kept->events);
}

static void kept_events_hold_the_server_back(void** state) {
  (void)state;
  static struct kept kept;
  support_hostile* server = support_hostile_start(flood, NULL);
  creche_events_options o = events_options(NULL);
  o.flags = CRECHE_EVENTS_ONCE | CRECHE_EVENTS_KEEP;
  o.max_held = 16 << 10;
  OK(creche_session_events(web, loop.scope, support_hostile_url(server), &o, keep_event, &kept,
                           NULL));
  for (int i = 0; i < 4096; i++) {
    assert_true(await_events(&kept, i + 1) > i);
    if (i >= 4) assert_true(atomic_load(&kept.events) <= i + 4 || kept.events >= 10000);
    creche_value_release(kept.values[i]);
    creche_value_release(kept.values[i]); /* harmless */
  }
  assert_int_equal(await_events(&kept, 14096), 14096);
  support_hostile_stop(server);
}

/* ---- Misuse ---- */

static void misuse(void** state) {
  (void)state;
  creche_request_options r = request_options();
  creche_events_options o = events_options(&r);
  const char* url = "http://127.0.0.1:1/";
  IS(creche_session_events(web, loop.scope, NULL, &o, NULL, NULL, NULL), CRECHE_E_INVALID);
  o.flags = 64;
  IS(creche_session_events(web, loop.scope, url, &o, NULL, NULL, NULL), CRECHE_E_UNSUPPORTED);
  o.flags = 0;
  o.retry = -1;
  IS(creche_session_events(web, loop.scope, url, &o, NULL, NULL, NULL), CRECHE_E_INVALID);
  o = events_options(&r);
  o.max_held = 0;
  IS(creche_session_events(web, loop.scope, url, &o, NULL, NULL, NULL), CRECHE_E_INVALID);
  o = events_options(&r);
  r.flags = CRECHE_REQUEST_PULL_BODY;
  IS(creche_session_events(web, loop.scope, url, &o, NULL, NULL, NULL), CRECHE_E_INVALID);
  last_error_says("body as bytes");
  r = request_options();
  o.last_event_id = "a\nb";
  listen_to(url, &o);
  expect_stop(CRECHE_E_INVALID, "last_event_id");
  o.last_event_id = NULL;
  const creche_header header = creche_header_text("last-event-id", "1");
  r.headers = &header;
  r.headers_count = 1;
  listen_to(url, &o);
  expect_stop(CRECHE_E_INVALID, "last_event_id");
  assert_int_equal(creche_events_options_init(&o, sizeof o), CRECHE_OK);
  assert_int_equal(o.retry, 3 * CRECHE_SECOND);
  assert_int_equal(o.max_retry, 30 * CRECHE_SECOND);
  assert_int_equal(o.max_data, 16 << 20);
  assert_int_equal(o.max_held, 256 << 10);
  assert_int_equal(o.attempts, 10);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(as_they_come),
      cmocka_unit_test_setup_teardown(told_by_a_function, set_up, tear_down_rest),
      TEST(over_several_losses),
      TEST(goes_on_where_it_is_told),
      TEST(it_waits_before_it_asks_again),
      TEST(a_server_cannot_make_it_wait_for_ever),
      TEST(nor_that_it_asks_without_a_pause),
      TEST(silence_is_a_loss_if_it_is_told_so),
      TEST(what_is_no_stream),
      TEST(a_refusal_later_ends_it_too),
      TEST(the_first_connection_is_tried_once),
      TEST(the_first_connection_by_a_policy),
      TEST(it_does_not_ask_for_ever),
      TEST(a_post_is_not_made_again),
      TEST(once_is_once),
      TEST(stopped_by_a_deadline),
      TEST(stopped_while_it_waits),
      TEST(the_session_is_closed),
      TEST(who_takes_no_events_holds_the_server_back),
      TEST(kept_events_hold_the_server_back),
      TEST(too_long),
      TEST(misuse),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
