// The names of types, for messages.
#pragma once
#include <cstdint>
#include <string>

namespace creche::pg {

// "int8"; "type 16501" for one that is not known here. May throw bad_alloc.
std::string TypeName(uint32_t oid);

}  // namespace creche::pg
