// Login: what a request shows who it is with. Immutable.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/ref.h"
#include "http/credentials.h"

namespace creche::http {

// That a token is needed. Its C twin is creche_token_ask.
struct TokenQuestion {
  uint32_t size = sizeof(TokenQuestion);
  uint32_t refused = 0;  // a 401 has answered the last one
  uint64_t session = 0;  // a handle
  uint64_t id = 0;
};

struct Login final : RefCounted {
  Credentials credentials;
  bool basic = false;   // at once, if digest is not wanted, too
  bool digest = false;  // when it is asked for
  std::string token;    // a bearer's, the first one
  // Another token, on the loop's thread, where the last one was refused: its size, or less than 0.
  int64_t (*refresh)(void* user, char* token, size_t capacity) = nullptr;
  // The same for one that is given later: told on the loop's thread, see TokenAsks.
  void (*ask)(void* user, const TokenQuestion* question) = nullptr;
  void* refresh_user = nullptr;

  bool bearer() const { return !token.empty() || refresh || ask; }
};

using LoginRef = Ref<const Login>;

}  // namespace creche::http
