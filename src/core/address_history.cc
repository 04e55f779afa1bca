#include "core/address_history.h"

#include <algorithm>
#include <new>

namespace creche {

void AddressHistory::Failed(const platform::Address& address, Nanos now) noexcept {
  Answered(address);
  if (failed_.size() == kMost) failed_.erase(failed_.begin());  // the oldest
  try {
    failed_.push_back({address, After(now, kMemory)});
  } catch (const std::bad_alloc&) {
  }
}

void AddressHistory::Answered(const platform::Address& address) noexcept {
  std::erase_if(failed_, [&](const Entry& entry) { return entry.address == address; });
}

void AddressHistory::Sort(std::vector<platform::Address>* addresses, Nanos now) const {
  if (failed_.empty()) return;
  std::stable_partition(addresses->begin(), addresses->end(), [&](const platform::Address& a) {
    return std::none_of(failed_.begin(), failed_.end(), [&](const Entry& entry) {
      return entry.until > now && entry.address == a;
    });
  });
}

}  // namespace creche
