// Dates of cookies: RFC 6265, 5.1.1, which takes all that servers ever wrote.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace creche::http {

// Seconds since 1970; nothing if it is no date.
std::optional<int64_t> ParseCookieDate(std::string_view text) noexcept;

}  // namespace creche::http
