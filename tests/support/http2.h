/* HTTP/2 frame by frame, in the scripts of a hostile server (hostile.h): a test reads the frames
 * that the client sends, and sends any frames it likes, right or wrong. Header blocks are coded by
 * nghttp2.
 *
 *   static void script(support_peer* peer, void* user) {
 *     support_h2* h = support_h2_open(peer);
 *     support_h2_request r;
 *     while (support_h2_next_request(h, &r)) support_h2_answer(h, r.stream, 200, NULL, "hello");
 *     support_h2_close(h);
 *   }
 */
#ifndef SUPPORT_HTTP2_H
#define SUPPORT_HTTP2_H

#include <stddef.h>
#include <stdint.h>

#include "hostile.h"

typedef struct support_h2 support_h2;

enum {
  H2_DATA = 0,
  H2_HEADERS = 1,
  H2_RST_STREAM = 3,
  H2_SETTINGS = 4,
  H2_PUSH_PROMISE = 5,
  H2_PING = 6,
  H2_GOAWAY = 7,
  H2_WINDOW_UPDATE = 8,
  H2_CONTINUATION = 9
};
enum { H2_END_STREAM = 1, H2_ACK = 1, H2_END_HEADERS = 4 };

typedef struct support_h2_frame {
  int type;
  int flags;
  int stream;
  const unsigned char* payload; /* until the next one is read */
  size_t size;
} support_h2_frame;

typedef struct support_h2_request {
  int stream;
  int ended; /* no body follows */
  char method[32];
  char path[512];
  char authority[256];
  char fields[8192]; /* "name: value\n" of all of them, pseudo ones too */
} support_h2_request;

/* Takes the preface, and sends SETTINGS with these (or none). NULL if the client has gone. */
support_h2* support_h2_open(support_peer* peer);
support_h2* support_h2_open_with(support_peer* peer, const uint16_t* ids, const uint32_t* values,
                                 size_t count);
void support_h2_close(support_h2* h); /* NULL is harmless */

/* The next frame. SETTINGS and PING are answered before it is given. 0: the client has gone. */
int support_h2_next(support_h2* h, support_h2_frame* frame);
/* Frames are read over until one of that type comes, for that stream (-1: any). */
int support_h2_await(support_h2* h, int type, int stream, support_h2_frame* frame);
/* The same: HEADERS, decoded and counted. */
int support_h2_next_request(support_h2* h, support_h2_request* request);
/* Of a frame HEADERS that support_h2_next gave. */
int support_h2_decode(support_h2* h, const support_h2_frame* frame, support_h2_request* request);

int support_h2_send(support_h2* h, int type, int flags, int stream, const void* payload,
                    size_t size);
int support_h2_raw(support_h2* h, const void* bytes, size_t size); /* as they are */
/* HEADERS: fields is "name: value\n..." or NULL; status 0: none. */
int support_h2_head(support_h2* h, int stream, int status, const char* fields, int flags);
int support_h2_data(support_h2* h, int stream, const void* data, size_t size, int last);
/* A whole answer. */
int support_h2_answer(support_h2* h, int stream, int status, const char* fields, const char* body);
int support_h2_reset(support_h2* h, int stream, uint32_t code);
int support_h2_goaway(support_h2* h, int last_stream, uint32_t code);
int support_h2_window(support_h2* h, int stream, uint32_t more);
int support_h2_setting(support_h2* h, uint16_t id, uint32_t value);

/* A ready-made script: /hello (text), /echo (the body), /status/<n>, /bytes/<n> (that many 'x', as
 * the window allows). */
void support_script_h2(support_peer* peer, void* user);

#endif
