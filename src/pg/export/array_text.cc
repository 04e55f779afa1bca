#include "pg/export/array_text.h"

#include <algorithm>

namespace creche::pg {

ArrayText::ArrayText(std::string_view text, char delimiter)
    : text_(text), delimiter_(delimiter), at_(std::min(text.find('{'), text.size())) {}

ArrayText::Part ArrayText::Take(std::string* value) {
  if (at_ > 0 && at_ < text_.size() && depth_ > 0 && text_[at_] == delimiter_) at_++;
  if (at_ >= text_.size()) return depth_ == 0 && at_ > 0 ? Part::kEnd : Part::kBad;
  switch (text_[at_]) {
    case '{':
      at_++;
      depth_++;
      return Part::kOpen;
    case '}':
      if (depth_ == 0) return Part::kBad;
      at_++;
      depth_--;
      return Part::kClose;
    case '"':
      return depth_ > 0 ? TakeQuoted(value) : Part::kBad;
    default:
      return depth_ > 0 ? TakePlain(value) : Part::kBad;
  }
}

ArrayText::Part ArrayText::TakeQuoted(std::string* value) {
  value->clear();
  for (at_++; at_ < text_.size(); at_++) {
    if (text_[at_] == '"') {
      at_++;
      return Part::kValue;
    }
    if (text_[at_] == '\\' && ++at_ == text_.size()) break;
    *value += text_[at_];
  }
  return Part::kBad;
}

// The server quotes what could be read as something else.
ArrayText::Part ArrayText::TakePlain(std::string* value) {
  const size_t begin = at_;
  while (at_ < text_.size() && text_[at_] != delimiter_ && text_[at_] != '}') at_++;
  value->assign(text_, begin, at_ - begin);
  return *value == "NULL" ? Part::kNull : Part::kValue;
}

}  // namespace creche::pg
