/* Both directions of an exchange at once: answers that begin, and end, before the request has been
 * sent; bodies that are pulled while the answer is read. */
#include <openssl/ssl.h>
#include <signal.h>

#include "pulled.h"
#include "support/tls.h"

#define ANSWER OK_HEAD "Content-Length: 2\r\n\r\nok"
#define TIMES 5

enum { LARGE = 16 << 20 };
static char* large;

static int make_large(void** state) {
  (void)state;
  signal(SIGPIPE, SIG_IGN); /* OpenSSL's own sockets raise it */
  large = calloc(1, LARGE);
  return large != NULL ? 0 : -1;
}
static int free_large(void** state) {
  (void)state;
  free(large);
  return 0;
}

static creche_request_options upload_options(void) {
  creche_request_options o = request_options();
  o.method = "POST";
  o.body = large;
  o.body_size = LARGE;
  return o;
}

/* ---- Refused: the answer, then the end with the rest unread, so that a reset follows ---- */

static void refuse(support_peer* peer, void* user) {
  if (support_expect(peer, "\r\n\r\n")) support_send_text(peer, user);
}

/* The first connection redirects and closes; on others the request is taken and answered. */
static void refuse_at_first(support_peer* peer, void* user) {
  if (support_peer_index(peer) == 0)
    refuse(peer, user);
  else
    support_script_answer(peer, ANSWER);
}

static void an_early_answer_is_read(void** state) {
  (void)state;
  static const char* const answers[] = {
      "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
      "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno",
      "HTTP/1.1 413 Too Large\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
      "HTTP/1.1 413 Too Large\r\n\r\nno", /* ends with the connection, whose reset is ours */
  };
  const creche_request_options o = upload_options();
  for (int i = 0; i < 4; i++) {
    support_hostile* server = support_hostile_start(refuse, (void*)answers[i]);
    for (int n = 0; n < TIMES; n++) expect_body(fetch(support_hostile_url(server), &o), 413, "no");
    assert_int_equal(session_counters(web).idle, 0);
    assert_int_equal(session_counters(web).retries, 0);
    support_hostile_stop(server);
  }
}

static void an_early_redirect_is_followed(void** state) {
  (void)state;
  static const char* const answers[] = {
      "HTTP/1.1 303 See\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 307 There\r\nLocation: /\r\nContent-Length: 50\r\n\r\nnot all",
      "HTTP/1.1 308 There\r\nLocation: /\r\n\r\nhello",
  };
  const creche_request_options o = upload_options();
  for (int i = 0; i < 3; i++)
    for (int n = 0; n < TIMES; n++) {
      support_hostile* server = support_hostile_start(refuse_at_first, (void*)answers[i]);
      expect_body(fetch(support_hostile_url(server), &o), 200, "ok");
      assert_int_equal(support_hostile_connections(server), 2);
      support_hostile_stop(server);
    }
}

/* What is missing is still missed. */
static void an_early_answer_that_is_cut(void** state) {
  (void)state;
  static const char* const answers[] = {
      "HTTP/1.1 413 Too Large\r\nContent-Length: 20\r\n\r\nno",
      OK_HEAD "\r\nuntil the end, which a reset is not",
  };
  const creche_request_options o = upload_options();
  for (int i = 0; i < 2; i++) {
    support_hostile* server = support_hostile_start(refuse, (void*)answers[i]);
    expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_TRUNCATED, CRECHE_PHASE_BODY,
                   0);
    support_hostile_stop(server);
  }
  support_hostile* server = support_hostile_start(refuse, "");
  creche_completion c = fetch(support_hostile_url(server), &o);
  assert_int_equal(c.status, CRECHE_E_DISCONNECTED);
  drop(c);
  support_hostile_stop(server);
}

/* What came is read to its end, though the upload has failed meanwhile and nobody has read yet. */
static void a_stream_outlives_its_upload(void** state) {
  (void)state;
  support_hostile* server =
      support_hostile_start(refuse, "HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nhello");
  const creche_request_options o = upload_options();
  for (int n = 0; n < TIMES; n++) {
    creche_completion c = send_request(support_hostile_url(server), &o);
    if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
    assert_int_equal(c.code, 413);
    const creche_response r = {c.value};
    creche_completion chunk = read_some(r, 0);
    assert_int_equal(chunk.kind, CRECHE_CHUNK);
    assert_memory_equal(chunk.data, "hello", 5);
    drop(chunk);
    chunk = read_some(r, 0);
    assert_int_equal(chunk.kind, CRECHE_END);
    drop(chunk);
    drop(c);
  }
  support_hostile_stop(server);
}

/* ---- The same over TLS ---- */

static SSL_CTX* tls;

