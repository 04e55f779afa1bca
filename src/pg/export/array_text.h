// ArrayText: an array as the server prints it, {a,"b c",NULL,{...}}, taken apart. What stands
// before the braces (bounds) is skipped.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace creche::pg {

class ArrayText {
 public:
  enum class Part { kOpen, kClose, kNull, kValue, kEnd, kBad };
  ArrayText(std::string_view text, char delimiter);

  // The next part; `value` of kValue. May throw bad_alloc.
  Part Take(std::string* value);

 private:
  Part TakeQuoted(std::string* value);
  Part TakePlain(std::string* value);

  const std::string_view text_;
  const char delimiter_;
  size_t at_ = 0;
  size_t depth_ = 0;
};

}  // namespace creche::pg
