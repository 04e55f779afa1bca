/* creche_tls: whom to trust, who the client is, versions, names, pins, lists; and that no
 * connection made with other settings is ever used. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http_test.h"
#include "support/tls.h"

static char* folder;
static char url[64];
static SSL_CTX* tls; /* the server's: made anew by each test */
static support_hostile* server;
static atomic_int offered;

static const char* path(const char* name) {
  static char paths[8][512];
  static int next_path;
  char* const made = paths[next_path++ % 8];
  snprintf(made, sizeof paths[0], "%s/%s", folder, name);
  return made;
}

/* Tells of the handshake what the client has said. */
static void serve(support_peer* peer, void* user) {
  SSL* ssl = SSL_new(tls);
  char head[4096], body[512], subject[128] = "none";
  (void)user;
  SSL_set_fd(ssl, support_peer_fd(peer));
  if (SSL_accept(ssl) == 1) {
    while (SSL_read(ssl, head, sizeof head) > 0) {
      const unsigned char* alpn = NULL;
      unsigned alpn_size = 0;
      X509* client = SSL_get1_peer_certificate(ssl);
      const char* sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
      if (client != NULL)
        X509_NAME_get_text_by_NID(X509_get_subject_name(client), NID_commonName, subject,
                                  sizeof subject);
      X509_free(client);
      SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
      support_count_request(peer);
      const int size = snprintf(body, sizeof body, "sni=%s client=%s alpn=%.*s %s",
                                sni != NULL ? sni : "none", subject, (int)alpn_size,
                                alpn != NULL ? (const char*)alpn : "", SSL_get_version(ssl));
      const int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s",
                             size, body);
      SSL_write(ssl, head, n);
    }
  }
  SSL_free(ssl);
}

static int take_alpn(SSL* ssl, const unsigned char** out, unsigned char* size,
                     const unsigned char* in, unsigned in_size, void* arg) {
  (void)ssl;
  (void)arg;
  static const unsigned char ours[] = "\x08http/1.1";
  return SSL_select_next_proto((unsigned char**)(uintptr_t)out, size, ours, 9, in, in_size) ==
                 OPENSSL_NPN_NEGOTIATED
             ? SSL_TLSEXT_ERR_OK
             : SSL_TLSEXT_ERR_NOACK;
}

static int offers(SSL* ssl, int* alert, void* arg) {
  const unsigned char* data;
  size_t size;
  (void)alert;
  (void)arg;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &data, &size) == 1)
    atomic_fetch_add(&offered, 1);
  return SSL_CLIENT_HELLO_SUCCESS;
}

static void start_server(const char* certificate) {
  char name[64];
  tls = SSL_CTX_new(TLS_server_method());
  snprintf(name, sizeof name, "%s.pem", certificate);
  assert_int_equal(SSL_CTX_use_certificate_chain_file(tls, path(name)), 1);
  snprintf(name, sizeof name, "%s.key", certificate);
  assert_int_equal(SSL_CTX_use_PrivateKey_file(tls, path(name), SSL_FILETYPE_PEM), 1);
  SSL_CTX_set_alpn_select_cb(tls, take_alpn, NULL);
  SSL_CTX_set_client_hello_cb(tls, offers, NULL);
  atomic_store(&offered, 0);
  server = support_hostile_start(serve, NULL);
  snprintf(url, sizeof url, "https://localhost:%d/", support_hostile_port(server));
}
static void stop_server(void) {
  creche_session_release(web); /* its kept connections are what the server waits for */
  support_hostile_stop(server);
  SSL_CTX_free(tls);
}

static int make_folder(void** state) {
  (void)state;
  signal(SIGPIPE, SIG_IGN); /* OpenSSL's own sockets raise it */
  folder = support_folder_make((uid_t)-1, (gid_t)-1);
  return folder == NULL ? -1 : support_tls_make(folder, support_plain_user());
}
static int remove_folder(void** state) {
  (void)state;
  support_folder_remove(folder);
  free(folder);
  return 0;
}

