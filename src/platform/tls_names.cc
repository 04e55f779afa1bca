#include "platform/tls_names.h"

#include <openssl/x509v3.h>

#include <algorithm>

namespace creche::platform {

namespace {

bool SameLetters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

bool Covers(std::string_view pattern, std::string_view host) {
  if (pattern.substr(0, 2) != "*." || pattern.find('\0') != pattern.npos) return false;
  const std::string_view rest = pattern.substr(1);
  const size_t dot = host.find('.');
  return dot != host.npos && dot > 0 && rest.find('.', 1) != rest.npos &&
         rest.find('*') == rest.npos && SameLetters(rest, host.substr(dot));
}

}  // namespace

bool WildcardCovers(x509_st* certificate, std::string_view host) noexcept {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  bool covered = false;
  for (int i = 0; !covered && i < sk_GENERAL_NAME_num(names); i++) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    const ASN1_IA5STRING* text = name->d.dNSName;
    covered = Covers({reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                      static_cast<size_t>(ASN1_STRING_length(text))},
                     host);
  }
  GENERAL_NAMES_free(names);
  return covered;
}

}  // namespace creche::platform
