#include "websocket.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int support_websocket_answer_of(const support_peer* peer, char accept[32]) {
  static const char name[] = "\r\nSec-WebSocket-Key: ";
  const char* key = strstr(support_received(peer), name);
  char text[128];
  unsigned char digest[SHA_DIGEST_LENGTH];
  if (key == NULL) return 0;
  key += sizeof name - 1;
  const char* end = strstr(key, "\r\n");
  if (end == NULL || end - key > 60) return 0;
  const int size = snprintf(text, sizeof text, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
                            (int)(end - key), key);
  SHA1((const unsigned char*)text, (size_t)size, digest);
  EVP_EncodeBlock((unsigned char*)accept, digest, sizeof digest);
  return 1;
}

int support_websocket_accept(support_peer* peer, const char* more, const void* behind,
                             size_t size) {
  char accept[32];
  if (!support_expect_request(peer) || !support_websocket_answer_of(peer, accept)) return 0;
  char* answer = malloc(4096 + size);
  const int head = snprintf(answer, 4096,
                            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n"
                            "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
                            accept, more);
  if (size > 0) memcpy(answer + head, behind, size);
  const int sent = support_send(peer, answer, (size_t)head + size);
  free(answer);
  return sent;
}

size_t support_websocket_head(unsigned char head[10], int first, size_t size) {
  size_t used = 2;
  head[0] = (unsigned char)first;
  if (size < 126) {
    head[1] = (unsigned char)size;
    return used;
  }
  const int bytes = size < 65536 ? 2 : 8;
  head[1] = bytes == 2 ? 126 : 127;
  for (int i = bytes - 1; i >= 0; i--)
    head[used++] = (unsigned char)((unsigned long long)size >> 8 * i);
  return used;
}

int support_websocket_send(support_peer* peer, int first, const void* data, size_t size) {
  unsigned char* frame = malloc(size + 10);
  const size_t head = support_websocket_head(frame, first, size);
  if (size > 0) memcpy(frame + head, data, size);
  const int sent = support_send(peer, frame, head + size);
  free(frame);
  return sent;
}

int support_websocket_take(support_peer* peer, unsigned char* payload, size_t capacity,
                           size_t* size) {
  unsigned char mask[4];
  if (!support_expect_bytes(peer, 2)) return -1;
  const unsigned char first = (unsigned char)support_received(peer)[0];
  const unsigned char second = (unsigned char)support_received(peer)[1];
  unsigned long long length = second & 0x7f;
  if ((second & 0x80) == 0) return -1;
  if (length >= 126) {
    const size_t bytes = length == 126 ? 2 : 8;
    if (!support_expect_bytes(peer, bytes)) return -1;
    length = 0;
    for (size_t i = 0; i < bytes; i++)
      length = length << 8 | (unsigned char)support_received(peer)[i];
  }
  if (length >= capacity || !support_expect_bytes(peer, 4)) return -1;
  memcpy(mask, support_received(peer), 4);
  if (length > 0 && !support_expect_bytes(peer, (size_t)length)) return -1;
  for (size_t i = 0; i < length; i++)
    payload[i] = (unsigned char)support_received(peer)[i] ^ mask[i % 4];
  payload[length] = '\0';
  *size = (size_t)length;
  return first;
}
