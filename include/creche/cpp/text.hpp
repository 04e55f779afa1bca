// creche/cpp/text.hpp: how texts and times are passed.
#ifndef CRECHE_CPP_TEXT_HPP
#define CRECHE_CPP_TEXT_HPP

#include <chrono>
#include <string>

#include "../creche.h"

namespace creche {

/// All times: nanoseconds; std::chrono converts what is coarser (10s, 200ms).
using duration = std::chrono::nanoseconds;
inline constexpr duration never{CRECHE_NEVER};

/// A text that ends in a NUL, as the C API wants it: a literal or a std::string, never copied here.
/// It is a parameter: what it names must live until the call, or the `co_await` of it, is over.
class ctext {
 public:
  constexpr ctext() = default;
  constexpr ctext(const char* text) : text_(text) {}       // NOLINT: converts on purpose
  ctext(const std::string& text) : text_(text.c_str()) {}  // NOLINT
  constexpr const char* c_str() const { return text_; }
  constexpr explicit operator bool() const { return text_ != nullptr; }

 private:
  const char* text_ = nullptr;
};

}  // namespace creche
#endif
