// ServerFields: what an ErrorResponse or a NoticeResponse says, field by field. Its texts point
// into the message.
#pragma once
#include <array>
#include <cstddef>
#include <string_view>

#include "pg/protocol/message.h"

namespace creche::pg {

class ServerFields {
 public:
  // False if the body is malformed. cut: its end is missing.
  [[nodiscard]] bool Parse(const char* body, size_t size, bool cut) noexcept;
  // Empty if it is missing.
  std::string_view get(Field field) const noexcept;
  // Not translated, if the server says so.
  std::string_view severity() const noexcept {
    const std::string_view untranslated = get(Field::kSeverityUntranslated);
    return untranslated.empty() ? get(Field::kSeverity) : untranslated;
  }
  // The server ends the session behind it.
  bool fatal() const noexcept { return severity() == "FATAL" || severity() == "PANIC"; }

 private:
  static constexpr std::string_view kCodes = "SVCMDHPWstcdnR";
  std::array<std::string_view, kCodes.size()> fields_;
};

}  // namespace creche::pg
