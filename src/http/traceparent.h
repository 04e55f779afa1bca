// The field that says of which trace a request is part (W3C Trace Context).
#pragma once
#include <cstddef>
#include <string_view>

namespace creche::http {

inline constexpr char kTraceparent[] = "traceparent";
inline constexpr size_t kTraceparentSize = 55;

// "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": a version that is not ff, a trace and
// a parent that are not all zeros, flags; in small letters.
bool IsTraceparent(std::string_view text) noexcept;

}  // namespace creche::http
