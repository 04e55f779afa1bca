/* What tests share of bodies that are pulled while the answer is read. */
#ifndef CAPI_HTTP_PULLED_H
#define CAPI_HTTP_PULLED_H

#include "http_test.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static int early_user; /* its address is the `user` of what early_send starts */

static inline creche_request_options pull_options(void) {
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_PULL_BODY;
  o.body_size = CRECHE_UNKNOWN_SIZE;
  return o;
}

/* Sends a head at once, then each byte of the body's pieces back as it comes, as chunks. */
static inline void echo(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect(peer, "\r\n\r\n")) return;
  support_send_text(peer, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n");
  for (;;) {
    if (!support_expect(peer, "\r\n")) return;
    const size_t size = strtoul(support_received(peer), NULL, 16);
    if (!support_expect_bytes(peer, size + 2)) return;
    if (size == 0) break;
    support_sendf(peer, "%zx\r\n%.*s\r\n", size, (int)size, support_received(peer));
  }
  support_count_request(peer); /* all of it has come */
  support_send_text(peer, "0\r\n\r\n");
  support_await_close(peer);
}

static inline void answer_pull(creche_completion c, const char* piece, uint32_t flags) {
  assert_int_equal(c.kind, CRECHE_PULL);
  assert_int_equal(creche_task_answer(c.task, CRECHE_OK, piece, strlen(piece), flags, NULL),
                   CRECHE_OK);
  drop(c);
}

static inline creche_response early_head(creche_completion c) {
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.kind, CRECHE_DONE);
  assert_int_equal(c.code, 200);
  assert_int_equal(c.flags, CRECHE_OWNED | CRECHE_MORE);
  const creche_response r = {c.value};
  c.flags &= ~(uint32_t)CRECHE_OWNED;
  drop(c);
  return r;
}

/* Starts one in `in`; *pull is the pull that is out when the head has come. */
static inline creche_response early_send(creche_scope in, support_hostile* server,
                                         creche_task* task, creche_completion* pull) {
  const creche_request_options o = pull_options();
  assert_int_equal(
      creche_session_send(web, in, support_hostile_url(server), &o, NULL, &early_user, task),
      CRECHE_OK);
  *pull = next();
  assert_int_equal(pull->kind, CRECHE_PULL);
  return early_head(next());
}

static inline void expect_piece(creche_completion c, const char* text) {
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.kind, CRECHE_CHUNK);
  assert_int_equal(c.data_size, strlen(text));
  assert_memory_equal(c.data, text, c.data_size);
  drop(c);
}

static inline void expect_last(creche_completion c, creche_task task, creche_status status) {
  if (c.status != status) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.kind, CRECHE_DONE);
  assert_true(c.task.scope.id == task.scope.id);
  assert_ptr_equal(c.user, &early_user);
  assert_int_equal(c.flags & (CRECHE_MORE | CRECHE_OWNED), 0);
  assert_int_equal(c.value, 0);
  drop(c);
}

#endif