static char* read_file(const char* name, size_t* size) {
  FILE* file = fopen(name, "re");
  assert_non_null(file);
  char* bytes = malloc(1 << 20);
  *size = fread(bytes, 1, (1 << 20) - 1, file);
  bytes[*size] = '\0';
  fclose(file);
  return bytes;
}
static void write_file(const char* name, const void* bytes, size_t size) {
  FILE* file = fopen(name, "we");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  fclose(file);
}
static X509* read_certificate(const char* name) {
  FILE* file = fopen(path(name), "re");
  X509* certificate = PEM_read_X509(file, NULL, NULL, NULL);
  fclose(file);
  assert_non_null(certificate);
  return certificate;
}
static EVP_PKEY* read_key(const char* name) {
  FILE* file = fopen(path(name), "re");
  EVP_PKEY* key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
  fclose(file);
  assert_non_null(key);
  return key;
}

static creche_tls_options tls_options(void) {
  creche_tls_options o;
  OK(creche_tls_options_init(&o, sizeof o));
  return o;
}
/* That trust our authority. */
static creche_tls_options trusting(void) {
  creche_tls_options o = tls_options();
  o.ca_file = path("ca.pem");
  return o;
}
static creche_tls open_tls(const creche_tls_options* o) {
  creche_tls made;
  OK(creche_tls_open(o, &made));
  return made;
}
static void refused(const creche_tls_options* o, creche_status status, const char* part) {
  creche_tls made = {1};
  IS(creche_tls_open(o, &made), status);
  assert_true(made.id == 0);
  last_error_says(part);
}

/* By a session with these settings. */
static creche_completion fetch_with(const creche_tls_options* o) {
  creche_session_options so = session_options();
  so.tls = open_tls(o);
  use_session(&so);
  creche_tls_release(so.tls); /* the session keeps them */
  return fetch(url, NULL);
}
static void works(const creche_tls_options* o, const char* part) {
  creche_completion c = fetch_with(o);
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  if (strstr(c.data, part) == NULL) fail_msg("\"%s\" is not in \"%s\"", part, (const char*)c.data);
  drop(c);
}
static void fails(const creche_tls_options* o, creche_status status, int32_t verify,
                  const char* part) {
  const int before = support_hostile_requests(server);
  creche_completion c = fetch_with(o);
  if (c.status != status || strstr(c.error->message, part) == NULL)
    fail_msg("%s: %s", creche_status_name(c.status), creche_error_message(c.error));
  assert_int_equal(c.error->tls_verify, verify);
  drop(c);
  assert_int_equal(support_hostile_requests(server), before); /* nothing was asked */
}

/* ---- Whom to trust ---- */

static void trusted(void** state) {
  (void)state;
  size_t size = 0;
  start_server("server");
  creche_tls_options o = tls_options();
  fails(&o, CRECHE_E_TLS_VERIFY, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "issuer");
  o = trusting();
  works(&o, "sni=localhost client=none alpn=http/1.1");
  char* bytes = read_file(path("ca.pem"), &size);
  o = tls_options();
  o.ca_data = bytes;
  o.ca_size = size;
  works(&o, "");
  free(bytes);
  /* The same in DER. */
  X509* ca = read_certificate("ca.pem");
  unsigned char* der = NULL;
  o.ca_size = (size_t)i2d_X509(ca, &der);
  o.ca_data = der;
  works(&o, "");
  OPENSSL_free(der);
  X509_free(ca);
  /* A folder: whatever its files are called. */
  o = tls_options();
  o.ca_folder = folder;
  works(&o, "");
  /* The server's own. */
  o = tls_options();
  o.ca_file = path("server.pem");
  works(&o, "");
  o.ca_file = path("client.pem");
  fails(&o, CRECHE_E_TLS_VERIFY, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "issuer");
  o.flags = CRECHE_TLS_INSECURE;
  works(&o, "");
  o = trusting();
  o.flags = CRECHE_TLS_SYSTEM_CAS;
  works(&o, "");
  stop_server();
}

