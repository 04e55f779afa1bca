// Public suffixes ("com", "co.uk", "github.io"): domains below which everybody can have a name, so
// that no cookie may be for all of them. The list is libpsl's.
#pragma once
#include <string>

namespace creche::http {

// domain: lower case. A top-level domain that the list does not have is one, too.
bool IsPublicSuffix(const std::string& domain) noexcept;

}  // namespace creche::http
