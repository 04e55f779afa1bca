// What went wrong in TLS and what to do about it, in words.
#pragma once
#include <string>

namespace creche::platform {

// Of an X509_V_ERR_* code: "self-signed certificate; if you know ...".
std::string CertificateText(long verify);
// Whether a call of OpenSSL failed for want of memory: what its queue of errors says, which is
// cleared. What it had begun may be incomplete, and must not be kept.
bool TakeMemoryFailure() noexcept;
// Of an error of OpenSSL's queue.
std::string TlsErrorText(unsigned long error);

}  // namespace creche::platform
