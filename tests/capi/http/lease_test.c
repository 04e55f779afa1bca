/* Leases: responses that hold their owner open, and go to another one by creche_response_move. */
#include <pthread.h>

#include "http_test.h"

/* A head, and the body once it is told to. */
static void in_two_steps(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  if (support_await(peer, 1)) support_send_text(peer, "hello");
  support_await_close(peer);
}

/* A head, and never all of its body. */
static void stuck(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
  support_await_close(peer);
}

static creche_group open_group(void) {
  creche_group_options o;
  creche_group group;
  creche_group_options_init(&o, sizeof o);
  o.queue = queue;
  assert_int_equal(creche_group_open(loop.scope, &o, NULL, NULL, &group), CRECHE_OK);
  return group;
}

static creche_task open_task(creche_scope in) {
  creche_task task;
  assert_int_equal(creche_task_open(in, &to_queue, NULL, NULL, &task), CRECHE_OK);
  creche_completion c = next();
  assert_int_equal(c.kind, CRECHE_BEGIN);
  drop(c);
  return task;
}

static creche_response head_in(creche_scope in, support_hostile* server) {
  const char* url = support_hostile_url(server);
  creche_request_options o = request_options();
  assert_int_equal(creche_session_send(web, in, url, &o, NULL, NULL, NULL), CRECHE_OK);
  creche_completion c = next();
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  c.flags &= ~(uint32_t)CRECHE_OWNED;
  creche_response response = {c.value};
  drop(c);
  return response;
}

static void expect_end_of(creche_scope scope, creche_status status) {
  creche_completion c = next();
  if (c.task.scope.id != scope.id || c.status != status)
    fail_msg("%s kind %u: %s", creche_status_name(c.status), c.kind, creche_error_message(c.error));
  drop(c);
}

static void expect_hello(creche_response r) {
  char got[8] = "";
  size_t n = 0;
  for (;;) {
    creche_completion c = read_some(r, 0);
    assert_int_equal(c.status, CRECHE_OK);
    const uint32_t kind = c.kind;
    if (kind == CRECHE_CHUNK) {
      memcpy(got + n, c.data, c.data_size);
      n += c.data_size;
    }
    drop(c);
    if (kind == CRECHE_END) break;
  }
  assert_string_equal(got, "hello");
}

static uint64_t live_leases(void) {
  creche_loop_counters c;
  assert_int_equal(creche_loop_get_counters(loop, &c, sizeof c), CRECHE_OK);
  return c.live_leases;
}

static void its_owner_is_free_to_end(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(in_two_steps, NULL);
  creche_group from = open_group(), to = open_group();
  creche_response r = head_in(from.scope, server);
  creche_group_close(from);
  creche_group_close(to); /* open until it is empty, and so it ends: */
  expect_end_of(to.scope, CRECHE_OK);
  to = open_group();
  assert_int_equal(creche_response_move(r, to.scope), CRECHE_OK);
  expect_end_of(from.scope, CRECHE_OK); /* nothing else held it open */
  assert_int_equal(live_leases(), 1);
  creche_group_close(to);
  support_hostile_signal(server);
  expect_hello(r); /* and so `to` has not ended before */
  expect_end_of(to.scope, CRECHE_OK);
  assert_int_equal(live_leases(), 0);
  assert_int_equal(creche_response_move(r, loop.scope), CRECHE_OK); /* harmless by now */
  creche_response_release(r);
  support_hostile_stop(server);
}

static void it_ends_with_its_new_owner(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(stuck, NULL);
  creche_task task = open_task(loop.scope);
  creche_response r = head_in(loop.scope, server);
  creche_scope section;
  assert_int_equal(creche_scope_open(task.scope, NULL, &section), CRECHE_OK);
  assert_int_equal(creche_response_move(r, section), CRECHE_OK); /* bare scopes own nothing */
  assert_int_equal(creche_scope_leave(section, NULL), CRECHE_OK);
  assert_int_equal(creche_response_move(r, task.scope), CRECHE_OK); /* where it is already */
  assert_int_equal(creche_task_finish(task, CRECHE_OK, 0, NULL), CRECHE_OK);
  expect_end_of(task.scope, CRECHE_OK);
  assert_int_equal(creche_response_move(r, loop.scope), CRECHE_E_ENDED); /* given back */
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  creche_response_release(r);

  /* A cancelled group that has nothing else does not keep what it is handed. */
  creche_group group = open_group();
  creche_task child = open_task(group.scope);
  creche_group_close(group);
  creche_scope_cancel(group.scope, NULL);
  creche_completion c = next();
  assert_int_equal(c.kind, CRECHE_CANCEL);
  drop(c);
  r = head_in(loop.scope, server);
  assert_int_equal(creche_response_move(r, group.scope), CRECHE_OK);
  assert_int_equal(creche_response_status(r), 200);
  assert_int_equal(creche_task_finish(child, CRECHE_E_CANCELLED, 0, NULL), CRECHE_OK);
  expect_end_of(child.scope, CRECHE_E_CANCELLED);
  expect_end_of(group.scope, CRECHE_OK); /* caught */
  assert_int_equal(creche_response_move(r, loop.scope), CRECHE_E_ENDED);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  creche_response_release(r);
  support_hostile_stop(server);
}

