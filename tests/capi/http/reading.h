/* What the tests share that read bodies as they come. */
#ifndef CAPI_HTTP_READING_H
#define CAPI_HTTP_READING_H

#include "http_test.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

/* The response of a head, the test's from now on. */
static inline creche_response expect_head(creche_completion c, uint32_t code) {
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.code, code);
  assert_true(c.flags & CRECHE_OWNED);
  c.flags &= ~(uint32_t)CRECHE_OWNED; /* kept */
  creche_response response = {c.value};
  drop(c);
  return response;
}

static inline void expect_bytes(creche_completion c, const void* bytes, size_t size) {
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.kind, CRECHE_CHUNK);
  assert_int_equal(c.data_size, size);
  assert_memory_equal(c.data, bytes, size);
  drop(c);
}
static inline void expect_chunk(creche_completion c, const char* text) {
  expect_bytes(c, text, strlen(text));
}

static inline void expect_end(creche_completion c) {
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.kind, CRECHE_END);
  drop(c);
}

static inline void expect_status(creche_completion c, creche_status status) {
  if (c.status != status)
    fail_msg("%s: %s", creche_status_name(c.status), creche_error_message(c.error));
  drop(c);
}

static inline creche_completion read_until(creche_response response, const char* delimiter,
                                           size_t max) {
  OK(creche_response_read_until(response, loop.scope, delimiter, strlen(delimiter), max, &to_queue,
                                NULL, NULL, NULL));
  return next();
}
static inline creche_completion read_exactly(creche_response response, size_t size) {
  OK(creche_response_read_exactly(response, loop.scope, size, &to_queue, NULL, NULL, NULL));
  return next();
}

static inline creche_response_info info_of(creche_response response) {
  creche_response_info info;
  OK(creche_response_get_info(response, &info, sizeof info));
  return info;
}

#endif
