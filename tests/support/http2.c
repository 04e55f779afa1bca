#include "http2.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct support_h2 {
  support_peer* peer;
  nghttp2_hd_inflater* inflater;
  nghttp2_hd_deflater* deflater;
};

static void put32(unsigned char* at, uint32_t n) {
  at[0] = (unsigned char)(n >> 24);
  at[1] = (unsigned char)(n >> 16);
  at[2] = (unsigned char)(n >> 8);
  at[3] = (unsigned char)n;
}

static uint32_t get32(const unsigned char* at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

int support_h2_send(support_h2* h, int type, int flags, int stream, const void* payload,
                    size_t size) {
  unsigned char* bytes = malloc(9 + size);
  if (bytes == NULL) abort();
  bytes[0] = (unsigned char)(size >> 16);
  bytes[1] = (unsigned char)(size >> 8);
  bytes[2] = (unsigned char)size;
  bytes[3] = (unsigned char)type;
  bytes[4] = (unsigned char)flags;
  put32(bytes + 5, (uint32_t)stream);
  if (size > 0) memcpy(bytes + 9, payload, size);
  const int sent = support_send(h->peer, bytes, 9 + size);
  free(bytes);
  return sent;
}

int support_h2_raw(support_h2* h, const void* bytes, size_t size) {
  return support_send(h->peer, bytes, size);
}

support_h2* support_h2_open_with(support_peer* peer, const uint16_t* ids, const uint32_t* values,
                                 size_t count) {
  if (!support_expect(peer, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) return NULL;
  support_h2* h = calloc(1, sizeof *h);
  if (h == NULL || nghttp2_hd_inflate_new(&h->inflater) != 0 ||
      nghttp2_hd_deflate_new(&h->deflater, 4096) != 0)
    abort();
  h->peer = peer;
  unsigned char payload[6 * 16];
  for (size_t i = 0; i < count && i < 16; i++) {
    payload[6 * i] = (unsigned char)(ids[i] >> 8);
    payload[6 * i + 1] = (unsigned char)ids[i];
    put32(payload + 6 * i + 2, values[i]);
  }
  support_h2_send(h, H2_SETTINGS, 0, 0, payload, 6 * count);
  return h;
}

support_h2* support_h2_open(support_peer* peer) {
  return support_h2_open_with(peer, NULL, NULL, 0);
}

void support_h2_close(support_h2* h) {
  if (h == NULL) return;
  nghttp2_hd_inflate_del(h->inflater);
  nghttp2_hd_deflate_del(h->deflater);
  free(h);
}

int support_h2_next(support_h2* h, support_h2_frame* frame) {
  if (!support_expect_bytes(h->peer, 9)) return 0;
  const unsigned char* head = (const unsigned char*)support_received(h->peer);
  frame->size = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
  frame->type = head[3];
  frame->flags = head[4];
  frame->stream = (int)(get32(head + 5) & 0x7fffffff);
  if (frame->size > 0 && !support_expect_bytes(h->peer, frame->size)) return 0;
  frame->payload = (const unsigned char*)support_received(h->peer);
  if ((frame->flags & H2_ACK) == 0) {
    if (frame->type == H2_SETTINGS) support_h2_send(h, H2_SETTINGS, H2_ACK, 0, NULL, 0);
    if (frame->type == H2_PING) support_h2_send(h, H2_PING, H2_ACK, 0, frame->payload, frame->size);
  }
  return 1;
}

int support_h2_await(support_h2* h, int type, int stream, support_h2_frame* frame) {
  while (support_h2_next(h, frame))
    if (frame->type == type && (stream < 0 || frame->stream == stream)) return 1;
  return 0;
}

static void keep(char* into, size_t room, const nghttp2_nv* nv) {
  snprintf(into, room, "%.*s", (int)nv->valuelen, (const char*)nv->value);
}

int support_h2_decode(support_h2* h, const support_h2_frame* frame, support_h2_request* r) {
  memset(r, 0, sizeof *r);
  r->stream = frame->stream;
  r->ended = (frame->flags & H2_END_STREAM) != 0;
  const unsigned char* in = frame->payload;
  size_t left = frame->size, used = 0;
  for (;;) {
    nghttp2_nv nv;
    int flags = 0;
    const ssize_t n = nghttp2_hd_inflate_hd2(h->inflater, &nv, &flags, in, left, 1);
    if (n < 0) return 0;
    in += n;
    left -= (size_t)n;
    if (flags & NGHTTP2_HD_INFLATE_EMIT) {
      const char* name = (const char*)nv.name;
      if (strcmp(name, ":method") == 0) keep(r->method, sizeof r->method, &nv);
      if (strcmp(name, ":path") == 0) keep(r->path, sizeof r->path, &nv);
      if (strcmp(name, ":authority") == 0) keep(r->authority, sizeof r->authority, &nv);
      const int size = snprintf(r->fields + used, sizeof r->fields - used, "%s: %.*s\n", name,
                                (int)nv.valuelen, (const char*)nv.value);
      if (size > 0 && used + (size_t)size < sizeof r->fields) used += (size_t)size;
    }
    if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) break;
  }
  nghttp2_hd_inflate_end_headers(h->inflater);
  support_count_request(h->peer);
  return 1;
}

int support_h2_next_request(support_h2* h, support_h2_request* request) {
  support_h2_frame frame;
  return support_h2_await(h, H2_HEADERS, -1, &frame) && support_h2_decode(h, &frame, request);
}

int support_h2_head(support_h2* h, int stream, int status, const char* fields, int flags) {
  char text[8192], number[16];
  snprintf(text, sizeof text, "%s", fields != NULL ? fields : "");
  snprintf(number, sizeof number, "%d", status);
  nghttp2_nv nv[128];
  size_t count = 0;
  memset(nv, 0, sizeof nv);
  if (status != 0) {
    nv[count].name = (uint8_t*)":status";
    nv[count].namelen = 7;
    nv[count].value = (uint8_t*)number;
    nv[count++].valuelen = strlen(number);
  }
  char* rest = NULL;
  for (char* line = strtok_r(text, "\n", &rest); line != NULL && count < 128;
       line = strtok_r(NULL, "\n", &rest)) {
    char* colon = strstr(line + 1, ": ");
    if (colon == NULL) continue;
    *colon = 0;
    nv[count].name = (uint8_t*)line;
    nv[count].namelen = strlen(line);
    nv[count].value = (uint8_t*)colon + 2;
    nv[count++].valuelen = strlen(colon + 2);
  }
  unsigned char block[16384];
  const ssize_t size = nghttp2_hd_deflate_hd(h->deflater, block, sizeof block, nv, count);
  return size >= 0 && support_h2_send(h, H2_HEADERS, flags, stream, block, (size_t)size);
}

int support_h2_data(support_h2* h, int stream, const void* data, size_t size, int last) {
  const char* at = data;
  do {
    const size_t n = size < 16384 ? size : 16384;
    size -= n;
    if (!support_h2_send(h, H2_DATA, last && size == 0 ? H2_END_STREAM : 0, stream, at, n))
      return 0;
    at += n;
  } while (size > 0);
  return 1;
}

int support_h2_answer(support_h2* h, int stream, int status, const char* fields, const char* body) {
  if (body == NULL)
    return support_h2_head(h, stream, status, fields, H2_END_HEADERS | H2_END_STREAM);
  return support_h2_head(h, stream, status, fields, H2_END_HEADERS) &&
         support_h2_data(h, stream, body, strlen(body), 1);
}

int support_h2_reset(support_h2* h, int stream, uint32_t code) {
  unsigned char payload[4];
  put32(payload, code);
  return support_h2_send(h, H2_RST_STREAM, 0, stream, payload, 4);
}

int support_h2_goaway(support_h2* h, int last_stream, uint32_t code) {
  unsigned char payload[8];
  put32(payload, (uint32_t)last_stream);
  put32(payload + 4, code);
  return support_h2_send(h, H2_GOAWAY, 0, 0, payload, 8);
}

int support_h2_window(support_h2* h, int stream, uint32_t more) {
  unsigned char payload[4];
  put32(payload, more);
  return support_h2_send(h, H2_WINDOW_UPDATE, 0, stream, payload, 4);
}

int support_h2_setting(support_h2* h, uint16_t id, uint32_t value) {
  unsigned char payload[6];
  payload[0] = (unsigned char)(id >> 8);
  payload[1] = (unsigned char)id;
  put32(payload + 2, value);
  return support_h2_send(h, H2_SETTINGS, 0, 0, payload, 6);
}

/* ---- The ready-made server ---- */

enum { kStreams = 256 };
typedef struct stream {
  int id;
  long long left;   /* of /bytes to be sent */
  long long window; /* that the client has given */
  char* body;       /* of /echo */
  size_t body_size;
} stream;
typedef struct server {
  support_h2* h;
  stream streams[kStreams];
  long long window, first_window;
} server;

static stream* find(server* s, int id) {
  for (int i = 0; i < kStreams; i++)
    if (s->streams[i].id == id) return &s->streams[i];
  return NULL;
}

static void forget(stream* t) {
  free(t->body);
  memset(t, 0, sizeof *t);
}

/* What the windows allow. */
static void pump(server* s) {
  static char filling[16384];
  if (filling[0] == 0) memset(filling, 'x', sizeof filling);
  for (int i = 0; i < kStreams; i++) {
    stream* t = &s->streams[i];
    while (t->id != 0 && t->left > 0) {
      long long n = t->left < 16384 ? t->left : 16384;
      if (n > t->window) n = t->window;
      if (n > s->window) n = s->window;
      if (n <= 0) break;
      t->left -= n;
      t->window -= n;
      s->window -= n;
      if (!support_h2_data(s->h, t->id, filling, (size_t)n, t->left == 0)) return;
      if (t->left == 0) forget(t);
    }
  }
}

static void begin(server* s, const support_h2_request* r) {
  long long n = 0;
  char fields[64];
  stream* t = find(s, 0);
  const int head = strcmp(r->method, "HEAD") == 0;
  if (t == NULL) {
    support_h2_reset(s->h, r->stream, NGHTTP2_REFUSED_STREAM);
  } else if (sscanf(r->path, "/bytes/%lld", &n) == 1) {
    t->id = r->stream;
    t->left = n;
    t->window = s->first_window;
    snprintf(fields, sizeof fields, "content-length: %lld\n", n);
    const int ends = head || n == 0;
    support_h2_head(s->h, r->stream, 200, fields, H2_END_HEADERS | (ends ? H2_END_STREAM : 0));
    if (ends) forget(t);
  } else if (sscanf(r->path, "/status/%lld", &n) == 1) {
    if (head || n == 204 || n == 304)
      support_h2_head(s->h, r->stream, (int)n, "location: /hello\n",
                      H2_END_HEADERS | H2_END_STREAM);
    else
      support_h2_answer(s->h, r->stream, (int)n, "location: /hello\n", "that is it");
  } else if (strcmp(r->path, "/echo") == 0 && !r->ended) {
    t->id = r->stream;
  } else if (strcmp(r->path, "/head") == 0) {
    support_h2_answer(s->h, r->stream, 200, NULL, r->fields);
  } else {
    support_h2_answer(s->h, r->stream, 200, "content-type: text/plain\n", "hello");
  }
}

static void take(server* s, const support_h2_frame* f) {
  stream* t = f->stream != 0 ? find(s, f->stream) : NULL;
  support_h2_request r;
  switch (f->type) {
    case H2_HEADERS:
      if (support_h2_decode(s->h, f, &r)) begin(s, &r);
      break;
    case H2_DATA:
      if (f->size > 0) {
        support_h2_window(s->h, 0, (uint32_t)f->size);
        support_h2_window(s->h, f->stream, (uint32_t)f->size);
      }
      if (t == NULL) break;
      t->body = realloc(t->body, t->body_size + f->size + 1);
      if (t->body == NULL) abort();
      memcpy(t->body + t->body_size, f->payload, f->size);
      t->body_size += f->size;
      if (f->flags & H2_END_STREAM) {
        support_h2_head(s->h, t->id, 200, NULL, H2_END_HEADERS);
        support_h2_data(s->h, t->id, t->body, t->body_size, 1);
        forget(t);
      }
      break;
    case H2_RST_STREAM:
      if (t != NULL) forget(t);
      break;
    case H2_WINDOW_UPDATE:
      if (t != NULL) t->window += get32(f->payload);
      if (f->stream == 0) s->window += get32(f->payload);
      break;
    case H2_SETTINGS:
      for (size_t at = 0; at + 6 <= f->size; at += 6)
        if (f->payload[at] == 0 && f->payload[at + 1] == 4)
          s->first_window = get32(f->payload + at + 2);
      break;
    default:
      break;
  }
}

void support_script_h2(support_peer* peer, void* user) {
  (void)user;
  server s;
  memset(&s, 0, sizeof s);
  s.window = s.first_window = 65535;
  s.h = support_h2_open(peer);
  support_h2_frame frame;
  while (s.h != NULL && support_h2_next(s.h, &frame)) {
    take(&s, &frame);
    pump(&s);
  }
  for (int i = 0; i < kStreams; i++) forget(&s.streams[i]);
  support_h2_close(s.h);
}
