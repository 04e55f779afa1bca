// Retry-After (RFC 9110, 10.2.3): a number of seconds or a date.
#pragma once
#include <optional>
#include <string_view>

#include "core/status.h"

namespace creche::http {

// The seconds since 1970 that a date of HTTP says, in any of its three forms (RFC 9110, 5.6.7).
std::optional<int64_t> ReadHttpDate(std::string_view text) noexcept;

// How long it asks to wait: a date from `date` on (the answer's own Date, so that clocks need not
// agree), or from `now`, seconds since 1970, if that is none. What has passed is 0; what is longer
// than can be told is kNever. Nothing if it is neither.
std::optional<Nanos> ReadRetryAfter(std::string_view text, std::string_view date,
                                    int64_t now) noexcept;

}  // namespace creche::http
