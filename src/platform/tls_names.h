// Names in certificates that OpenSSL does not compare.
#pragma once
#include <string_view>

struct x509_st;

namespace creche::platform {

// True if a wildcard of the certificate ("*.example.org") covers a host name. As OpenSSL does it
// (one label, which is all of the first; at least two behind it), but for '_' in that label, which
// OpenSSL takes for no part of a host name: buckets and virtual hosts have such names, and a URL
// may name them. Only names of the subjectAltName count.
bool WildcardCovers(x509_st* certificate, std::string_view host) noexcept;

}  // namespace creche::platform
