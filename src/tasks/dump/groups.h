// The open groups of a loop by their names, for metrics. Any thread, also while a callback blocks
// the loop.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "core/status.h"

namespace creche::tasks {

struct GroupCount {
  uint64_t groups = 0;
  uint64_t children = 0;  // directly in them
  uint64_t waiting = 0;   // of these, for their limits
  int64_t oldest = 0;     // nanoseconds
};

// Adds the groups of a loop to *counts, and stores the loop's name. Looks at each node. May throw
// bad_alloc.
Status CountGroups(uint64_t loop, std::string* name, std::map<std::string, GroupCount>* counts);

}  // namespace creche::tasks
