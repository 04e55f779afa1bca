// Utf8Check: whether text that comes in pieces is UTF-8, as soon as it cannot be any more.
#pragma once
#include <cstdint>
#include <string_view>

namespace creche::http {

class Utf8Check {
 public:
  // False once it is none, whatever may follow.
  bool Take(std::string_view piece) noexcept;
  // No character is begun.
  bool complete() const noexcept { return left_ == 0; }
  void Clear() noexcept { left_ = 0; }

 private:
  uint8_t left_ = 0;  // bytes of the character that are missing
  // What the next of them may be.
  uint8_t low_ = 0x80;
  uint8_t high_ = 0xbf;
};

}  // namespace creche::http