static void what_does_not_hold_what_it_should(void** state) {
  (void)state;
  creche_tls_options o = tls_options();
  o.ca_file = "/nowhere/ca.pem";
  refused(&o, CRECHE_E_SYSTEM, "/nowhere/ca.pem");
  o.ca_file = path("server.key");
  refused(&o, CRECHE_E_TLS, "no certificate");
  o = tls_options();
  o.ca_folder = "/nowhere";
  refused(&o, CRECHE_E_SYSTEM, "/nowhere");
  o.ca_folder = "/proc/self/task";
  refused(&o, CRECHE_E_TLS, "no certificate");
  o = tls_options();
  o.ca_data = "x";
  o.ca_size = 1;
  refused(&o, CRECHE_E_TLS, "no certificate");
  o = trusting();
  o.crl_file = path("ca.pem");
  refused(&o, CRECHE_E_TLS, "no list");
  o = trusting();
  o.cert_file = path("client.pem");
  refused(&o, CRECHE_E_TLS, "no private key");
  o.key_file = path("server.key");
  refused(&o, CRECHE_E_TLS, "not the key");
  o.key_file = "/nowhere/key";
  refused(&o, CRECHE_E_SYSTEM, "/nowhere/key");
  o = trusting();
  o.ciphers = "NONSENSE";
  refused(&o, CRECHE_E_TLS, "ciphers");
  o = trusting();
  o.ciphersuites = "NONSENSE";
  refused(&o, CRECHE_E_TLS, "ciphersuites");
  o = trusting();
  o.key_log_file = "/nowhere/log";
  refused(&o, CRECHE_E_SYSTEM, "/nowhere/log");
}

/* ---- Who the client is ---- */

static void client_certificates(void** state) {
  (void)state;
  size_t cert_size = 0, key_size = 0;
  start_server("server");
  SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  assert_int_equal(SSL_CTX_load_verify_file(tls, path("ca.pem")), 1);
  SSL_CTX_set_max_proto_version(tls, TLS1_2_VERSION); /* else it fails behind the handshake */
  creche_tls_options o = trusting();
  fails(&o, CRECHE_E_TLS, 0, "client certificate");
  o.cert_file = path("client.pem");
  o.key_file = path("client.key");
  works(&o, "client=test client");
  SSL_CTX_set_max_proto_version(tls, TLS1_3_VERSION);
  works(&o, "client=test client");
  char* cert = read_file(path("client.pem"), &cert_size);
  char* key = read_file(path("client.key"), &key_size);
  o.cert_file = o.key_file = NULL;
  o.cert_data = cert;
  o.cert_size = cert_size;
  o.key_data = key;
  o.key_size = key_size;
  works(&o, "client=test client");
  /* Both in one. */
  char* both = malloc(cert_size + key_size);
  memcpy(both, key, key_size);
  memcpy(both + key_size, cert, cert_size);
  write_file(path("both.pem"), both, cert_size + key_size);
  o = trusting();
  o.cert_file = path("both.pem");
  works(&o, "client=test client");
  /* Encrypted. */
  EVP_PKEY* pkey = read_key("client.key");
  FILE* file = fopen(path("secret.key"), "we");
  assert_int_equal(
      PEM_write_PKCS8PrivateKey(file, pkey, EVP_aes_256_cbc(), "sesame", 6, NULL, NULL), 1);
  fclose(file);
  EVP_PKEY_free(pkey);
  o.cert_file = path("client.pem");
  o.key_file = path("secret.key");
  o.key_password = "sesame";
  works(&o, "client=test client");
  o.key_password = "wrong";
  refused(&o, CRECHE_E_TLS, "key_password");
  o.key_password = NULL;
  refused(&o, CRECHE_E_TLS, "key_password");
  free(both);
  free(cert);
  free(key);
  stop_server();
}

/* ---- Versions, ciphers, names ---- */

