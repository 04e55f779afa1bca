// What can be the name of a host: so that nothing else reaches the system's resolver, which takes
// "127.1", "2130706433" and "0x7f.1" for 127.0.0.1 and so gets past checks of addresses.
#pragma once
#include <string>
#include <string_view>

namespace creche {

// Empty for a name of letters, digits, hyphens and underscores between dots whose last part is no
// number; otherwise what is wrong with it. IP addresses are no names.
std::string WhatIsWrongWithHostName(std::string_view name);

// "localhost", "localhost." and "*.localhost", in lower case: this machine (RFC 6761, 6.3).
bool IsLocalhost(std::string_view name) noexcept;

}  // namespace creche
