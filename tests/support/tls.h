/* A private certificate authority and what it has signed, as PEM files in a folder:
 *
 *   ca.pem                      the authority, to be trusted by clients
 *   server.pem  server.key      for localhost, *.localhost, 127.0.0.1, ::1 and bücher.example
 *   wrong.pem   wrong.key       for wrong.example only
 *   expired.pem expired.key     as server.pem, but its time ran out an hour ago
 *   client.pem  client.key      for a client that shows who it is
 */
#ifndef SUPPORT_TLS_H
#define SUPPORT_TLS_H

#include "process.h"

/* Makes them all, the keys readable by `user` only; 0 or -1. */
int support_tls_make(const char* folder, support_user user);

#endif
