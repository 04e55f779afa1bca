/* Servers that speak TLS, by OpenSSL, with the certificate of support/tls.h: scripts of
 * support/hostile.h begin with SSL_new(tls) and SSL_set_fd. */
#ifndef CAPI_HTTP_TLS_PEER_H
#define CAPI_HTTP_TLS_PEER_H

#include <openssl/ssl.h>
#include <signal.h>

#include "http_test.h"
#include "support/tls.h"

static SSL_CTX* tls;
static char* folder;
static char ca_path[512];

/* Of a group of tests. */
static inline int make_tls(void** state) {
  char path[512];
  (void)state;
  signal(SIGPIPE, SIG_IGN); /* OpenSSL's own sockets raise it */
  folder = support_folder_make((uid_t)-1, (gid_t)-1);
  if (folder == NULL || support_tls_make(folder, support_plain_user()) != 0) return -1;
  snprintf(ca_path, sizeof ca_path, "%s/ca.pem", folder);
  tls = SSL_CTX_new(TLS_server_method());
  snprintf(path, sizeof path, "%s/server.pem", folder);
  if (SSL_CTX_use_certificate_chain_file(tls, path) != 1) return -1;
  snprintf(path, sizeof path, "%s/server.key", folder);
  return SSL_CTX_use_PrivateKey_file(tls, path, SSL_FILETYPE_PEM) == 1 ? 0 : -1;
}
static inline int free_tls(void** state) {
  (void)state;
  SSL_CTX_free(tls);
  support_folder_remove(folder);
  free(folder);
  return 0;
}

/* Reads up to the empty line; 0 at the end. */
static inline int ssl_head(SSL* ssl, char* head, int capacity) {
  int size = 0;
  while (size < capacity - 1) {
    const int n = SSL_read(ssl, head + size, 1);
    if (n <= 0) return 0;
    size += n;
    head[size] = '\0';
    if (size >= 4 && strcmp(head + size - 4, "\r\n\r\n") == 0) return size;
  }
  return 0;
}

/* Answers one request, whatever it is, and says that this was all if it is to `notify`. */
static inline void answer_by_tls(support_peer* peer, const char* answer, int notify) {
  SSL* ssl = SSL_new(tls);
  char head[4096];
  SSL_set_fd(ssl, support_peer_fd(peer));
  if (SSL_accept(ssl) == 1 && ssl_head(ssl, head, sizeof head) > 0) {
    SSL_write(ssl, answer, (int)strlen(answer));
    if (notify) SSL_shutdown(ssl);
  }
  SSL_free(ssl);
}

#endif