static void refuse_in_tls(support_peer* peer, void* user) {
  SSL* ssl = SSL_new(tls);
  char head[4096];
  SSL_set_fd(ssl, support_peer_fd(peer));
  if (SSL_accept(ssl) == 1 && SSL_read(ssl, head, sizeof head) > 0)
    SSL_write(ssl, user, (int)strlen(user));
  SSL_free(ssl); /* and closes the socket, with most of the request unread */
}

static void an_early_answer_is_read_in_tls(void** state) {
  (void)state;
  char* folder = support_folder_make((uid_t)-1, (gid_t)-1);
  char path[512];
  assert_non_null(folder);
  assert_int_equal(support_tls_make(folder, support_plain_user()), 0);
  tls = SSL_CTX_new(TLS_server_method());
  snprintf(path, sizeof path, "%s/server.pem", folder);
  assert_int_equal(SSL_CTX_use_certificate_chain_file(tls, path), 1);
  snprintf(path, sizeof path, "%s/server.key", folder);
  assert_int_equal(SSL_CTX_use_PrivateKey_file(tls, path, SSL_FILETYPE_PEM), 1);
  creche_session_options so = session_options();
  so.flags = CRECHE_SESSION_INSECURE;
  use_session(&so);
  support_hostile* server = support_hostile_start(
      refuse_in_tls, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
  creche_request_options o = upload_options();
  char url[64];
  snprintf(url, sizeof url, "https://127.0.0.1:%d/", support_hostile_port(server));
  for (int n = 0; n < TIMES; n++) {
    o.body_size = (size_t)100000 << n % 5;
    expect_body(fetch(url, &o), 413, "no");
  }
  support_hostile_stop(server);
  SSL_CTX_free(tls);
  support_folder_remove(folder);
  free(folder);
}

/* ---- Pulled while the answer is read ---- */

static void pulls_go_on_behind_the_head(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, NULL);
  creche_task task;
  creche_completion pull;
  creche_response r = early_send(loop.scope, server, &task, &pull);
  static const char* const pieces[] = {"hello", " again", " and", " again"};
  for (int i = 0; i < 4; i++) {
    answer_pull(pull, pieces[i], CRECHE_MORE);
    pull = next();
    expect_piece(read_some(r, 0), pieces[i]);
  }
  answer_pull(pull, "", 0);
  creche_completion c = read_some(r, 0);
  assert_int_equal(c.kind, CRECHE_END);
  drop(c);
  expect_last(next(), task, CRECHE_OK); /* behind the end of what it gave */
  creche_response_info info;
  assert_int_equal(creche_response_get_info(r, &info, sizeof info), CRECHE_OK);
  assert_true(info.first_byte > 0 && info.first_byte < info.sent && info.sent <= info.ended);
  assert_int_equal(support_hostile_requests(server), 1);
  assert_int_equal(session_counters(web).idle, 1); /* both directions are whole: kept */
  assert_int_equal(creche_task_answer(task, CRECHE_OK, "x", 1, 0, NULL), CRECHE_E_ENDED);
  creche_response_release(r);
  support_hostile_stop(server);
}

static void giving_the_answer_up_ends_the_pulls(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, NULL);
  creche_task task;
  creche_completion pull;
  creche_response r = early_send(loop.scope, server, &task, &pull);
  creche_response_release(r);
  expect_last(next(), task, CRECHE_OK);
  drop(pull);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  support_hostile_stop(server);
}

static void cancelled_while_it_is_pulled(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, NULL);
  creche_task task;
  creche_completion pull;
  creche_response r = early_send(loop.scope, server, &task, &pull);
  creche_scope_cancel(task.scope, NULL);
  expect_last(next(), task, CRECHE_E_CANCELLED);
  drop(pull);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  creche_completion c = read_some(r, 0);
  assert_int_equal(c.status, CRECHE_E_CLOSED);
  assert_int_equal(c.error->phase, CRECHE_PHASE_BODY);
  drop(c);
  assert_int_equal(creche_response_status(r), 200);
  creche_response_release(r);

  /* Once all has been sent nothing is cut any more. */
  r = early_send(loop.scope, server, &task, &pull);
  answer_pull(pull, "hello", CRECHE_MORE);
  answer_pull(next(), "", 0);
  assert_true(support_hostile_await_requests(server, 1, PATIENCE_MS));
  creche_scope_cancel(task.scope, NULL);
  expect_last(next(), task, CRECHE_OK);
  expect_piece(read_some(r, 0), "hello");
  creche_response_release(r);
  support_hostile_stop(server);
}

