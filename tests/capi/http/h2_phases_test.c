/* HTTP/2: uploads and windows, 100 Continue, trailers, and what times out in which phase. */
#include "h2_test.h"

static const uint16_t first_window = 4;

static creche_request_options pulled(void) {
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_PULL_BODY;
  o.body_size = CRECHE_UNKNOWN_SIZE;
  return o;
}

static void give(creche_completion c, const char* piece, uint32_t flags) {
  if (c.kind != CRECHE_PULL) fail_msg("kind %u: %s", c.kind, creche_error_message(c.error));
  OK(creche_task_answer(c.task, CRECHE_OK, piece, strlen(piece), flags, NULL));
  drop(c);
}

/* Takes up to 10 bytes of a body; the rest when the test says so. */
static void ten_bytes(support_peer* peer, void* user) {
  (void)user;
  const uint32_t ten = 10;
  support_h2* h = support_h2_open_with(peer, &first_window, &ten, 1);
  support_h2_frame f;
  support_h2_request r;
  char body[64] = "";
  size_t size = 0;
  if (h != NULL && support_h2_next_request(h, &r) && /* now its SETTINGS are known */
      support_h2_answer(h, r.stream, 200, NULL, "first") && support_h2_next_request(h, &r)) {
    while (size < 10 && support_h2_await(h, H2_DATA, r.stream, &f)) {
      memcpy(body + size, f.payload, f.size);
      size += f.size;
    }
    support_count_request(peer);
    if (support_await(peer, 1)) {
      support_h2_window(h, r.stream, 30);
      while ((f.flags & H2_END_STREAM) == 0 && support_h2_await(h, H2_DATA, r.stream, &f)) {
        memcpy(body + size, f.payload, f.size);
        size += f.size;
      }
      support_h2_answer(h, r.stream, 200, NULL, body);
    }
    support_await_close(peer);
  }
  support_h2_close(h);
}

static void uploads_stop_at_the_window(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(ten_bytes, NULL);
  creche_request_options o = pulled();
  expect_body(fetch(support_hostile_url(server), NULL), 200, "first");
  start(support_hostile_url(server), &o, NULL);
  give(next(), "1234", CRECHE_MORE);
  give(next(), "567890abcdef", CRECHE_MORE); /* more than fits: nothing more is asked for */
  assert_true(support_hostile_await_requests(server, 3, 10000));
  support_hostile_signal(server);
  give(next(), "last", 0);
  expect_body(next(), 200, "1234567890abcdeflast");
  support_hostile_stop(server);
}

static void no_window_is_no_progress(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(ten_bytes, NULL);
  expect_body(fetch(support_hostile_url(server), NULL), 200, "first");
  creche_request_options o = request_options();
  o.body = "twenty bytes of a body";
  o.body_size = strlen(o.body);
  o.timeouts.send = 200 * 1000 * 1000;
  expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_TIMEOUT, CRECHE_PHASE_SEND, 0);
  support_hostile_stop(server);
}

/* A head, and the rest when all of the request has come. */
static void head_first(support_peer* peer, void* user) {
  (void)user;
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  support_h2_frame f;
  while (h != NULL && support_h2_next_request(h, &r)) {
    support_h2_head(h, r.stream, 200, "content-length: 4\n", H2_END_HEADERS);
    do {
      if (!support_h2_await(h, H2_DATA, r.stream, &f)) break;
    } while ((f.flags & H2_END_STREAM) == 0);
    support_h2_data(h, r.stream, "done", 4, 1);
  }
  support_h2_close(h);
}

/* The gap between two reads is the server's time, not that of the user who makes the body. */
static void producing_takes_its_time(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(head_first, NULL);
  creche_request_options o = pulled();
  o.timeouts.read_gap = o.timeouts.send = o.timeouts.first_byte = 300 * CRECHE_MILLISECOND;
  for (int stream = 0; stream < 2; stream++) {
    OK((stream ? creche_session_send : creche_session_fetch)(
        web, loop.scope, support_hostile_url(server), &o, NULL, NULL, NULL));
    creche_completion pull = next();
    creche_response r = {0};
    if (stream) {
      creche_completion c = next();
      r = (creche_response){c.value};
      c.flags &= ~(uint32_t)CRECHE_OWNED;
      drop(c);
      OK(creche_response_read(r, loop.scope, 0, &to_queue, NULL, NULL, NULL));
    }
    for (int i = 0; i < 3; i++) {
      OK(creche_sleep(loop.scope, 400 * CRECHE_MILLISECOND, &to_queue, NULL, NULL, NULL));
      drop(next());
      give(pull, "piece", i < 2 ? CRECHE_MORE : 0);
      if (i < 2) pull = next();
    }
    creche_completion c = next();
    assert_int_equal(c.status, CRECHE_OK);
    assert_int_equal(c.data_size, 4);
    drop(c);
    if (!stream) continue;
    creche_response_release(r);
    c = next();
    assert_int_equal(c.kind, CRECHE_DONE);
    assert_int_equal(c.status, CRECHE_OK);
    drop(c);
  }
  support_hostile_stop(server);
}

/* Heads that say nothing yet, and the answer when the test says so. */
static void hints_first(support_peer* peer, void* user) {
  (void)user;
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  if (h != NULL && support_h2_next_request(h, &r) &&
      support_h2_head(h, r.stream, 103, "link: x\n", H2_END_HEADERS) &&
      support_h2_head(h, r.stream, 100, NULL, H2_END_HEADERS) && support_await(peer, 1))
    support_h2_answer(h, r.stream, 200, NULL, "late");
  if (h != NULL) support_await_close(peer);
  support_h2_close(h);
}

