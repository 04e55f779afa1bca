// Netrc: users and passwords of hosts, from a file that many programs share.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/credentials.h"

namespace creche::http {

class Netrc {
 public:
  // The content of a file: "machine HOST login USER password PASSWORD", "default ...", "account X",
  // "macdef NAME" up to an empty line, comments behind a #; values may be quoted. False, with no
  // entry, if it is something else.
  bool Read(std::string_view text);
  // Of the first entry for the host, or of "default" behind all; null if there is none, or it has
  // no login.
  const Credentials* Find(std::string_view host) const;
  bool empty() const { return entries_.empty(); }

 private:
  struct Entry {
    std::string host;  // small letters; "" is the default
    Credentials credentials;
  };
  std::vector<Entry> entries_;
};

}  // namespace creche::http
