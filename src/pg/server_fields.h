// ServerFields: what an ErrorResponse or a NoticeResponse says, field by field. Its texts point
// into the message.
#pragma once
#include <array>
#include <cstddef>
#include <string_view>

namespace creche::pg {

class ServerFields {
 public:
  // False if the body is malformed. cut: its end is missing.
  [[nodiscard]] bool Parse(const char* body, size_t size, bool cut) noexcept;
  // By the protocol's letter: 'C' is the SQLSTATE, 'M' the message. Empty if it is missing.
  std::string_view get(char code) const noexcept;
  // Not translated, if the server says so.
  std::string_view severity() const noexcept { return get('V').empty() ? get('S') : get('V'); }
  // What the server says to each statement of a transaction that has failed.
  static ServerFields OfFailedTransaction() noexcept;
  // The server ends the session behind it.
  bool fatal() const noexcept { return severity() == "FATAL" || severity() == "PANIC"; }

 private:
  static constexpr std::string_view kCodes = "SVCMDHPWstcdnR";
  std::array<std::string_view, kCodes.size()> fields_;
};

}  // namespace creche::pg