static void a_group_that_is_cancelled_says_so(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, NULL);
  creche_group_options go;
  creche_group group;
  creche_task task;
  creche_completion pull;
  creche_group_options_init(&go, sizeof go);
  go.queue = queue;
  assert_int_equal(creche_group_open(loop.scope, &go, NULL, NULL, &group), CRECHE_OK);
  creche_response r = early_send(group.scope, server, &task, &pull);
  assert_int_equal(creche_response_read(r, group.scope, 0, &to_queue, NULL, NULL, NULL), CRECHE_OK);
  creche_group_close(group);
  creche_scope_cancel(group.scope, NULL);
  for (int i = 0; i < 2; i++) {
    creche_completion c = next();
    assert_int_equal(c.status, CRECHE_E_CANCELLED);
    drop(c);
  }
  creche_completion c = next();
  assert_true(c.task.scope.id == group.scope.id);
  assert_int_equal(c.status, CRECHE_OK); /* caught, and nothing has failed */
  drop(c);
  drop(pull);
  creche_response_release(r);
  support_hostile_stop(server);
}

/* Who finishes waits for the upload, and not for what nobody will read. */
static void a_task_that_finishes_meanwhile(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, NULL);
  creche_task owner, task;
  creche_completion pull;
  assert_int_equal(creche_task_open(loop.scope, &to_queue, NULL, &owner, &owner), CRECHE_OK);
  drop(next());
  creche_response r = early_send(owner.scope, server, &task, &pull);
  assert_int_equal(creche_task_finish(owner, CRECHE_OK, 0, NULL), CRECHE_OK);
  answer_pull(pull, "hello", CRECHE_MORE);
  answer_pull(next(), "", 0);
  expect_last(next(), task, CRECHE_OK);
  creche_completion c = next();
  assert_true(c.task.scope.id == owner.scope.id);
  assert_int_equal(c.status, CRECHE_OK);
  drop(c);
  assert_int_equal(creche_response_status(r), 200);
  creche_response_release(r);
  support_hostile_stop(server);
}

static void moved_away_from_its_request(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, NULL);
  creche_task owner, task;
  creche_completion pull;
  assert_int_equal(creche_task_open(loop.scope, &to_queue, NULL, NULL, &owner), CRECHE_OK);
  drop(next());
  creche_response r = early_send(owner.scope, server, &task, &pull);
  assert_int_equal(creche_response_move(r, loop.scope), CRECHE_OK);
  assert_int_equal(creche_task_finish(owner, CRECHE_OK, 0, NULL), CRECHE_OK);
  answer_pull(pull, "hello", CRECHE_MORE);
  answer_pull(next(), "", 0);
  expect_last(next(), task, CRECHE_OK); /* and is free to end */
  creche_completion c = next();
  assert_true(c.task.scope.id == owner.scope.id);
  drop(c);
  expect_piece(read_some(r, 0), "hello");
  creche_response_release(r);
  support_hostile_stop(server);
}

static int set_up_virtually(void** state) {
  creche_loop_options o;
  (void)state;
  creche_task_options_init(&to_queue, sizeof to_queue);
  creche_loop_options_init(&o, sizeof o);
  o.clock = CRECHE_CLOCK_VIRTUAL;
  if (creche_loop_open(&o, &loop) || creche_queue_open(loop, NULL, &queue) ||
      creche_session_open(loop, NULL, &web))
    return -1;
  to_queue.queue = queue;
  return 0;
}

/* What waits for the user's reading does not wait for the world. */
static void a_clock_jumps_over_what_is_not_read(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, NULL);
  creche_task task;
  creche_completion pull;
  creche_response r = early_send(loop.scope, server, &task, &pull);
  answer_pull(pull, "", 0);
  assert_true(support_hostile_await_requests(server, 1, PATIENCE_MS));
  assert_int_equal(creche_sleep(loop.scope, 3600 * CRECHE_SECOND, &to_queue, NULL, NULL, NULL),
                   CRECHE_OK);
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_OK);
  assert_true(c.task.scope.id != task.scope.id);
  drop(c);
  c = read_some(r, 0);
  assert_int_equal(c.kind, CRECHE_END);
  drop(c);
  expect_last(next(), task, CRECHE_OK);
  creche_response_release(r);
  support_hostile_stop(server);
}

static void producers_fail_behind_the_head(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, NULL);
  creche_task task;
  creche_completion pull;
  creche_response r = early_send(loop.scope, server, &task, &pull);
  assert_int_equal(creche_task_answer(pull.task, CRECHE_E_USER, NULL, 0, 0, NULL), CRECHE_OK);
  drop(pull);
  creche_completion c = read_some(r, 0);
  assert_int_equal(c.status, CRECHE_E_BODY);
  drop(c);
  expect_last(next(), task, CRECHE_E_BODY);
  creche_response_release(r);
  support_hostile_stop(server);
}

