/* A server of PostgreSQL's protocol by hand: what a real one does once in years, or a pooler. */
#ifndef CAPI_FAKE_PG_H
#define CAPI_FAKE_PG_H

#include "pg_test.h"

/* What is sent as one: messages behind one another. */
typedef struct fake_out {
  size_t size;
  unsigned char bytes[4096];
} fake_out;

static inline void fake_put(fake_out* o, const void* data, size_t size) {
  assert_true(o->size + size <= sizeof o->bytes);
  memcpy(o->bytes + o->size, data, size);
  o->size += size;
}
static inline void fake_number(fake_out* o, uint32_t n, int bytes) {
  unsigned char b[4];
  for (int i = 0; i < bytes; i++) b[i] = (unsigned char)(n >> (8 * (bytes - 1 - i)));
  fake_put(o, b, (size_t)bytes);
}
static inline void fake_text(fake_out* o, const char* text) {
  fake_put(o, text, strlen(text) + 1);
}
static inline void fake_message(fake_out* o, char type, const void* body, size_t size) {
  fake_put(o, &type, 1);
  fake_number(o, (uint32_t)size + 4, 4);
  fake_put(o, body, size);
}
static inline void fake_error(fake_out* o, char type, const char* severity, const char* state) {
  fake_out body = {0, {0}};
  fake_text(&body, (char[]){'S', 0}), body.size--, fake_text(&body, severity);
  fake_text(&body, (char[]){'V', 0}), body.size--, fake_text(&body, severity);
  fake_text(&body, (char[]){'C', 0}), body.size--, fake_text(&body, state);
  fake_text(&body, (char[]){'M', 0}), body.size--, fake_text(&body, "of the fake server");
  fake_text(&body, "");
  fake_message(o, type, body.bytes, body.size);
}
static inline void fake_parameter(fake_out* o, const char* name, const char* value) {
  fake_out body = {0, {0}};
  fake_text(&body, name);
  fake_text(&body, value);
  fake_message(o, 'S', body.bytes, body.size);
}
/* One column "n". */
static inline void fake_column(fake_out* o, uint32_t type, uint32_t size) {
  fake_out body = {0, {0}};
  fake_number(&body, 1, 2);
  fake_text(&body, "n");
  fake_number(&body, 0, 4);
  fake_number(&body, 0, 2);
  fake_number(&body, type, 4);
  fake_number(&body, size, 2);
  fake_number(&body, UINT32_MAX, 4);
  fake_number(&body, 1, 2);
  fake_message(o, 'T', body.bytes, body.size);
}
static inline void fake_end(fake_out* o, const char* tag) {
  fake_message(o, 'C', tag, strlen(tag) + 1);
}
static inline int fake_send(support_peer* peer, fake_out* o) {
  int sent = support_send(peer, o->bytes, o->size);
  o->size = 0;
  return sent;
}

/* Takes the startup packet and lets the client in; process: of its BackendKeyData. 0: a cancel
 * request, or the client has gone. */
static inline int fake_start(support_peer* peer, uint32_t process) {
  const unsigned char* n;
  fake_out o = {0, {0}}, key = {0, {0}};
  if (!support_expect_bytes(peer, 4)) return 0;
  n = (const unsigned char*)support_received(peer);
  if (!support_expect_bytes(peer, ((size_t)n[2] << 8) + n[3] - 4)) return 0;
  if (memcmp(support_received(peer), "\x04\xd2\x16\x2e", 4) == 0) return 0;
  fake_number(&key, process, 4);
  fake_number(&key, 7, 4);
  fake_message(&o, 'R', "\0\0\0\0", 4);
  fake_message(&o, 'K', key.bytes, key.size);
  fake_message(&o, 'Z', "I", 1);
  return fake_send(peer, &o);
}

/* Takes one message: its type, 0 if the client has gone; its body is support_received. */
static inline char fake_take(support_peer* peer) {
  const unsigned char* head;
  char type;
  size_t size;
  if (!support_expect_bytes(peer, 5)) return 0;
  head = (const unsigned char*)support_received(peer);
  type = (char)head[0];
  size = ((size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4]) - 4;
  if (size > 0 && !support_expect_bytes(peer, size)) return 0;
  return type;
}

static inline creche_pool fake_pool(support_hostile* hostile, uint32_t max_size, uint32_t flags,
                                    const char* more) {
  char dsn[200];
  creche_pool_options o;
  creche_pool pool;
  snprintf(dsn, sizeof dsn, "host=127.0.0.1 port=%d user=a gssencmode=disable sslmode=disable %s",
           support_hostile_port(hostile), more);
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = max_size;
  o.flags = flags;
  OK(creche_pool_open(loop, dsn, &o, &pool));
  return pool;
}

static inline int open_loop(void** state) {
  (void)state;
  return creche_loop_open(NULL, &loop) == CRECHE_OK ? 0 : -1;
}

static inline int close_loop(void** state) {
  (void)state;
  creche_loop_close(loop);
  return creche_loop_join(loop, 20 * CRECHE_SECOND) == CRECHE_OK ? 0 : -1;
}

#endif
