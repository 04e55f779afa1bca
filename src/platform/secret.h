// Secret: bytes that may hold a key or a password: gone when they go.
#pragma once
#include <string>
#include <utility>

namespace creche::platform {

struct Secret {
  Secret() = default;
  explicit Secret(std::string text) : bytes(std::move(text)) {}
  ~Secret();
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  std::string bytes;
};

}  // namespace creche::platform
