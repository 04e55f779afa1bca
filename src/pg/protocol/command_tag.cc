#include "pg/protocol/command_tag.h"

#include <charconv>

namespace creche::pg {

int64_t AffectedOf(std::string_view tag) noexcept {
  static constexpr std::string_view kCounting[] = {"SELECT ", "INSERT ", "UPDATE ", "DELETE ",
                                                   "MERGE ",  "FETCH ",  "MOVE ",   "COPY "};
  for (const std::string_view command : kCounting) {
    if (!tag.starts_with(command)) continue;
    // INSERT has an oid in front of it.
    const std::string_view number = tag.substr(tag.rfind(' ') + 1);
    int64_t affected = -1;
    const auto end = number.data() + number.size();
    const auto [read_to, failed] = std::from_chars(number.data(), end, affected);
    return failed == std::errc() && read_to == end && affected >= 0 ? affected : -1;
  }
  return -1;
}

bool IsPlain(std::string_view tag) noexcept {
  for (const std::string_view command : {"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"})
    if (tag.starts_with(command)) return true;
  return false;
}

}  // namespace creche::pg