static creche_response_info info_of(creche_completion c) {
  creche_response_info info;
  OK(creche_response_get_info((creche_response){c.value}, &info, sizeof info));
  return info;
}

static void versions_and_ciphers(void** state) {
  (void)state;
  char peer[64];
  start_server("server");
  snprintf(peer, sizeof peer, ":%d", support_hostile_port(server));
  creche_tls_options o = trusting();
  creche_completion c = fetch_with(&o);
  creche_response_info info = info_of(c);
  assert_string_equal(info.tls_version, "TLSv1.3");
  assert_true(strncmp(info.tls_cipher, "TLS_", 4) == 0);
  assert_non_null(strstr(info.peer, peer));
  assert_int_equal(info.tls, 1);
  drop(c);
  o.max_version = CRECHE_TLS_1_2;
  o.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305";
  c = fetch_with(&o);
  info = info_of(c);
  assert_string_equal(info.tls_version, "TLSv1.2");
  assert_string_equal(info.tls_cipher, "ECDHE-ECDSA-CHACHA20-POLY1305");
  drop(c);
  o = trusting();
  o.min_version = CRECHE_TLS_1_3;
  o.ciphersuites = "TLS_AES_128_GCM_SHA256";
  c = fetch_with(&o);
  assert_string_equal(info_of(c).tls_cipher, "TLS_AES_128_GCM_SHA256");
  drop(c);
  SSL_CTX_set_max_proto_version(tls, TLS1_2_VERSION);
  fails(&o, CRECHE_E_TLS, 0, "version");
  o = trusting();
  o.flags = CRECHE_TLS_NO_ALPN;
  works(&o, "alpn= ");
  stop_server();
}

static void other_names(void** state) {
  (void)state;
  start_server("wrong");
  creche_tls_options o = trusting();
  fails(&o, CRECHE_E_TLS_VERIFY, X509_V_ERR_HOSTNAME_MISMATCH, "another host");
  o.server_name = "wrong.example";
  works(&o, "sni=wrong.example ");
  o.server_name = "other.example";
  fails(&o, CRECHE_E_TLS_VERIFY, X509_V_ERR_HOSTNAME_MISMATCH, "another host");
  stop_server();
  start_server("server");
  snprintf(url, sizeof url, "https://127.0.0.1:%d/", support_hostile_port(server));
  o.server_name = NULL;
  works(&o, "sni=none ");
  o.server_name = "localhost";
  works(&o, "sni=localhost ");
  stop_server();
}

/* ---- Pins ---- */

static void pins_of(const char* certificate, char key[64], char whole[128]) {
  unsigned char digest[32], *der = NULL;
  unsigned n = 0;
  X509* x509 = read_certificate(certificate);
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
  assert_int_equal(EVP_Digest(der, (size_t)size, digest, &n, EVP_sha256(), NULL), 1);
  OPENSSL_free(der);
  strcpy(key, "sha256//");
  EVP_EncodeBlock((unsigned char*)key + 8, digest, 32);
  assert_int_equal(X509_digest(x509, EVP_sha256(), digest, &n), 1);
  strcpy(whole, "cert-sha256:");
  for (int i = 0; i < 32; i++) sprintf(whole + strlen(whole), i % 2 ? "%02X:" : "%02x", digest[i]);
  whole[strlen(whole) - 1] = '\0';
  X509_free(x509);
}

