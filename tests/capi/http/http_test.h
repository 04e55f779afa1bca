/* What the tests of http.h share: a loop on its own thread, a queue that gets all completions, and
 * short ways to fetch. */
#ifndef CAPI_HTTP_TEST_H
#define CAPI_HTTP_TEST_H

#include <errno.h>

#include "support/fixture.h"
#include "support/support.h"

static creche_session web;
static char url_text[512];

static inline int open_session(const creche_session_options* options) {
  if (open_loop_and_queue() != 0) return -1;
  if (creche_session_open(loop, options, &web) == CRECHE_OK) return 0;
  fprintf(stderr, "%s\n", creche_last_error()->message);
  return -1;
}

static inline int set_up(void** state) {
  (void)state;
  return open_session(NULL);
}

static inline int tear_down(void** state) {
  (void)state;
  creche_session_release(web);
  creche_queue_release(queue);
  return close_and_join_loop();
}

/* Where the test has joined the loop. */
static inline int tear_down_rest(void** state) {
  (void)state;
  creche_queue_release(queue);
  return 0;
}

/* Instead of the session of set_up. */
static inline void use_session(const creche_session_options* options) {
  creche_session_release(web);
  OK(creche_session_open(loop, options, &web));
}

static inline creche_session_options session_options(void) {
  creche_session_options o;
  OK(creche_session_options_init(&o, sizeof o));
  return o;
}

static inline creche_request_options request_options(void) {
  creche_request_options o;
  OK(creche_request_options_init(&o, sizeof o));
  o.task = &to_queue;
  return o;
}

/* url + path; good until the next call. */
static inline const char* at(const char* url, const char* path) {
  snprintf(url_text, sizeof url_text, "%s%s", url, path);
  return url_text;
}

static inline creche_task start(const char* url, const creche_request_options* options,
                                void* user) {
  creche_request_options o = options ? *options : request_options();
  creche_task task;
  OK(creche_session_fetch(web, loop.scope, url, &o, NULL, user, &task));
  return task;
}

static inline creche_completion fetch(const char* url, const creche_request_options* options) {
  start(url, options, NULL);
  return next();
}

static inline creche_completion send_request(const char* url,
                                             const creche_request_options* options) {
  creche_request_options o = options ? *options : request_options();
  OK(creche_session_send(web, loop.scope, url, &o, NULL, NULL, NULL));
  return next();
}

static inline creche_completion read_some(creche_response response, size_t capacity) {
  OK(creche_response_read(response, loop.scope, capacity, &to_queue, NULL, NULL, NULL));
  return next();
}

static inline void expect_body(creche_completion c, uint32_t code, const char* body) {
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.code, code);
  assert_int_equal(c.data_size, strlen(body));
  assert_string_equal(c.data, body); /* a NUL byte follows */
  drop(c);
}

/* Checks and drops a failed one. flags: CRECHE_ERROR_*. */
static inline void expect_failure(creche_completion c, creche_status status, uint32_t phase,
                                  uint32_t flags) {
  if (c.status != status || c.error->phase != phase || c.error->flags != flags)
    fail_msg("%s phase %u flags %u: %s", creche_status_name(c.status), c.error ? c.error->phase : 0,
             c.error ? c.error->flags : 0, creche_error_message(c.error));
  assert_int_equal(c.flags & (CRECHE_OWNED | CRECHE_MORE), 0);
  assert_true(strlen(c.error->message) > 20);
  drop(c);
}

#endif
