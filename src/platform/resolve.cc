#include "platform/resolve.h"

#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>

namespace creche::platform {

Resolved ResolveName(const std::string& name) noexcept {
  Resolved found;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  // No addresses of a family that this machine has no network for.
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  found.eai = getaddrinfo(name.c_str(), nullptr, &hints, &list);
  if (found.eai != 0) {
    if (found.eai == EAI_SYSTEM) found.system_errno = errno;
    return found;
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, freeaddrinfo);
  try {
    for (const addrinfo* i = list; i; i = i->ai_next) {
      const Address address = Address::From(i->ai_addr, i->ai_addrlen);
      auto& all = found.addresses;
      // Hosts files like to say things twice.
      if (address.family() != AF_UNSPEC && std::find(all.begin(), all.end(), address) == all.end())
        all.push_back(address);
    }
    if (found.addresses.empty()) found.eai = EAI_NONAME;
  } catch (const std::bad_alloc&) {
    found.addresses.clear();
    found.eai = EAI_MEMORY;
  }
  return found;
}

std::string ResolveErrorText(const Resolved& failure) {
  if (failure.eai != EAI_SYSTEM) return gai_strerror(failure.eai);
  char text[128];
  return strerror_r(failure.system_errno, text, sizeof text);
}

bool ResolveErrorIsTemporary(const Resolved& failure) noexcept {
  return failure.eai == EAI_AGAIN || failure.eai == EAI_MEMORY || failure.eai == EAI_SYSTEM;
}

}  // namespace creche::platform
