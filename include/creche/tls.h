/* creche/tls.h: settings of TLS, as a handle that sessions and requests may share: whom to trust, who
 * the client is, which versions and ciphers. */
#ifndef CRECHE_TLS_H
#define CRECHE_TLS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* creche_tls_options.flags */
enum {
    CRECHE_TLS_INSECURE = 1,   /* verify nothing: for tests, or with pins in place of authorities */
    CRECHE_TLS_SYSTEM_CAS = 2, /* trust the system's authorities, too, beside those given here */
    CRECHE_TLS_NO_ALPN = 4,    /* offer no protocol */
    CRECHE_TLS_NO_RESUME = 8   /* neither keep sessions nor offer them for resumption */
};

/* creche_tls_options.min_version, max_version */
enum {
    CRECHE_TLS_1_2 = 12,
    CRECHE_TLS_1_3 = 13
};

/* What is given as bytes is PEM or, if it is one certificate or key, DER. All of it is copied. */
typedef struct creche_tls_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* CRECHE_TLS_* */
    /* Trusted certificates in place of the system's: authorities, intermediate ones too, or servers'
     * own. Of a folder all files are read that hold some. */
    const char *ca_file;
    const char *ca_folder;
    const void *ca_data;
    size_t ca_size;
    /* Who the client is, for servers that ask: a certificate with its chain, and its key. */
    const char *cert_file;
    const void *cert_data;
    size_t cert_size;
    const char *key_file; /* neither this nor key_data: it is in the same place as the certificate */
    const void *key_data;
    size_t key_size;
    const char *key_password; /* of an encrypted key; nobody is asked on a terminal */
    uint32_t min_version;     /* default 0: TLS 1.2 */
    uint32_t max_version;     /* default 0: the newest */
    const char *ciphers;      /* of TLS 1.2, as OpenSSL writes them: "ECDHE+AESGCM" */
    const char *ciphersuites; /* of TLS 1.3: "TLS_AES_128_GCM_SHA256" */
    const char *server_name;  /* for SNI and the certificate, in place of the URL's host */
    const char *const *pins;  /* the server's must be one of these, beside all else that is verified:
                                 "sha256//BASE64", its public key (as curl has it), or
                                 "cert-sha256:HEX", the certificate itself; SHA-256 */
    size_t pins_count;
    const char *crl_file;     /* PEM, lists of revoked certificates: those of servers are looked up, and
                                 those of an issuer without a list are refused */
    const char *key_log_file; /* secrets are appended to it, for who looks at packets (NSS format) */
} creche_tls_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_tls_options_init(creche_tls_options *options, size_t size);

/* Makes settings, for sessions and requests of all loops: for servers, and for https:// proxies on the way
 * to them, which are met with the same ones (pins and server_name, too). Reads all files now, in the calling
 * thread, and blocks for that (the system's authorities take some 80 ms): what they hold later is for
 * new settings. Immutable; sessions and requests keep what they use. Connections are only used again by
 * requests with the same settings. Returns CRECHE_OK; CRECHE_E_INVALID (options: a pin that is none, a
 * key without a certificate, contradictions), CRECHE_E_UNSUPPORTED; CRECHE_E_SYSTEM (a file cannot be
 * read), CRECHE_E_TLS (it does not hold what it should, a key does not fit, unknown ciphers),
 * CRECHE_E_NO_MEMORY. Since 0.1. */
CRECHE_API creche_status creche_tls_open(const creche_tls_options *options, creche_tls *tls);

/* Gives the handle up. Since 0.1. */
CRECHE_API void creche_tls_release(creche_tls tls);

#ifdef __cplusplus
}
#endif
#endif
