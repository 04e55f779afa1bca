// Names as SQL has them.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace creche::pg {

// The server cuts longer ones.
inline constexpr size_t kLongestName = 63;

// In quotes, which it may have inside. May throw bad_alloc.
inline std::string QuotedName(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  quoted += '"';
  return quoted;
}

}  // namespace creche::pg
