// For tests: callbacks that may run in any order run in one drawn from a seed.
#include <algorithm>
#include <new>
#include <unordered_map>
#include <vector>

#include "tasks/node/nodes.h"
#include "tasks/ready_list.h"

namespace creche::tasks {

namespace {

// splitmix64: small, and the same everywhere.
uint64_t Next(uint64_t* state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

// Posts keep their order, and so do the callbacks of one task. Without memory nothing is shuffled.
void ReadyList::Shuffle() noexcept {
  try {
    std::vector<Entry*> order;
    // Posts are of none.
    const auto node = [](Entry* entry) -> EndNode* {
      if (entry->entry_type == EntryType::kPost) return nullptr;
      if (entry->entry_type == EntryType::kYield) return static_cast<YieldEntry*>(entry)->node;
      return NodeOf(entry);
    };
    std::unordered_map<EndNode*, std::vector<Entry*>> of_node;
    for (Entry* entry = first(); entry; entry = entry->next_entry) {
      order.push_back(entry);
      of_node[node(entry)].push_back(entry);
    }
    for (size_t i = order.size(); i > 1; i--) std::swap(order[i - 1], order[Next(&shuffle_) % i]);
    // Each place goes to its node; which of the node's entries stands there is the order of old.
    std::unordered_map<EndNode*, size_t> taken;
    for (Entry*& place : order) place = of_node[node(place)][taken[node(place)]++];
    static_cast<EntryList&>(*this) = {};
    for (Entry* entry : order) Push(entry);
  } catch (const std::bad_alloc&) {
    return;  // the list is only changed when there is no more to fail
  }
}

}  // namespace creche::tasks