static void pinned(void** state) {
  (void)state;
  char key[64], whole[128], other_key[64], other[128];
  pins_of("server.pem", key, whole);
  pins_of("client.pem", other_key, other);
  start_server("server");
  const char* pins[] = {other, key};
  creche_tls_options o = trusting();
  o.pins = pins;
  o.pins_count = 2;
  works(&o, "");
  pins[1] = whole;
  works(&o, "");
  pins[1] = other_key;
  fails(&o, CRECHE_E_TLS_VERIFY, X509_V_ERR_APPLICATION_VERIFICATION, key);
  /* Beside all else, */
  pins[1] = key;
  o.ca_file = path("client.pem");
  fails(&o, CRECHE_E_TLS_VERIFY, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "issuer");
  /* or in its place. */
  o.flags = CRECHE_TLS_INSECURE;
  works(&o, "");
  pins[1] = other_key;
  fails(&o, CRECHE_E_TLS_VERIFY, X509_V_ERR_APPLICATION_VERIFICATION, key);
  /* Resumed sessions are looked at, too. */
  pins[1] = key;
  creche_session_options so = session_options();
  so.tls = open_tls(&o);
  use_session(&so);
  creche_tls_release(so.tls);
  const creche_header close = creche_header_text("Connection", "close");
  creche_request_options r = request_options();
  r.headers = &close;
  r.headers_count = 1;
  for (int i = 0; i < 3; i++) {
    creche_completion c = fetch(url, &r);
    assert_int_equal(c.status, CRECHE_OK);
    drop(c);
  }
  assert_true(atomic_load(&offered) >= 2);
  stop_server();
}

static void what_is_no_pin(void** state) {
  (void)state;
  static const char* const wrong[] = {
      "",
      "sha256//",
      "sha256//AAAA",
      "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
      "sha1//AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
      "md5:00112233445566778899aabbccddeeff",
      "cert-sha256:0011",
      "cert-sha256:zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
      NULL};
  creche_tls_options o = tls_options();
  o.pins_count = 1;
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    o.pins = &wrong[i];
    refused(&o, CRECHE_E_INVALID, "pins[0]");
  }
}

/* ---- Lists of revoked certificates ---- */

static void write_list(const char* name, X509* revoked, long lifetime) {
  X509* ca = read_certificate("ca.pem");
  EVP_PKEY* key = read_key("ca.key");
  X509_CRL* list = X509_CRL_new();
  ASN1_TIME* time = ASN1_TIME_new();
  X509_CRL_set_version(list, 1);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(ca));
  X509_gmtime_adj(time, -7200);
  X509_CRL_set1_lastUpdate(list, time);
  X509_gmtime_adj(time, lifetime);
  X509_CRL_set1_nextUpdate(list, time);
  if (revoked != NULL) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked));
    X509_gmtime_adj(time, -3600);
    X509_REVOKED_set_revocationDate(entry, time);
    X509_CRL_add0_revoked(list, entry);
  }
  X509_CRL_sort(list);
  assert_true(X509_CRL_sign(list, key, EVP_sha256()) > 0);
  FILE* file = fopen(path(name), "we");
  assert_int_equal(PEM_write_X509_CRL(file, list), 1);
  fclose(file);
  ASN1_TIME_free(time);
  X509_CRL_free(list);
  EVP_PKEY_free(key);
  X509_free(ca);
}

static void revoked(void** state) {
  (void)state;
  X509* certificate = read_certificate("server.pem");
  write_list("all.crl", NULL, 3600);
  write_list("revoked.crl", certificate, 3600);
  write_list("old.crl", NULL, -3600);
  X509_free(certificate);
  start_server("server");
  creche_tls_options o = trusting();
  o.crl_file = path("all.crl");
  works(&o, "");
  o.crl_file = path("revoked.crl");
  fails(&o, CRECHE_E_TLS_VERIFY, X509_V_ERR_CERT_REVOKED, "do not trust");
  o.crl_file = path("old.crl");
  fails(&o, CRECHE_E_TLS_VERIFY, X509_V_ERR_CRL_HAS_EXPIRED, "crl_file");
  stop_server();
}

/* ---- Keys, sessions ---- */

