// Names to addresses, blocking: for worker threads.
#pragma once
#include <string>
#include <vector>

#include "platform/address.h"

namespace creche::platform {

struct Resolved {
  int eai = 0;                          // EAI_* of a failure, or 0
  int system_errno = 0;                 // of EAI_SYSTEM
  std::vector<Address> addresses = {};  // in the order of preference (RFC 6724), port 0
};

// Asks the system (hosts file, DNS, ...). Blocks for as long as the system's resolver likes.
Resolved ResolveName(const std::string& name) noexcept;
// "Name or service not known", ...
std::string ResolveErrorText(const Resolved& failure);
// True if asking again later may help.
bool ResolveErrorIsTemporary(const Resolved& failure) noexcept;

}  // namespace creche::platform
