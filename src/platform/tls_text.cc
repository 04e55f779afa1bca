#include "platform/tls_text.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <cerrno>

namespace creche::platform {

namespace {

const char* VerifyHint(long code) {
  switch (code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "it was issued for another host: check the URL";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "the server needs a new one, or this machine's clock is wrong";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return "crl_file has no list of its issuer";
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return "get a new list for crl_file";
    case X509_V_ERR_CERT_REVOKED:
      return "do not trust this server";
    default:
      return "if you know its issuer, trust it by ca_file";
  }
}

const char* ReasonHint(int reason) {
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_UNKNOWN_PROTOCOL:
      return "; does the server speak TLS on this port?";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return "; TLS 1.2 or later is needed on both sides";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return "; the server wants other ciphers, or a client certificate";
    default:
      return "";
  }
}

}  // namespace

std::string CertificateText(long verify) {
  return std::string(X509_verify_cert_error_string(verify)) + "; " + VerifyHint(verify);
}

bool TakeMemoryFailure() noexcept {
  bool any = false;
  while (const unsigned long error = ERR_get_error())
    any |= ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE ||
           (ERR_SYSTEM_ERROR(error) && ERR_GET_REASON(error) == ENOMEM);
  return any;
}

std::string TlsErrorText(unsigned long error) {
  const char* reason = ERR_reason_error_string(error);
  return std::string(reason ? reason : "unknown error") + ReasonHint(ERR_GET_REASON(error));
}

}  // namespace creche::platform
