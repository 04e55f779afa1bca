// Named parameters: :name in a statement, as the server has them: $1, $2, ...
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace creche::pg {

struct Numbered {
  enum class Problem : unsigned char { kNone, kUnknown, kUnused, kNumbered, kNoName };
  std::string sql;  // with numbers in place of names
  Problem problem = Problem::kNone;
  std::string name;  // that it is about
};

// names: of $1, $2, ...; each is used, as often as one likes. A colon is none of a name's in
// strings, quoted names, dollar quotes, comments, ::, :=, and in front of anything else than a
// letter or _. May throw bad_alloc.
Numbered NumberNames(std::string_view sql, const char* const* names, size_t count);

}  // namespace creche::pg
