/* What odd, broken and hostile servers send, and what becomes of it: one row an input, for strict
 * and for lenient reading. A test takes each whole, byte by byte and cut at every offset, with the
 * same verdict. */
#ifndef SUPPORT_HTTP_CORPUS_H
#define SUPPORT_HTTP_CORPUS_H

#include <stddef.h>

/* A verdict: the status, the body, and whether the connection may be kept ("200 ok keep"); or one
 * of these: it is no HTTP; or the connection was closed behind these bytes, inside a body or
 * before. */
#define REFUSED "refused"
#define CUT "truncated"
#define GONE "disconnected"

typedef struct support_http_input {
  const char* bytes;
  size_t size;
  const char* strict;
  const char* lenient; /* NULL: the same */
} support_http_input;

/* A head with these fields and what follows. */
#define H(fields, body) "HTTP/1.1 200 OK\r\n" fields "\r\n\r\n" body
#define CHUNKS(body) H("Transfer-Encoding: chunked", body)
#define ROW(bytes, strict, lenient) \
  { bytes, sizeof(bytes) - 1, strict, lenient }

static const support_http_input support_http_corpus[] = {
    /* Content-Length */
    ROW(H("Content-Length: 2", "ok"), "200 ok keep", NULL),
    ROW(H("Content-Length: 2\r\nContent-Length: 2", "ok"), REFUSED, "200 ok keep"),
    ROW(H("Content-Length: 2\r\nContent-Length: 3", "ok"), REFUSED, NULL),
    ROW(H("Content-Length: 2, 2", "ok"), REFUSED, "200 ok keep"),
    ROW(H("Content-Length: 2, 3", "ok"), REFUSED, NULL),
    ROW(H("Content-Length: +2", "ok"), REFUSED, NULL),
    ROW(H("Content-Length: -2", "ok"), REFUSED, NULL),
    ROW(H("Content-Length: 0x2", "ok"), REFUSED, NULL),
    ROW(H("Content-Length:", "ok"), REFUSED, NULL),
    ROW(H("Content-Length: 1 0", "ok"), REFUSED, NULL),
    ROW(H("Content-Length: 18446744073709551616", "ok"), REFUSED, NULL),
    ROW(H("Content-Length: 18446744073709551615", "ok"), REFUSED, NULL),
    ROW(H("Content-Length: 9223372036854775808", "ok"), REFUSED, NULL),
    ROW(H("Content-Length: 0002", "ok"), "200 ok keep", NULL),
    ROW(H("Content-Length:\t2\t", "ok"), "200 ok keep", NULL),
    ROW(H("Content-Length: 2\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), REFUSED, NULL),
    ROW(H("Transfer-Encoding: chunked\r\nContent-Length: 2", "0\r\n\r\n"), REFUSED, NULL),
    ROW(H("Content-Length: 2\r\nTransfer-Encoding: identity", "ok"), REFUSED, NULL),
    ROW(H("Transfer-Encoding: identity\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW(H("Content-Length-X: 0\r\nContent-Length: 2", "ok"), "200 ok keep", NULL),
    ROW(H("Content-Length-X: 0\r\nTransfer-Encoding: chunked", "2\r\nok\r\n0\r\n\r\n"),
        "200 ok keep", NULL),
    ROW(H("Content-Length: \r\nContent-Length: 2", "ok"), REFUSED, NULL),
    /* Transfer-Encoding */
    ROW(CHUNKS("2\r\nok\r\n0\r\n\r\n"), "200 ok keep", NULL),
    ROW(H("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), REFUSED, NULL),
    ROW(H("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"), REFUSED, NULL),
    ROW(H("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"), REFUSED, NULL),
    ROW(H("Transfer-Encoding: chunked, gzip", "0\r\n\r\n"), REFUSED, NULL),
    ROW(H("Transfer-Encoding: xchunked", "0\r\n\r\n"), REFUSED, NULL),
    ROW(H("Transfer-Encoding: chunkedchunked", "0\r\n\r\n"), REFUSED, NULL),
    ROW(H("Transfer-Encoding: chunked\t", "2\r\nok\r\n0\r\n\r\n"), "200 ok keep", NULL),
    ROW(H("Transfer-Encoding: \vchunked", "0\r\n\r\n"), REFUSED, NULL),
    ROW("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n",
        "200  close", NULL),
    ROW(H("Transfer-Encoding: CHUNKED", "2\r\nok\r\n0\r\n\r\n"), "200 ok keep", NULL),
    ROW(H("Transfer-Encoding: identity", "ok"), REFUSED, NULL),
    ROW(H("Transfer-Encoding: notchunked", "ok"), REFUSED, NULL),
    ROW(H("Transfer-Encoding: , ,", "ok"), REFUSED, NULL),
    ROW(H("Transfer-Encoding:", "ok"), REFUSED, NULL),
    ROW(H("Transfer-Encoding: chunked, identity", "0\r\n\r\n"), REFUSED, NULL),
    ROW(H("Transfer-Encoding: chunked;q=1", "0\r\n\r\n"), REFUSED, NULL),
    ROW(H("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", "0\r\n\r\n"), REFUSED, NULL),
    ROW(H("Transfer-Encoding: \"chunked\"", "0\r\n\r\n"), REFUSED, NULL),
    /* Names and colons */
    ROW(H("Content-Length : 2", "ok"), REFUSED, NULL),
    ROW(H("Transfer-Encoding : chunked", "0\r\n\r\n"), REFUSED, NULL),
    ROW(H("Connection : close\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW(H("Foo : a\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW(H("Foo\t: a\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW(H("F oo: a\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW(H("F\xe9: a\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW(H(": a\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW(H("Foo\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW(H("Foo\0: a\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW(H("Foo@: a\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW(H("X_Foo-1!#$%&\'*+.^`|~: a\r\nContent-Length: 2", "ok"), "200 ok keep", NULL),
    /* Folded lines: joined (RFC 9112, 5.2), but not where the framing is said */
    ROW(H("X: a\r\n b\r\nContent-Length: 2", "ok"), "200 ok keep", NULL),
    ROW(H("X: a\r\n\tb\r\nContent-Length: 2", "ok"), "200 ok keep", NULL),
    ROW(H("Transfer-Encoding: chunked\r\n b", "0\r\n\r\n"), REFUSED, NULL),
    ROW(H(" X: a\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW(H("Content-Length: 2\r\n 3", "ok"), REFUSED, NULL),
    ROW(H("Content-Length:\r\n 2", "ok"), REFUSED, "200 ok keep"),
    /* Line ends */
    ROW("HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok", REFUSED, "200 ok keep"),
    ROW("HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok", REFUSED, "200 ok keep"),
    ROW("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok", REFUSED, "200 ok keep"),
    ROW("HTTP/1.1 200 OK\nContent-Length: 2\n\nok", REFUSED, "200 ok keep"),
    ROW(H("Foo: a\rb\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW("HTTP/1.1 200 OK\rContent-Length: 2\r\n\r\nok", REFUSED, NULL),
    ROW("HTTP/1.1 200 OK\r\r\nContent-Length: 2\r\n\r\nok", REFUSED, NULL),
    ROW(H("Foo: a\r\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\rok", REFUSED, NULL),
    /* Values */
    ROW(H("Foo: a\0b\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW(H("Foo: \x01\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW(H("Foo: \x7f\r\nContent-Length: 2", "ok"), REFUSED, NULL),
    ROW(H("Foo: \x80\xff\r\nContent-Length: 2", "ok"), "200 ok keep", NULL),
    ROW(H("Foo: a\tb\r\nContent-Length: 2", "ok"), "200 ok keep", NULL),
    /* Status lines */
    ROW("HTTP/1.1 20 OK\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/1.1 2000 OK\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/1.1 2x0 OK\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/1.1  200 OK\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/1.1 099 OK\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/1.1 000 OK\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", "200 ok keep", NULL),
    ROW("HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", "200 ok keep", NULL),
    ROW("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "200 ok close", NULL),
    ROW("HTTP/2.0 200 OK\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/0.9 200 OK\r\n\r\n", REFUSED, NULL),
    ROW("RTSP/1.0 200 OK\r\n\r\n", REFUSED, NULL),
    ROW("ICE/1.0 200 OK\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/1.2 200 OK\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/3.0 200 OK\r\n\r\n", REFUSED, NULL),
    ROW("http/1.1 200 OK\r\n\r\n", REFUSED, NULL),
    ROW("ICY 200 OK\r\n\r\n", REFUSED, NULL),
    ROW("\x80\x81 garbage", REFUSED, NULL),
    ROW("<html><body>hello</body></html>", REFUSED, NULL),
    ROW("\r\n" H("Content-Length: 2", "ok"), "200 ok keep", NULL),
    ROW("\r\n\r\n" H("Content-Length: 2", "ok"), "200 ok keep", NULL),
    ROW("\r\n\r\n\r\n" H("Content-Length: 2", "ok"), REFUSED, NULL),
    ROW("\x15\x03\x01\x00\x02\x02\x46", REFUSED, NULL),
    ROW("\0\0\x12\x04\0\0\0\0\0", REFUSED, NULL),
    ROW("HTTP/1.1 200OK\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/1.1 +20 OK\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/1.1\t200 OK\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/1.10 200 OK\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/11 200 OK\r\n\r\n", REFUSED, NULL),
    ROW(" HTTP/1.1 200 OK\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/1.1 200 O\0K\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/1.1 200 O\x01K\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/1.1 200 \xc3\xa4\tb\r\nContent-Length: 2\r\n\r\nok", "200 ok keep", NULL),
    ROW("HTTP/1.1 200  O K \r\nContent-Length: 2\r\n\r\nok", "200 ok keep", NULL),
    ROW("HTTP/1.1 2\r\n\r\n", REFUSED, NULL),
    ROW("HTTPER/1.1 200 OK\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/1.1 200 OK\r\n\rX: y\r\n\r\n", REFUSED, NULL),
    /* Chunks */
    ROW(CHUNKS("2 \r\nok\r\n0\r\n\r\n"), REFUSED, "200 ok keep"),
    ROW(CHUNKS("2 ;a=b\r\nok\r\n0\r\n\r\n"), REFUSED, "200 ok keep"),
    ROW(CHUNKS(" 2\r\nok\r\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("0x2\r\nok\r\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("+2\r\nok\r\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("-2\r\nok\r\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("0_2e\r\nok\r\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("\r\nok\r\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("10000000000000000\r\nok"), REFUSED, NULL),
    ROW(CHUNKS("8000000000000000\r\nok"), REFUSED, NULL),
    ROW(CHUNKS("0000000000000002\r\nok\r\n0\r\n\r\n"), "200 ok keep", NULL),
    ROW(CHUNKS("00000000000000002\r\nok\r\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2\nok\r\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2\r\nok\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2;a=b\nok\r\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2\r\nokay\r\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2\rok\r\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2;a=b;c=\"d e\"\r\nok\r\n0\r\n\r\n"), "200 ok keep", NULL),
    ROW(CHUNKS("2;a=b;c=d\r\nok\r\n0\r\n\r\n"), "200 ok keep", NULL),
    ROW(CHUNKS("2;a=\"b;\\\"c\"\r\nok\r\n0\r\n\r\n"), "200 ok keep", NULL),
    ROW(CHUNKS("2; a=b\r\nok\r\n0\r\n\r\n"), "200 ok keep", NULL),
    ROW(CHUNKS("2;\r\nok\r\n0\r\n\r\n"), "200 ok keep", NULL),
    ROW(CHUNKS("2;a=\0\r\nok\r\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2;a=\x01\r\nok\r\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2;a=b\rc\r\nok\r\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2\r\nok\r\n00\r\n\r\n"), "200 ok keep", NULL),
    ROW(CHUNKS("2\r\nok0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2 a=b\r\nok\r\n0\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2;a=\"b;c\r\nok\r\n0\r\n\r\n"), "200 ok keep", NULL),
    ROW(CHUNKS("2;a=b\r\nok\r\n0;c=d\r\n\r\n"), "200 ok keep", NULL),
    /* Trailers */
    ROW(CHUNKS("2\r\nok\r\n0\r\nX: y\r\n\r\n"), "200 ok keep", NULL),
    ROW(CHUNKS("2\r\nok\r\n0\r\nContent-Length: 2\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2\r\nok\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2\r\nok\r\n0\r\nConnection: close\r\n\r\n"), "200 ok keep", NULL),
    ROW(CHUNKS("2\r\nok\r\n0\r\nX y: z\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2\r\nok\r\n0\r\nX : z\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2\r\nok\r\n0\r\nX\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2\r\nok\r\n0\r\n X: z\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2\r\nok\r\n0\r\nX: a\0b\r\n\r\n"), REFUSED, NULL),
    ROW(CHUNKS("2\r\nok\r\n0\r\n\rX"), REFUSED, NULL),
    /* No body, whatever the fields say */
    ROW("HTTP/1.1 204 X\r\nContent-Length: 2\r\n\r\n", "204  keep", NULL),
    ROW("HTTP/1.1 304 X\r\nContent-Length: 2\r\n\r\n", "304  keep", NULL),
    ROW("HTTP/1.1 104 X\r\nContent-Length: 2\r\n\r\n" H("Content-Length: 2", "ok"), "200 ok keep",
        NULL),
    ROW("HTTP/1.1 205 X\r\n\r\n", "205  close", NULL),
    ROW("HTTP/1.1 100 X\r\n\r\nbody" H("Content-Length: 2", "ok"), REFUSED, NULL),
    ROW("HTTP/1.1 100 X\r\n\r\n\r\n" H("Content-Length: 2", "ok"), "200 ok keep", NULL),
    ROW("HTTP/1.1 101 X\r\n\r\n", REFUSED, NULL),
    ROW("HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", REFUSED, NULL),
    ROW(H("Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 2", "ok"), "200 ok keep", NULL),
    ROW("HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n", "204  keep", NULL),
    ROW("HTTP/1.1 304 X\r\nTransfer-Encoding: chunked\r\n\r\n", "304  keep", NULL),
    ROW("HTTP/1.1 102 X\r\nTransfer-Encoding: chunked\r\n\r\n" H("Content-Length: 2", "ok"),
        "200 ok keep", NULL),
    ROW("HTTP/1.1 205 X\r\nContent-Length: 0\r\n\r\n", "205  keep", NULL),
    ROW("HTTP/1.1 103 Hints\r\nContent-Length: 2\r\nLink: </x>\r\n\r\n" CHUNKS(
            "2\r\nok\r\n0\r\n\r\n"),
        "200 ok keep", NULL),
    ROW("HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nok",
        REFUSED, NULL),
    /* What follows; how a connection is left */
    ROW(H("Connection: close\r\nContent-Length: 2", "okand more"), "200 ok close", NULL),
    ROW(H("Content-Length: 2", "okHTTP/1.1 200 OK\r\n"), "200 ok keep", NULL),
    ROW(H("Proxy-Connection: close\r\nContent-Length: 2", "ok"), "200 ok close", NULL),
    ROW(H("Connection: keep-alive\r\nConnection: Close\r\nContent-Length: 2", "ok"), "200 ok close",
        NULL),
    ROW("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", "200 ok keep",
        NULL),
    ROW("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nHTTP/1.0 200 OK",
        "200 HTTP/1.0 200 OK close", NULL),
    ROW("HTTP/1.1 204 X\r\nConnection: close\r\n\r\n" H("Content-Length: 2", "ok"), "204  close",
        NULL),
    /* Truncation */
    ROW("", GONE, NULL),
    ROW("HTTP/1.1 200 OK\r\nConte", GONE, NULL),
    ROW(H("Content-Length: 3", "ok"), CUT, NULL),
    ROW(CHUNKS("3\r\nok"), CUT, NULL),
    ROW(CHUNKS("2\r\nok\r\n"), CUT, NULL),
    ROW(CHUNKS("2\r\nok\r\n0\r\n"), CUT, NULL),
    ROW(H("Foo: a", "ok"), "200 ok close", NULL),
};

#undef ROW
#undef CHUNKS
#undef H

#define SUPPORT_HTTP_CORPUS_SIZE (sizeof support_http_corpus / sizeof *support_http_corpus)

#endif