/* The gap is one inside a head: between two of them it is first_byte that counts. */
static void hints_are_no_beginning(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(hints_first, NULL);
  creche_request_options o = request_options();
  o.timeouts.read_gap = 100 * CRECHE_MILLISECOND;
  start(support_hostile_url(server), &o, NULL);
  assert_true(support_hostile_await_requests(server, 1, PATIENCE_MS));
  OK(creche_sleep(loop.scope, 400 * CRECHE_MILLISECOND, &to_queue, NULL, &server, NULL));
  creche_completion c = next();
  assert_ptr_equal(c.user, &server); /* and not the request */
  drop(c);
  support_hostile_signal(server);
  expect_body(next(), 200, "late");
  support_hostile_stop(server);
}

/* By path: never answers, half a head's worth of 1xx, a body that stops, trailers, 100 Continue. */
static void phases(support_peer* peer, void* user) {
  (void)user;
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  support_h2_frame f;
  while (h != NULL && support_h2_next_request(h, &r)) {
    if (strcmp(r.path, "/1xx") == 0) {
      support_h2_head(h, r.stream, 103, "link: x\n", H2_END_HEADERS);
    } else if (strcmp(r.path, "/stops") == 0) {
      support_h2_head(h, r.stream, 200, NULL, H2_END_HEADERS);
      support_h2_data(h, r.stream, "some", 4, 0);
    } else if (strcmp(r.path, "/trailer") == 0) {
      support_h2_head(h, r.stream, 103, "early: hint\n", H2_END_HEADERS);
      support_h2_head(h, r.stream, 200, "trailer: sum\n", H2_END_HEADERS);
      support_h2_data(h, r.stream, "body", 4, 0);
      support_h2_head(h, r.stream, 0, "sum: 42\nset-cookie: a=b\n", H2_END_HEADERS | H2_END_STREAM);
    } else if (strcmp(r.path, "/continue") == 0) {
      support_h2_head(h, r.stream, 100, NULL, H2_END_HEADERS);
      if (!support_h2_await(h, H2_DATA, r.stream, &f)) break;
      support_h2_answer(h, r.stream, 200, NULL, "taken");
    } else if (strcmp(r.path, "/refuses") == 0) {
      support_h2_answer(h, r.stream, 413, NULL, "no");
    }
  }
  support_h2_close(h);
}

static void what_times_out(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(phases, NULL);
  const char* base = support_hostile_url(server);
  creche_request_options o = request_options();
  o.timeouts.first_byte = 100 * 1000 * 1000;
  o.timeouts.read_gap = 100 * 1000 * 1000;
  expect_failure(fetch(at(base, "/never"), &o), CRECHE_E_TIMEOUT, CRECHE_PHASE_HEADERS,
                 CRECHE_ERROR_RETRYABLE);
  expect_failure(fetch(at(base, "/1xx"), &o), CRECHE_E_TIMEOUT, CRECHE_PHASE_HEADERS,
                 CRECHE_ERROR_RETRYABLE);
  o.timeouts.first_byte = request_options().timeouts.first_byte;
  expect_failure(fetch(at(base, "/stops"), &o), CRECHE_E_TIMEOUT, CRECHE_PHASE_BODY,
                 CRECHE_ERROR_RETRYABLE);
  /* The deadline of a task. */
  creche_task_options limited = to_queue;
  limited.timeout = 100 * 1000 * 1000;
  o = request_options();
  o.task = &limited;
  start(at(base, "/never"), &o, NULL);
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_TIMEOUT);
  drop(c);
  /* All of it on one connection, which goes on. */
  expect_body(fetch(at(base, "/trailer"), NULL), 200, "body");
  assert_int_equal(support_hostile_connections(server), 1);
  support_hostile_stop(server);
}

static void trailers(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(phases, NULL);
  creche_completion c = fetch(at(support_hostile_url(server), "/trailer"), NULL);
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_string_equal(c.data, "body");
  const creche_response r = {c.value};
  assert_string_equal(creche_response_trailer(r, "Sum", NULL), "42");
  assert_null(creche_response_trailer(r, "set-cookie", NULL)); /* means nothing there */
  assert_null(creche_response_header(r, "early", NULL));       /* of another head */
  drop(c);
  support_hostile_stop(server);
}

static void expectations(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(phases, NULL);
  const char* base = support_hostile_url(server);
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_EXPECT;
  o.body = "body";
  o.body_size = 4;
  o.expect_timeout = CRECHE_NEVER;
  expect_body(fetch(at(base, "/continue"), &o), 200, "taken");
  expect_body(fetch(at(base, "/refuses"), &o), 413, "no");
  o.expect_timeout = 50 * 1000 * 1000;
  o.timeouts.first_byte = 200 * 1000 * 1000;
  expect_failure(fetch(at(base, "/never"), &o), CRECHE_E_TIMEOUT, CRECHE_PHASE_HEADERS, 0);
  assert_int_equal(support_hostile_connections(server), 1);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(uploads_stop_at_the_window, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(producing_takes_its_time, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(no_window_is_no_progress, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_times_out, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(hints_are_no_beginning, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(trailers, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(expectations, h2_set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
