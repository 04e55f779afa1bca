#include "tls.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { kHour = 3600, kDay = 24 * kHour };

typedef struct certificate {
  X509* x509;
  EVP_PKEY* key;
} certificate;

static int extend(X509* subject, X509* issuer, int what, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, subject, NULL, NULL, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(NULL, &context, what, value);
  const int done = extension != NULL && X509_add_ext(subject, extension, -1);
  X509_EXTENSION_free(extension);
  return done;
}

/* Signed by `issuer`, or by itself (then an authority). `names`: its subjectAltName, or NULL. */
static int make(certificate* made, const certificate* issuer, const char* name, const char* names,
                long lifetime) {
  static long serial = 0;
  X509* x509 = made->x509 = X509_new();
  made->key = EVP_EC_gen("P-256");
  if (x509 == NULL || made->key == NULL) return 0;
  X509* signer = issuer != NULL ? issuer->x509 : x509;
  X509_NAME* subject = X509_get_subject_name(x509);
  return X509_set_version(x509, 2) &&
         ASN1_INTEGER_set(X509_get_serialNumber(x509), (long)getpid() * 100 + ++serial) &&
         X509_gmtime_adj(X509_getm_notBefore(x509), -2L * kDay) != NULL &&
         X509_gmtime_adj(X509_getm_notAfter(x509), lifetime) != NULL &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char*)name, -1, -1,
                                    0) &&
         X509_set_issuer_name(x509, X509_get_subject_name(signer)) &&
         X509_set_pubkey(x509, made->key) &&
         extend(x509, signer, NID_basic_constraints,
                issuer != NULL ? "critical,CA:FALSE" : "critical,CA:TRUE") &&
         extend(x509, signer, NID_subject_key_identifier, "hash") &&
         (issuer == NULL || extend(x509, signer, NID_authority_key_identifier, "keyid")) &&
         (names == NULL || extend(x509, signer, NID_subject_alt_name, names)) &&
         X509_sign(x509, issuer != NULL ? issuer->key : made->key, EVP_sha256()) > 0;
}

static int store(const certificate* made, const char* folder, const char* name, support_user user) {
  char* pem = support_format("%s/%s.pem", folder, name);
  char* key = support_format("%s/%s.key", folder, name);
  FILE* pem_file = fopen(pem, "we");
  FILE* key_file = fopen(key, "we");
  const int written = pem_file != NULL && key_file != NULL &&
                      PEM_write_X509(pem_file, made->x509) &&
                      PEM_write_PrivateKey(key_file, made->key, NULL, NULL, 0, NULL, NULL);
  if (pem_file != NULL) fclose(pem_file);
  if (key_file != NULL) fclose(key_file);
  const int owned = written && chmod(key, 0600) == 0 && chown(key, user.uid, user.gid) == 0;
  free(pem);
  free(key);
  return owned;
}

int support_tls_make(const char* folder, support_user user) {
  static const char here[] =
      "DNS:localhost,DNS:*.localhost,DNS:xn--bcher-kva.example,IP:127.0.0.1,IP:::1";
  static const struct {
    const char *file, *name, *names;
    long lifetime;
  } wanted[] = {
      {"server", "localhost", here, 30L * kDay},
      {"wrong", "wrong.example", "DNS:wrong.example", 30L * kDay},
      {"expired", "localhost", here, -1L * kHour},
      {"client", "test client", NULL, 30L * kDay},
  };
  certificate authority = {NULL, NULL};
  int done = make(&authority, NULL, "libcreche test authority", NULL, 30L * kDay) &&
             store(&authority, folder, "ca", user);
  for (size_t i = 0; done && i < sizeof wanted / sizeof *wanted; i++) {
    certificate made = {NULL, NULL};
    done = make(&made, &authority, wanted[i].name, wanted[i].names, wanted[i].lifetime) &&
           store(&made, folder, wanted[i].file, user);
    X509_free(made.x509);
    EVP_PKEY_free(made.key);
  }
  X509_free(authority.x509);
  EVP_PKEY_free(authority.key);
  if (!done) support_complain("cannot make certificates in %s", folder);
  return done ? 0 : -1;
}