static void out_of_a_task_that_has_finished(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(in_two_steps, NULL);
  creche_task task = open_task(loop.scope), step = open_task(task.scope);
  creche_response r = head_in(task.scope, server);
  assert_int_equal(creche_task_finish(task, CRECHE_OK, 0, NULL), CRECHE_OK);
  assert_int_equal(creche_response_move(r, task.scope), CRECHE_E_CLOSED);
  assert_int_equal(creche_response_move(r, loop.scope), CRECHE_OK); /* it waits for its step */
  assert_int_equal(creche_task_finish(step, CRECHE_OK, 0, NULL), CRECHE_OK);
  expect_end_of(step.scope, CRECHE_OK);
  expect_end_of(task.scope, CRECHE_OK);
  support_hostile_signal(server);
  expect_hello(r);
  creche_response_release(r);
  support_hostile_stop(server);
}

static void wrong_moves_change_nothing(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(in_two_steps, NULL);
  creche_group group = open_group();
  creche_response r = head_in(group.scope, server);
  creche_group_close(group);
  assert_int_equal(creche_response_move(r, (creche_scope){0}), CRECHE_E_BAD_HANDLE);
  assert_int_equal(creche_response_move(r, (creche_scope){r.id}), CRECHE_E_BAD_HANDLE);
  assert_int_equal(creche_response_move((creche_response){0}, loop.scope), CRECHE_E_BAD_HANDLE);
  assert_int_equal(creche_response_move((creche_response){web.id}, loop.scope),
                   CRECHE_E_BAD_HANDLE);
  last_error_says("a response is needed");

  creche_task sleep;
  assert_int_equal(creche_sleep_until(loop.scope, CRECHE_NEVER, &to_queue, NULL, NULL, &sleep),
                   CRECHE_OK);
  assert_int_equal(creche_response_move(r, sleep.scope), CRECHE_E_STATE);
  creche_scope_cancel(sleep.scope, NULL);
  drop(next());
  assert_int_equal(creche_response_move(r, sleep.scope), CRECHE_E_ENDED);

  creche_loop other;
  assert_int_equal(creche_loop_open(NULL, &other), CRECHE_OK);
  assert_int_equal(creche_response_move(r, other.scope), CRECHE_E_WRONG_LOOP);
  creche_loop_close(other);
  assert_int_equal(creche_loop_join(other, PATIENCE), CRECHE_OK);

  support_hostile_signal(server); /* `group` has held it all the time */
  expect_hello(r);
  expect_end_of(group.scope, CRECHE_OK);
  creche_response_release(r);
  support_hostile_stop(server);

  server = support_hostile_start(support_script_answer,
                                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  creche_completion c = fetch(support_hostile_url(server), NULL);
  assert_int_equal(creche_response_move((creche_response){c.value}, loop.scope), CRECHE_E_STATE);
  last_error_says("whole");
  drop(c);
  support_hostile_stop(server);
}

/* ---- Its text lives as long as its handle: the socket goes with the owner, the head does not ----
 */

static void heads(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer,
                    "HTTP/1.1 200 OK\r\nX-A: first\r\nX-B: second\r\nContent-Length: 50\r\n\r\n"
                    "hello");
  support_await_close(peer);
}

struct texts {
  const char *url, *header;
  creche_header at;
};

