/* An nginx of one's own, by HTTP and HTTPS, with a private certificate authority (tls.h).
 *
 * It serves /small (1 KiB of text), /middle (64 KiB of zeros), /big (64 MiB of them, from a sparse
 * file) and the files of a folder of the caller's. The certificate of the HTTPS port names
 * localhost; a third port speaks HTTP/2 without TLS; two more have one for another name, and one
 * that has expired. */
#ifndef SUPPORT_NGINX_H
#define SUPPORT_NGINX_H

#include <sys/types.h>

typedef struct support_nginx support_nginx;

typedef struct support_nginx_options {
  const char* root; /* the folder to serve; NULL: an empty one */
  /* More configuration, or NULL: lines of the main server block (locations), of the http block
   * (servers). Relative paths are those of the folder of ca.pem and its sisters. */
  const char* server_config;
  const char* http_config;
  int http2;   /* offered by ALPN on the HTTPS port */
  int workers; /* processes; 0: one */
} support_nginx_options;

/* Accepts connections when it returns. options: NULL for the defaults. */
support_nginx* support_nginx_start(const support_nginx_options* options);

/* Ends it with all its connections, and removes its folder. NULL is harmless. */
void support_nginx_stop(support_nginx* server);

/* Without a slash at the end: "http://127.0.0.1:<port>", "https://localhost:<port>". */
const char* support_nginx_http_url(const support_nginx* server);
const char* support_nginx_https_url(const support_nginx* server);
const char* support_nginx_http2_url(const support_nginx* server);
const char* support_nginx_wrong_name_url(const support_nginx* server);
const char* support_nginx_expired_url(const support_nginx* server);
int support_nginx_http_port(const support_nginx* server);
int support_nginx_https_port(const support_nginx* server);

/* PEM files: the authority, and a client's certificate and key that it signed. */
const char* support_nginx_ca_file(const support_nginx* server);
const char* support_nginx_client_cert_file(const support_nginx* server);
const char* support_nginx_client_key_file(const support_nginx* server);

/* The server and its workers stand still: connections are accepted by the kernel, nobody answers.
 */
void support_nginx_freeze(support_nginx* server);
void support_nginx_thaw(support_nginx* server);

#endif
