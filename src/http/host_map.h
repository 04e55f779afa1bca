// HostMap: where to connect to for hosts whose addresses are not to be looked up.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/resolver.h"
#include "core/result.h"

namespace creche::http {

class HostMap {
 public:
  struct Entry {
    std::string host;   // lower case, without brackets; "*": any
    uint16_t port = 0;  // 0: any
    // Either addresses, those without a port for that of the URL, or another name.
    Addresses addresses;
    std::string name;
    uint16_t name_port = 0;  // 0: that of the URL
  };

  // from: "host", "host:port", "*", "*:port". to: addresses, separated by commas, each with or
  // without a port, or "unix:/path"; or one name, with or without a port. Fails with kInvalid.
  Result<void> Add(std::string_view from, std::string_view to);
  bool empty() const { return entries_.empty(); }
  // The first that fits; or null.
  const Entry* Find(std::string_view host, uint16_t port) const;

 private:
  std::vector<Entry> entries_;
};

}  // namespace creche::http
