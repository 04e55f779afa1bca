// AuthMemory: what a session has learnt of servers' and proxies' challenges, and its last token.
// Loop's thread only.
#pragma once
#include <string>
#include <unordered_map>

#include "core/handles.h"
#include "http/auth/digest.h"
#include "http/auth/login.h"
#include "http/auth/token_asks.h"

namespace creche::http {

struct AuthMemory {
  static constexpr size_t kMost = 1000;
  // By origin, or the proxy's key, with user and password. A cache: it may forget.
  std::unordered_map<std::string, Digest> digests;
  // The last token that somebody's callback gave.
  LoginRef token_of;
  std::string token;
  // Tokens that are being waited for, and whose they are.
  TokenAsks asks;
  const Object* session = nullptr;

  void Keep(const std::string& key, Digest digest) {
    if (digests.size() >= kMost && digests.find(key) == digests.end())
      digests.erase(digests.begin());
    digests[key] = std::move(digest);
  }
  Digest* Find(const std::string& key) {
    const auto found = digests.find(key);
    return found != digests.end() && found->second.ready() ? &found->second : nullptr;
  }
};

}  // namespace creche::http
