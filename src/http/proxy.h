// Proxy: a proxy as its URL says it. Immutable.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/ref.h"
#include "core/result.h"
#include "http/credentials.h"
#include "http/headers.h"

namespace creche::http {

struct Proxy final : RefCounted {
  enum class Kind : uint8_t { kHttp, kHttps, kSocks5, kSocks5h };

  // "http://user:password@host:port", https://, socks5:// (names are resolved here) or socks5h://
  // (there); "host:port" is http. Fails with kInvalid; no message holds the user info. headers: for
  // the proxy alone.
  static Result<Ref<const Proxy>> Parse(std::string_view url, const HeaderList& headers);

  bool socks() const { return kind == Kind::kSocks5 || kind == Kind::kSocks5h; }
  // What a request to it, or a CONNECT, says to it alone: Proxy-Authorization and its headers.
  // unless: bits of known names that are said already. authorization: in place of Basic, or "".
  void AppendFields(uint32_t unless, std::string_view authorization, std::string* out) const;

  Kind kind = Kind::kHttp;
  std::string host;  // to be dialled
  uint16_t port = 0;
  std::string shown;  // "proxy.example:3128": for messages
  Credentials credentials;
  HeaderList headers;
  std::string key;  // equal for equal proxies, with all that they are told
};

using ProxyRef = Ref<const Proxy>;

}  // namespace creche::http
