#include "http/response_head.h"

#include <cstring>

namespace creche::http {

namespace {
// What most heads need, so that the first one on a connection grows only once.
constexpr size_t kTextGuess = 512;
constexpr size_t kFieldsGuess = 16;
}  // namespace

std::string_view ResponseHead::Find(Known name) const {
  return Has(name) ? at(first_[static_cast<size_t>(name)]).value : std::string_view();
}

size_t ResponseHead::IndexOf(std::string_view name) const {
  size_t i = 0;
  while (i < fields_.size() && !SameName(at(i).name, name)) i++;
  return i;
}

bool ResponseHead::ListHas(Known name, std::string_view element) const {
  if (!Has(name)) return false;
  for (size_t i = first_[static_cast<size_t>(name)]; i < fields_.size(); i++) {
    if (fields_[i].known == name) {
      std::string_view list = at(i).value;
      std::string_view one;
      while (NextElement(&list, &one))
        if (SameName(one, element)) return true;
    }
    if (!Repeats(name)) return false;
  }
  return false;
}

void ResponseHead::Clear() {
  text_.clear();
  fields_.clear();
  known_ = repeated_ = 0;
  status = 0;
  minor = 0;
  bytes = 0;
  reason.clear();
}

// Of the last field.
void ResponseHead::Note(Known name) noexcept {
  if (Has(name))
    repeated_ |= Bit(name);
  else
    first_[static_cast<size_t>(name)] = static_cast<uint32_t>(fields_.size() - 1);
  known_ |= Bit(name);
}

void ResponseHead::Add(std::string_view name, std::string_view value) {
  if (text_.capacity() < kTextGuess) text_.reserve(kTextGuess);
  FieldSpan span;
  span.name = static_cast<uint32_t>(text_.size());
  span.name_size = static_cast<uint32_t>(name.size());
  span.known = KnownName(name);
  span.value = static_cast<uint32_t>(text_.size() + name.size() + 1);
  span.value_size = static_cast<uint32_t>(value.size());
  text_.resize(span.value + value.size() + 1);  // with NULs
  std::memcpy(text_.data() + span.name, name.data(), name.size());
  if (!value.empty()) std::memcpy(text_.data() + span.value, value.data(), value.size());
  if (fields_.capacity() == 0) fields_.reserve(kFieldsGuess);
  fields_.push_back(span);
  Note(span.known);
}

void ResponseHead::AddPlace(const char* lines, std::string_view name, std::string_view value) {
  if (fields_.capacity() == 0) fields_.reserve(kFieldsGuess);
  const Known known = KnownName(name);
  fields_.push_back({.name = static_cast<uint32_t>(name.data() - lines),
                     .name_size = static_cast<uint32_t>(name.size()),
                     .value = static_cast<uint32_t>(value.data() - lines),
                     .value_size = static_cast<uint32_t>(value.size()),
                     .known = known});
  Note(known);
}

void ResponseHead::TakeLines(std::string_view lines) {
  text_.assign(lines);
  for (const FieldSpan& p : fields_)
    text_[p.name + p.name_size] = text_[p.value + p.value_size] = '\0';
}

}  // namespace creche::http