static void keys_are_logged(void** state) {
  (void)state;
  size_t size = 0;
  start_server("server");
  creche_tls_options o = trusting();
  o.key_log_file = path("keys.log");
  works(&o, "");
  o.max_version = CRECHE_TLS_1_2;
  works(&o, "");
  char* log = read_file(path("keys.log"), &size);
  assert_non_null(strstr(log, "CLIENT_TRAFFIC_SECRET_0 "));
  assert_non_null(strstr(log, "\nCLIENT_RANDOM "));
  assert_int_equal(log[size - 1], '\n');
  struct stat status;
  assert_int_equal(stat(path("keys.log"), &status), 0);
  assert_int_equal(status.st_mode & 0777, 0600);
  free(log);
  stop_server();
}

static void sessions_are_resumed_or_not(void** state) {
  (void)state;
  start_server("server");
  const creche_header close = creche_header_text("Connection", "close");
  for (int resume = 0; resume < 2; resume++) {
    creche_tls_options o = trusting();
    if (!resume) o.flags = CRECHE_TLS_NO_RESUME;
    creche_session_options so = session_options();
    so.tls = open_tls(&o);
    use_session(&so);
    creche_request_options r = request_options();
    r.headers = &close;
    r.headers_count = 1;
    atomic_store(&offered, 0);
    for (int i = 0; i < 3; i++) {
      creche_completion c = fetch(url, &r);
      assert_int_equal(c.status, CRECHE_OK);
      drop(c);
    }
    assert_int_equal(atomic_load(&offered), resume ? 2 : 0);
    creche_tls_release(so.tls);
  }
  stop_server();
}

/* ---- One for many, and of one request ---- */

static void fetch_by(creche_tls with, creche_status status) {
  creche_request_options r = request_options();
  r.tls = with;
  creche_completion c = fetch(url, &r);
  if (c.status != status)
    fail_msg("%s: %s", creche_status_name(c.status), creche_error_message(c.error));
  drop(c);
}

static void no_connection_of_other_settings_is_used(void** state) {
  (void)state;
  start_server("server");
  creche_tls_options o = trusting();
  creche_session_options so = session_options();
  so.tls = open_tls(&o);
  use_session(&so);
  creche_tls same = open_tls(&o); /* but not the same settings */
  o.server_name = "127.0.0.1";
  creche_tls named = open_tls(&o);
  o = tls_options();
  creche_tls strict = open_tls(&o);
  creche_tls none = {0};
  fetch_by(none, CRECHE_OK);
  fetch_by(none, CRECHE_OK);
  assert_int_equal(support_hostile_connections(server), 1);
  fetch_by(strict, CRECHE_E_TLS_VERIFY); /* though a connection is kept */
  assert_int_equal(support_hostile_connections(server), 2);
  fetch_by(same, CRECHE_OK);
  fetch_by(named, CRECHE_OK);
  assert_int_equal(support_hostile_connections(server), 4);
  fetch_by(named, CRECHE_OK);
  fetch_by(same, CRECHE_OK);
  fetch_by(none, CRECHE_OK);
  assert_int_equal(support_hostile_connections(server), 4);
  assert_int_equal(session_counters(web).idle, 3);
  /* Another session has connections of its own. */
  creche_session first = web;
  OK(creche_session_open(loop, &so, &web));
  fetch_by(none, CRECHE_OK);
  assert_int_equal(support_hostile_connections(server), 5);
  creche_session_release(first);
  /* Requests under way keep what they use. */
  creche_request_options r = request_options();
  r.tls = named;
  OK(creche_session_fetch(web, loop.scope, url, &r, NULL, NULL, NULL));
  creche_tls_release(named);
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_OK);
  drop(c);
  IS(creche_session_fetch(web, loop.scope, url, &r, NULL, NULL, NULL), CRECHE_E_ENDED);
  creche_tls_release(named);
  creche_tls_release(strict);
  creche_tls_release(same);
  creche_tls_release(so.tls);
  stop_server();
}

