// Login: what a request shows who it is with. Immutable.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/ref.h"
#include "http/credentials.h"

namespace creche::http {

struct Login final : RefCounted {
  Credentials credentials;
  bool basic = false;   // at once, if digest is not wanted, too
  bool digest = false;  // when it is asked for
  std::string token;    // a bearer's, the first one
  // Another token, on the loop's thread, where the last one was refused: its size, or less than 0.
  int64_t (*refresh)(void* user, char* token, size_t capacity) = nullptr;
  void* refresh_user = nullptr;

  bool bearer() const { return !token.empty() || refresh; }
};

using LoginRef = Ref<const Login>;

}  // namespace creche::http
