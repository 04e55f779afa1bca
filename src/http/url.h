// Url: an http or https URL, checked and taken apart (RFC 3986).
//
// What the user wrote reaches the server byte for byte, because signatures depend on it: only bytes
// that may not stand in a request line are percent-encoded (blank, quotes, <>\^`{|}, a % that
// starts no escape, bytes above 0x7e). Only what a server wrote (a Location) is put in order: dot
// segments are taken out, and so are TABs, which browsers never see (WHATWG URL). Dropped are the
// fragment, a default port, zeros before a port, and the user info, which becomes Basic
// credentials. The zone of a link-local address ("[fe80::1%25eth0]", RFC 6874, or with a bare %)
// says which way to connect; no server is told (RFC 9844). A host that is not ASCII is its A-label
// (idn.h) from here on: for DNS, Host, SNI, certificates, cookies and the pool.
//
// No message holds anything of the user info, wherever the mistake is.
//
// It is a value, and cheap to copy: what was read is shared, and never changes.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/blocks.h"
#include "core/ref.h"
#include "core/result.h"

namespace creche::http {

class Url {
 public:
  // No URL yet: to be assigned to, and nothing else.
  Url() = default;
  // Fails with kUrl and a message that says what to change.
  static Result<Url> Parse(std::string_view text);
  // What `reference` (a Location) means on a page at this URL.
  Result<Url> Resolve(std::string_view reference) const;

  bool https() const { return parts().https; }
  uint16_t port() const { return parts().port; }
  // Lower case and ASCII; an IPv6 address without its brackets and zone.
  std::string_view host() const { return View(parts().host_at, parts().host_size); }
  // What to connect to: host(), with the zone of an address: "fe80::1%eth0".
  std::string dial_host() const;
  // Appends what Host says: "host", "host:8080", "[::1]:8080".
  void AppendHost(std::string* out) const;
  // The same with the zone of an address, for messages.
  std::string_view authority() const {
    return View(parts().authority_at, parts().target_at - parts().authority_at);
  }
  // Path and query, at least "/".
  std::string_view target() const {
    return std::string_view(parts().text).substr(parts().target_at);
  }
  // "https://host:8443": what must be equal for credentials to be sent on. Two zones are two
  // origins: the text has the zone behind the address, "http://[fe80::1%25eth0]:8080".
  std::string_view origin() const { return View(0, parts().target_at); }
  // All of it, without user info and fragment.
  const std::string& text() const { return parts().text; }
  // For messages: see ShownUrl.
  std::string_view shown() const;
  // "Basic dXNlcjpwYXNz", or "" without user info.
  const std::string& authorization() const { return parts().authorization; }
  // Takes over the credentials of `other` unless it has its own.
  void InheritCredentials(const Url& other);

 private:
  friend class LastUrl;
  struct Parts {
    Result<void> ReadAuthority(std::string_view authority);
    Result<void> ReadHost(std::string_view host);
    Result<void> ReadForeignHost(std::string_view host);
    Result<void> ReadAddress(std::string_view address);
    void ReadTarget(std::string_view target);

    // One string; the rest are places in it.
    std::string text;
    std::string authorization;
    uint32_t authority_at = 0;
    uint32_t host_at = 0;
    uint32_t host_size = 0;
    uint32_t zone_size = 0;  // "%25eth0" behind the address
    uint32_t target_at = 0;
    uint16_t port = 0;
    bool https = false;
  };
  struct Shared final : RefCounted, FromBlocks {
    explicit Shared(Parts&& p) : parts(std::move(p)) {}
    const Parts parts;
  };
  explicit Url(Parts&& parts) : shared_(MakeRef<Shared>(std::move(parts))) {}
  std::string_view View(size_t at, size_t size) const {
    return std::string_view(parts().text).substr(at, size);
  }
  const Parts& parts() const { return shared_->parts; }

  Ref<const Shared> shared_;
};

// LastUrl: reads URLs, and keeps the last one, for who asks for the same again and again. Any
// thread.
class LastUrl {
 public:
  LastUrl() = default;
  ~LastUrl() { Keep({}); }
  LastUrl(const LastUrl&) = delete;
  LastUrl& operator=(const LastUrl&) = delete;
  // As Url::Parse. Kept is only what is written as it would be shown: so never a password.
  Result<Url> Parse(std::string_view text);

 private:
  void Keep(Url url) noexcept;
  // Whoever uses it takes it out meanwhile; others read theirs themselves.
  std::atomic<const Url::Shared*> kept_{nullptr};
};

// What a message may show of a url() or text(): no query, for that may hold signatures and keys.
std::string_view ShownUrl(std::string_view url) noexcept;

}  // namespace creche::http
