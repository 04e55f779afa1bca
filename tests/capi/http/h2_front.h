/* TLS in front of two servers that have none: which of them is there says ALPN. */
#ifndef CAPI_HTTP_H2_FRONT_H
#define CAPI_HTTP_H2_FRONT_H

#include "proxies.h"

/* What is behind the TLS, by the protocol that was chosen. */
static support_hostile *by_2, *by_1;

/* For SSL_CTX_set_alpn_select_cb; user: what the server speaks, as ALPN has it, the best first. */
static inline int prefer(SSL* ssl, const unsigned char** out, unsigned char* size,
                         const unsigned char* in, unsigned int in_size, void* user) {
  (void)ssl;
  return SSL_select_next_proto((unsigned char**)out, size, user, (unsigned)strlen(user), in,
                               in_size) == OPENSSL_NPN_NEGOTIATED
             ? SSL_TLSEXT_ERR_OK
             : SSL_TLSEXT_ERR_NOACK;
}

/* To one of two servers. */
static inline void in_front_of(support_peer* peer, support_hostile* of_2, support_hostile* of_1) {
  const unsigned char* chosen = NULL;
  unsigned int size = 0;
  SSL* ssl = SSL_new(tls);
  SSL_set_fd(ssl, support_peer_fd(peer));
  if (SSL_accept(ssl) == 1) {
    SSL_get0_alpn_selected(ssl, &chosen, &size);
    relay_tls(ssl, support_peer_fd(peer), support_hostile_port(size == 2 ? of_2 : of_1));
  }
  SSL_free(ssl);
}

static inline void by_alpn(support_peer* peer, void* user) {
  (void)user;
  in_front_of(peer, by_2, by_1);
}

#endif
