#include "http/response_head.h"

namespace creche::http {

namespace {
// What most heads need, so that the first one on a connection grows only once.
constexpr size_t kTextGuess = 512;
constexpr size_t kFieldsGuess = 16;
}  // namespace

std::string_view ResponseHead::Find(Known name) const {
  for (size_t i = 0; Has(name) && i < fields_.size(); i++)
    if (fields_[i].known == name) return at(i).value;
  return {};
}

size_t ResponseHead::IndexOf(std::string_view name) const {
  size_t i = 0;
  while (i < fields_.size() && !SameName(at(i).name, name)) i++;
  return i;
}

bool ResponseHead::ListHas(Known name, std::string_view element) const {
  for (size_t i = 0; Has(name) && i < fields_.size(); i++) {
    if (fields_[i].known != name) continue;
    std::string_view list = at(i).value;
    std::string_view one;
    while (NextElement(&list, &one))
      if (SameName(one, element)) return true;
  }
  return false;
}

void ResponseHead::Clear() {
  text_.clear();
  fields_.clear();
  open_ = {};
  known_ = 0;
  status = 0;
  minor = 0;
}

void ResponseHead::AppendName(const char* data, size_t size) {
  if (text_.capacity() < kTextGuess) text_.reserve(kTextGuess);
  if (open_.name_size == 0) open_.name = static_cast<uint32_t>(text_.size());
  text_.append(data, size);
  open_.name_size += static_cast<uint32_t>(size);
}

bool ResponseHead::EndName() {
  if (open_.name_size == 0) return false;
  open_.known = KnownName({text_.data() + open_.name, open_.name_size});
  text_ += '\0';
  open_.value = static_cast<uint32_t>(text_.size());
  return true;
}

void ResponseHead::AppendValue(const char* data, size_t size) {
  text_.append(data, size);
  open_.value_size += static_cast<uint32_t>(size);
}

void ResponseHead::EndValue() {
  while (open_.value_size > 0 && (text_.back() == ' ' || text_.back() == '\t')) {
    text_.pop_back();
    open_.value_size--;
  }
  text_ += '\0';
  if (fields_.capacity() == 0) fields_.reserve(kFieldsGuess);
  fields_.push_back(open_);
  known_ |= Bit(open_.known);
  open_ = {};
}

}  // namespace creche::http
