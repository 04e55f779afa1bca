#include "pg/protocol/command_tag.h"

#include <charconv>

namespace creche::pg {

namespace {

// Of each result: not worth a call.
template <size_t kSize>
bool StartsWith(std::string_view tag, const char (&word)[kSize]) noexcept {
  return tag.size() >= kSize - 1 && __builtin_memcmp(tag.data(), word, kSize - 1) == 0;
}

bool Counts(std::string_view tag) noexcept {
  return StartsWith(tag, "SELECT ") || StartsWith(tag, "INSERT ") || StartsWith(tag, "UPDATE ") ||
         StartsWith(tag, "DELETE ") || StartsWith(tag, "MERGE ") || StartsWith(tag, "FETCH ") ||
         StartsWith(tag, "MOVE ") || StartsWith(tag, "COPY ");
}

}  // namespace

int64_t AffectedOf(std::string_view tag) noexcept {
  if (!Counts(tag)) return -1;
  // INSERT has an oid in front of it.
  const std::string_view number = tag.substr(tag.rfind(' ') + 1);
  if (number.size() == 1 && number[0] >= '0' && number[0] <= '9') return number[0] - '0';
  int64_t affected = -1;
  const auto end = number.data() + number.size();
  const auto [read_to, failed] = std::from_chars(number.data(), end, affected);
  return failed == std::errc() && read_to == end && affected >= 0 ? affected : -1;
}

bool IsPlain(std::string_view tag) noexcept {
  return StartsWith(tag, "SELECT") || StartsWith(tag, "INSERT") || StartsWith(tag, "UPDATE") ||
         StartsWith(tag, "DELETE") || StartsWith(tag, "MERGE") || StartsWith(tag, "COPY");
}

}  // namespace creche::pg
