// SHA-1, for protocols that want it; it proves nothing.
#pragma once
#include <string>
#include <string_view>

namespace creche::platform {

// 20 bytes; empty if there is no such digest here, or no memory.
std::string Sha1(std::string_view bytes);

}  // namespace creche::platform
