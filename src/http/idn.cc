#include "http/idn.h"

#include <idn2.h>

#include <algorithm>
#include <memory>
#include <new>

namespace creche::http {

namespace {

struct Free {
  void operator()(uint8_t* text) const noexcept { idn2_free(text); }
};

// No name is longer, in however many bytes: 253 characters in ASCII.
constexpr size_t kMost = 4 * 254;

}  // namespace

bool IsAscii(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

Result<std::string> HostInAscii(std::string_view host) {
  if (IsAscii(host)) return std::string(host);
  int code = IDN2_TOO_BIG_DOMAIN;
  uint8_t* ascii = nullptr;
  if (host.size() <= kMost) {
    const std::string text(host);
    code = idn2_lookup_u8(reinterpret_cast<const uint8_t*>(text.c_str()), &ascii,
                          IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  }
  const std::unique_ptr<uint8_t, Free> freed(ascii);
  if (code == IDN2_MALLOC) throw std::bad_alloc();
  if (code != IDN2_OK)
    // Its name: the text is in the language of the program.
    return MakeError(Status::kUrl, Phase::kOptions,
                     std::string("the host of the URL is no internationalized name (") +
                         idn2_strerror_name(code) + "): correct it, or give its xn-- form");
  return std::string(reinterpret_cast<const char*>(ascii));
}

std::string HostPattern(std::string_view host) {
  Result<std::string> ascii = HostInAscii(host);
  std::string pattern = ascii.ok() ? std::move(ascii).value() : std::string(host);
  for (char& c : pattern)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return pattern;
}

}  // namespace creche::http
