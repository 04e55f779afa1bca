// The names that users gave to sessions and pools. Any thread.
#pragma once
#include <cstdint>
#include <string>

namespace creche::capi {

// In place of the one before; what has ended by then is forgotten some time. May throw bad_alloc.
void NameObject(uint64_t id, const char* name);
// "" if it has none. May throw bad_alloc.
std::string NameOfObject(uint64_t id);

}  // namespace creche::capi
