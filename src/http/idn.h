// Names of hosts in other scripts than ASCII's, as browsers and curl have them: mapped (UTS 46, not
// transitional) and written in ASCII (IDNA 2008), by libidn2. Which scripts look like others is not
// its concern.
#pragma once
#include <string>
#include <string_view>

#include "core/result.h"

namespace creche::http {

bool IsAscii(std::string_view text) noexcept;
// "bücher.example" is "xn--bcher-kva.example". Fails with kUrl. May throw bad_alloc.
Result<std::string> HostInAscii(std::string_view host);
// The same of what an option says of hosts, in lower case; what is no name stays as it is, and
// fits to none.
std::string HostPattern(std::string_view host);

}  // namespace creche::http
