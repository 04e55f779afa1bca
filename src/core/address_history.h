// AddressHistory: which addresses did not answer lately, so that those that do are tried first: a
// dead first address costs its delay once, not at each connect (RFC 8305, section 9.2). A cache: it
// may forget. Loop's thread only.
#pragma once
#include <vector>

#include "core/status.h"
#include "platform/address.h"

namespace creche {

class AddressHistory {
 public:
  static constexpr Nanos kMemory = 600 * kSecond;
  // It refused, or somebody who was asked after it answered before.
  void Failed(const platform::Address& address, Nanos now) noexcept;
  void Answered(const platform::Address& address) noexcept;
  // Puts those that failed lately behind the others; the order stays otherwise.
  void Sort(std::vector<platform::Address>* addresses, Nanos now) const;

 private:
  static constexpr size_t kMost = 64;
  struct Entry {
    platform::Address address;
    Nanos until;
  };
  std::vector<Entry> failed_;  // few, and mostly none
};

}  // namespace creche
