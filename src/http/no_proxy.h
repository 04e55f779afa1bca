// NoProxy: the hosts that are reached without a proxy, as the variable no_proxy lists them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "platform/address.h"

namespace creche::http {

class NoProxy {
 public:
  // Separated by commas or blanks: "*" for all; "example.org", ".example.org" and "*.example.org"
  // for it and all names below it; an IP address, or a net of them ("10.0.0.0/8"); each with or
  // without a port ("example.org:8080", "[::1]:80"). What makes no sense matches nothing.
  explicit NoProxy(std::string_view list = {});
  // host: lower case, without brackets and zone.
  bool Matches(std::string_view host, uint16_t port) const;
  bool empty() const { return !all_ && entries_.empty(); }

 private:
  struct Entry {
    std::string name;  // without dots around it; "" for a net
    platform::Address net;
    unsigned bits = 0;  // of the net
    uint16_t port = 0;  // 0: any
  };
  void Add(std::string_view entry);
  bool all_ = false;
  std::vector<Entry> entries_;
};

}  // namespace creche::http