static void closing_the_session_ends_both(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, NULL);
  creche_task task;
  creche_completion pull;
  creche_response r = early_send(loop.scope, server, &task, &pull);
  assert_int_equal(creche_session_close(web, creche_nobody, NULL), CRECHE_OK);
  expect_last(next(), task, CRECHE_E_CLOSED);
  creche_completion c = read_some(r, 0);
  assert_int_equal(c.status, CRECHE_E_CLOSED);
  drop(c);
  drop(pull);
  creche_response_release(r);
  support_hostile_stop(server);
}

/* A head, and the rest when all of the request has come. */
static void head_first(support_peer* peer, void* user) {
  (void)user;
  while (support_expect(peer, "\r\n\r\n")) {
    support_send_text(peer, OK_HEAD "Content-Length: 4\r\n\r\n");
    if (support_expect(peer, "0\r\n\r\n")) support_send_text(peer, "done");
  }
}

/* The gap between two reads is the server's time, not the user's. */
static void producing_takes_its_time(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(head_first, NULL);
  creche_request_options o = pull_options();
  o.timeouts.read_gap = o.timeouts.send = o.timeouts.first_byte = 300 * CRECHE_MILLISECOND;
  for (int stream = 0; stream < 2; stream++) {
    creche_task task;
    assert_int_equal(
        (stream ? creche_session_send : creche_session_fetch)(
            web, loop.scope, support_hostile_url(server), &o, NULL, &early_user, &task),
        CRECHE_OK);
    creche_completion pull = next();
    creche_response r = {0};
    if (stream) {
      r = early_head(next());
      assert_int_equal(creche_response_read(r, loop.scope, 0, &to_queue, NULL, NULL, NULL),
                       CRECHE_OK);
    }
    for (int i = 0; i < 3; i++) {
      SAY(creche_sleep(loop.scope, 400 * CRECHE_MILLISECOND, &to_queue, NULL, NULL, NULL));
      drop(next());
      answer_pull(pull, "piece", i < 2 ? CRECHE_MORE : 0);
      if (i < 2) pull = next();
    }
    if (!stream) {
      expect_body(next(), 200, "done");
      continue;
    }
    expect_piece(next(), "done");
    creche_response_release(r);
    expect_last(next(), task, CRECHE_OK);
  }
  support_hostile_stop(server);
}

/* And it does run once the server has everything. */
static void never_done(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect(peer, "\r\n\r\n")) return;
  support_send_text(peer, OK_HEAD "Content-Length: 4\r\n\r\n");
  support_await_close(peer);
}

static void the_gap_begins_when_all_is_sent(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(never_done, NULL);
  creche_request_options o = pull_options();
  o.timeouts.read_gap = 30 * CRECHE_MILLISECOND;
  start(support_hostile_url(server), &o, NULL);
  answer_pull(next(), "all", 0);
  expect_failure(next(), CRECHE_E_TIMEOUT, CRECHE_PHASE_BODY, 0);
  support_hostile_stop(server);
}

/* A body of bytes is sent on behind the head, and under its own timeout. */
static void deaf_behind_its_head(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect(peer, "\r\n\r\n")) return;
  support_send_text(peer, OK_HEAD "Content-Length: 4\r\n\r\n");
  support_hang(peer);
}

static void sending_has_its_timeout_behind_the_head(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(deaf_behind_its_head, NULL);
  creche_request_options o = upload_options();
  o.timeouts.send = 50 * CRECHE_MILLISECOND;
  creche_completion c = send_request(support_hostile_url(server), &o);
  assert_int_equal(c.status, CRECHE_OK);
  const creche_response r = {c.value};
  creche_completion chunk = read_some(r, 0);
  assert_int_equal(chunk.status, CRECHE_E_TIMEOUT);
  assert_int_equal(chunk.error->phase, CRECHE_PHASE_SEND);
  drop(chunk);
  drop(c);
  support_hostile_stop(server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_early_answer_is_read),
      TEST(an_early_redirect_is_followed),
      TEST(an_early_answer_that_is_cut),
      TEST(a_stream_outlives_its_upload),
      TEST(an_early_answer_is_read_in_tls),
      TEST(pulls_go_on_behind_the_head),
      TEST(giving_the_answer_up_ends_the_pulls),
      TEST(cancelled_while_it_is_pulled),
      TEST(a_group_that_is_cancelled_says_so),
      TEST(a_task_that_finishes_meanwhile),
      TEST(moved_away_from_its_request),
      cmocka_unit_test_setup_teardown(a_clock_jumps_over_what_is_not_read, set_up_virtually,
                                      tear_down),
      TEST(producers_fail_behind_the_head),
      TEST(closing_the_session_ends_both),
      TEST(producing_takes_its_time),
      TEST(the_gap_begins_when_all_is_sent),
      TEST(sending_has_its_timeout_behind_the_head),
  };
  return cmocka_run_group_tests(tests, make_large, free_large);
}