static struct texts texts_of(creche_response r, support_hostile* server) {
  struct texts t;
  size_t size = 0;
  t.url = creche_response_url(r);
  t.header = creche_response_header(r, "x-a", &size);
  assert_int_equal(size, 5);
  assert_int_equal(creche_response_header_at(r, 1, &t.at), CRECHE_OK);
  assert_non_null(strstr(t.url, support_hostile_url(server)));
  return t;
}

/* What was lent before, and what is asked for now. */
static void expect_texts(struct texts t, creche_response r, support_hostile* server) {
  const struct texts again = texts_of(r, server);
  assert_ptr_equal(again.url, t.url);
  assert_ptr_equal(again.header, t.header);
  assert_string_equal(t.header, "first");
  assert_string_equal(t.at.name, "X-B");
  assert_memory_equal(t.at.value, "second", t.at.value_size);
  assert_int_equal(creche_response_status(r), 200);
  creche_response_info info;
  assert_int_equal(creche_response_get_info(r, &info, sizeof info), CRECHE_OK);
  assert_int_equal(info.body_bytes, 5);
}

static void texts_outlive_their_owner(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(heads, NULL);
  creche_task task = open_task(loop.scope);
  creche_response r = head_in(task.scope, server);
  const struct texts t = texts_of(r, server);
  assert_int_equal(creche_task_finish(task, CRECHE_OK, 0, NULL), CRECHE_OK);
  expect_end_of(task.scope, CRECHE_OK);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS)); /* the socket has gone */
  assert_int_equal(live_leases(), 0);
  expect_texts(t, r, server);
  /* What had come is still to be read, before the failure. */
  creche_completion c = read_some(r, 0);
  assert_int_equal(c.kind, CRECHE_CHUNK);
  assert_int_equal(c.data_size, 5);
  drop(c);
  c = read_some(r, 0);
  assert_int_equal(c.status, CRECHE_E_CLOSED);
  assert_non_null(strstr(c.error->message, "given back"));
  drop(c);
  creche_response_release(r);
  assert_int_equal(creche_response_status(r), CRECHE_E_ENDED);
  assert_null(creche_response_url(r));
  support_hostile_stop(server);
}

static void texts_outlive_their_loop(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(heads, NULL);
  creche_response r = head_in(loop.scope, server);
  const struct texts t = texts_of(r, server);
  creche_session_release(web);
  creche_loop_close(loop);
  assert_int_equal(creche_loop_join(loop, PATIENCE), CRECHE_OK);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  expect_texts(t, r, server);
  assert_int_equal(creche_response_read(r, loop.scope, 0, NULL, NULL, NULL, NULL), CRECHE_E_ENDED);
  assert_int_equal(creche_response_move(r, loop.scope), CRECHE_E_ENDED);
  creche_response_release(r);
  assert_int_equal(creche_response_status(r), CRECHE_E_ENDED);
  support_hostile_stop(server);
}

/* Moves from another thread while its owners are cancelled and end: it is never lost, never given
 * back twice, and nobody ends while holding it. */
struct mover {
  creche_response response;
  creche_scope to;
};
static void* move_it(void* user) {
  struct mover* m = user;
  creche_response_move(m->response, m->to);
  return NULL;
}

static void moves_race_with_ends(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(stuck, NULL);
  for (int round = 0; round < 60; round++) {
    creche_group from = open_group();
    creche_response r[3];
    for (int i = 0; i < 3; i++) r[i] = head_in(from.scope, server);
    creche_group_close(from);
    struct mover m[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
      m[i] = (struct mover){r[i], loop.scope};
      pthread_create(&threads[i], NULL, move_it, &m[i]);
    }
    creche_scope_cancel(from.scope, NULL);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    creche_completion c = next();
    assert_true(c.task.scope.id == from.scope.id);
    assert_true(c.status == CRECHE_OK);
    drop(c);
    for (int i = 0; i < 3; i++) creche_response_release(r[i]); /* moved, or given back */
    assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
    SAY(creche_sleep(loop.scope, 0, &to_queue, NULL, NULL, NULL));
    drop(next()); /* a turn later */
    assert_int_equal(live_leases(), 0);
  }
  support_hostile_stop(server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(its_owner_is_free_to_end),
      TEST(it_ends_with_its_new_owner),
      TEST(out_of_a_task_that_has_finished),
      TEST(wrong_moves_change_nothing),
      TEST(texts_outlive_their_owner),
      cmocka_unit_test_setup_teardown(texts_outlive_their_loop, set_up, tear_down_rest),
      TEST(moves_race_with_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
