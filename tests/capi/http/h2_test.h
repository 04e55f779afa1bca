/* What the tests of HTTP/2 share: sessions that know that a server speaks it. */
#ifndef CAPI_HTTP_H2_TEST_H
#define CAPI_HTTP_H2_TEST_H

#include "http_test.h"
#include "support/http2.h"

static inline creche_session_options h2_options(void) {
  creche_session_options o = session_options();
  o.versions = CRECHE_HTTP_2;
  return o;
}

static inline int h2_set_up(void** state) {
  (void)state;
  creche_session_options o;
  creche_session_options_init(&o, sizeof o);
  o.versions = CRECHE_HTTP_2;
  return open_session(&o);
}

static inline creche_response h2_head(creche_completion c, uint32_t code) {
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.code, code);
  assert_true(c.flags & CRECHE_OWNED);
  c.flags &= ~(uint32_t)CRECHE_OWNED; /* kept */
  creche_response response = {c.value};
  drop(c);
  return response;
}

static inline creche_response_info h2_info(creche_response response) {
  creche_response_info info;
  OK(creche_response_get_info(response, &info, sizeof info));
  return info;
}

/* Reads to the end; how much it was. */
static inline uint64_t h2_read_all(creche_response response) {
  uint64_t size = 0;
  for (;;) {
    creche_completion c = read_some(response, 0);
    if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
    const int end = c.kind == CRECHE_END;
    size += c.data_size;
    drop(c);
    if (end) return size;
  }
}

#endif
