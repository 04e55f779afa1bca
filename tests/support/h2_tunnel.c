#include "h2_tunnel.h"

#include <stdlib.h>
#include <string.h>

#include "websocket.h"

enum { kOffer = 8, kFirstWindow = 4 };

static uint32_t number(const unsigned char* at, int bytes) {
  uint32_t n = 0;
  for (int i = 0; i < bytes; i++) n = n << 8 | at[i];
  return n;
}

static void take_settings(support_h2_tunnel* t, const support_h2_frame* f) {
  for (size_t at = 0; at + 6 <= f->size; at += 6) {
    if (number(f->payload + at, 2) != kFirstWindow) continue;
    const long long window = number(f->payload + at + 2, 4);
    t->window += window - t->first_window;
    t->first_window = window;
  }
}

static void take_data(support_h2_tunnel* t, const support_h2_frame* f) {
  if (f->stream != t->stream) return;
  if (f->size > 0) {
    t->in = realloc(t->in, t->size + f->size);
    if (t->in == NULL) abort();
    memcpy(t->in + t->size, f->payload, f->size);
    t->size += f->size;
    if (!t->stingy) {
      support_h2_window(t->h, 0, (uint32_t)f->size);
      support_h2_window(t->h, f->stream, (uint32_t)f->size);
    }
  }
  if (f->flags & H2_END_STREAM) t->ended = 1;
}

int support_h2_tunnel_turn(support_h2_tunnel* t) {
  support_h2_frame f;
  support_h2_request r;
  if (t->gone || !support_h2_next(t->h, &f)) {
    t->gone = 1;
    return 0;
  }
  switch (f.type) {
    case H2_SETTINGS:
      take_settings(t, &f);
      break;
    case H2_WINDOW_UPDATE:
      if (f.stream == 0) t->all += number(f.payload, 4);
      if (f.stream != 0 && f.stream == t->stream) t->window += number(f.payload, 4);
      break;
    case H2_RST_STREAM:
      if (f.stream == t->stream) t->reset = (int)number(f.payload, 4) + 1;
      break;
    case H2_DATA:
      take_data(t, &f);
      break;
    case H2_HEADERS:
      if (!support_h2_decode(t->h, &f, &r)) break;
      if (strcmp(r.method, "CONNECT") != 0 || t->stream != 0) {
        support_h2_answer(t->h, r.stream, 200, NULL, "hello");
      } else {
        t->request = r;
        t->stream = r.stream;
        t->window = t->first_window;
      }
      break;
    default:
      break;
  }
  return 1;
}

int support_h2_tunnel_await(support_h2_tunnel* t, support_peer* peer) {
  static const uint16_t id = kOffer;
  static const uint32_t value = 1;
  if (t->h == NULL) {
    t->h = support_h2_open_with(peer, &id, &value, 1);
    if (t->h == NULL) return 0;
    t->all = t->first_window = 65535;
  }
  free(t->in);
  t->in = NULL;
  t->size = 0;
  t->stream = t->ended = t->reset = 0;
  while (t->stream == 0)
    if (!support_h2_tunnel_turn(t)) return 0;
  return 1;
}

int support_h2_tunnel_open(support_h2_tunnel* t, support_peer* peer, const char* fields) {
  return support_h2_tunnel_await(t, peer) &&
         support_h2_head(t->h, t->stream, 200, fields, H2_END_HEADERS);
}

void support_h2_tunnel_close(support_h2_tunnel* t) {
  support_h2_close(t->h);
  free(t->in);
  memset(t, 0, sizeof *t);
}

int support_h2_tunnel_await_end(support_h2_tunnel* t) {
  while (!t->ended && t->reset == 0)
    if (!support_h2_tunnel_turn(t)) return 0;
  return 1;
}

void support_h2_tunnel_rest(support_h2_tunnel* t) {
  while (t->h != NULL && support_h2_tunnel_turn(t)) continue;
}

int support_h2_tunnel_send(support_h2_tunnel* t, const void* data, size_t size, int last) {
  const char* at = data;
  do {
    size_t n = size < 16384 ? size : 16384;
    while (size > 0 && (t->window <= 0 || t->all <= 0))
      if (t->reset != 0 || !support_h2_tunnel_turn(t)) return 0;
    if ((long long)n > t->window) n = (size_t)(t->window > 0 ? t->window : 0);
    if ((long long)n > t->all) n = (size_t)(t->all > 0 ? t->all : 0);
    size -= n;
    t->window -= (long long)n;
    t->all -= (long long)n;
    if (!support_h2_data(t->h, t->stream, at, n, last && size == 0)) return 0;
    at += n;
  } while (size > 0);
  return 1;
}

int support_h2_tunnel_take(support_h2_tunnel* t, void* into, size_t size) {
  while (t->size < size)
    if (t->ended || t->reset != 0 || !support_h2_tunnel_turn(t)) return 0;
  if (size == 0) return 1;
  memcpy(into, t->in, size);
  t->size -= size;
  memmove(t->in, t->in + size, t->size);
  return 1;
}

int support_h2_socket_send(support_h2_tunnel* t, int first, const void* data, size_t size) {
  unsigned char* frame = malloc(size + 10);
  if (frame == NULL) abort();
  const size_t head = support_websocket_head(frame, first, size);
  if (size > 0) memcpy(frame + head, data, size);
  const int sent = support_h2_tunnel_send(t, frame, head + size, 0);
  free(frame);
  return sent;
}

int support_h2_socket_take(support_h2_tunnel* t, unsigned char* payload, size_t capacity,
                           size_t* size) {
  unsigned char head[8], mask[4];
  if (!support_h2_tunnel_take(t, head, 2) || (head[1] & 0x80) == 0) return -1;
  const int first = head[0];
  unsigned long long length = head[1] & 0x7f;
  if (length >= 126) {
    const size_t bytes = length == 126 ? 2 : 8;
    if (!support_h2_tunnel_take(t, head, bytes)) return -1;
    length = 0;
    for (size_t i = 0; i < bytes; i++) length = length << 8 | head[i];
  }
  if (length >= capacity || !support_h2_tunnel_take(t, mask, 4) ||
      !support_h2_tunnel_take(t, payload, (size_t)length))
    return -1;
  for (size_t i = 0; i < length; i++) payload[i] ^= mask[i % 4];
  payload[length] = '\0';
  *size = (size_t)length;
  return first;
}