/* Connections made ahead are of the settings of the request that is meant. */
static void warm_up_with_its_own(void** state) {
  (void)state;
  start_server("server");
  creche_tls_options o = trusting();
  creche_request_options r = request_options();
  r.tls = open_tls(&o);
  OK(creche_session_warm_up(web, loop.scope, url, 2, &r, NULL, NULL, NULL));
  creche_completion c = next();
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.code, 2);
  drop(c);
  fetch_by(r.tls, CRECHE_OK);
  assert_int_equal(support_hostile_connections(server), 2);
  fetch_by((creche_tls){0}, CRECHE_E_TLS_VERIFY);
  creche_tls_release(r.tls);
  stop_server();
}

static void shared_by_loops(void** state) {
  (void)state;
  start_server("server");
  creche_tls_options o = trusting();
  creche_session_options so = session_options();
  so.tls = open_tls(&o);
  use_session(&so);
  creche_loop other;
  creche_queue others;
  creche_session there;
  OK(creche_loop_open(NULL, &other));
  OK(creche_queue_open(other, NULL, &others));
  OK(creche_session_open(other, &so, &there));
  creche_task_options to_others = to_queue;
  to_others.queue = others;
  creche_request_options r = request_options();
  r.task = &to_others;
  for (int i = 0; i < 8; i++) {
    creche_completion c;
    size_t n = 0;
    OK(creche_session_fetch(there, other.scope, url, &r, NULL, NULL, NULL));
    start(url, NULL, NULL);
    OK(creche_queue_wait(others, &c, 1, PATIENCE, &n));
    assert_int_equal(c.status, CRECHE_OK);
    drop(c);
    c = next();
    assert_int_equal(c.status, CRECHE_OK);
    drop(c);
  }
  OK(creche_loop_close(other));
  OK(creche_loop_join(other, PATIENCE));
  creche_queue_release(others);
  creche_session_release(there);
  creche_tls_release(so.tls); /* of no loop */
  stop_server();
}

/* ---- Misuse ---- */

static void misuse(void** state) {
  (void)state;
  creche_tls_options o = tls_options();
  IS(creche_tls_open(&o, NULL), CRECHE_E_INVALID);
  o.flags = 1u << 20;
  refused(&o, CRECHE_E_UNSUPPORTED, "flags");
  o = tls_options();
  o.min_version = 11;
  refused(&o, CRECHE_E_INVALID, "min_version");
  o.min_version = CRECHE_TLS_1_3;
  o.max_version = CRECHE_TLS_1_2;
  refused(&o, CRECHE_E_INVALID, "above");
  o = tls_options();
  o.key_file = "x";
  refused(&o, CRECHE_E_INVALID, "without its certificate");
  o = tls_options();
  o.cert_file = "x";
  o.cert_data = "x";
  o.cert_size = 1;
  refused(&o, CRECHE_E_INVALID, "twice");
  o = tls_options();
  o.ca_size = 1;
  refused(&o, CRECHE_E_INVALID, "ca_data");
  o = tls_options();
  o.server_name = "";
  refused(&o, CRECHE_E_INVALID, "server_name");
  o = tls_options();
  o.pins_count = 1;
  refused(&o, CRECHE_E_INVALID, "pins");
  o = tls_options();
  o.crl_file = "x";
  o.flags = CRECHE_TLS_INSECURE;
  refused(&o, CRECHE_E_INVALID, "crl_file");
  o = tls_options();
  creche_session_options so = session_options();
  so.tls = open_tls(&o);
  so.ca_file = "x";
  creche_session none;
  IS(creche_session_open(loop, &so, &none), CRECHE_E_INVALID);
  last_error_says("ca_file");
  creche_tls_release(so.tls);
  creche_tls_release(so.tls);
  creche_tls_release((creche_tls){0});
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(trusted),
      TEST(what_does_not_hold_what_it_should),
      TEST(client_certificates),
      TEST(versions_and_ciphers),
      TEST(other_names),
      TEST(pinned),
      TEST(what_is_no_pin),
      TEST(revoked),
      TEST(keys_are_logged),
      TEST(sessions_are_resumed_or_not),
      TEST(no_connection_of_other_settings_is_used),
      TEST(warm_up_with_its_own),
      TEST(shared_by_loops),
      TEST(misuse),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
