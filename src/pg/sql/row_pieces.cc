#include "pg/sql/row_pieces.h"

#include <cstring>

#include "pg/type/params.h"

namespace creche::pg {

namespace {

// In front of a row: what it is, how many values, how many bytes stand behind them. Then the values
// as they are, with where their bytes are in place of a pointer to them.
struct Head {
  uint64_t mark;
  uint64_t count;
  uint64_t bytes;
};
constexpr uint64_t kMark = 0x776f722065686372;
constexpr uint64_t kMostValues = 1 << 20;

bool HasBytes(const Value& value) noexcept {
  return (value.form == Value::kText || value.form == Value::kBinary) && value.data;
}

template <class T>
void Put(const T& what, std::string* out) {
  out->append(reinterpret_cast<const char*>(&what), sizeof what);
}

}  // namespace

void AppendRow(const Value* values, size_t count, std::string* out) {
  Head head{kMark, count, 0};
  for (size_t i = 0; i < count; i++)
    if (HasBytes(values[i])) head.bytes += values[i].size;
  Put(head, out);
  for (size_t i = 0; i < count; i++) Put(values[i], out);
  for (size_t i = 0; i < count; i++)
    if (HasBytes(values[i])) out->append(static_cast<const char*>(values[i].data), values[i].size);
}

RowTake TakeRow(std::string_view* rest, std::vector<Value>* values) {
  Head head;
  if (rest->size() < sizeof head) return RowTake::kPart;
  std::memcpy(&head, rest->data(), sizeof head);
  if (head.mark != kMark || head.count > kMostValues) return RowTake::kMalformed;
  const size_t fixed = sizeof head + head.count * sizeof(Value);
  if (rest->size() < fixed || rest->size() - fixed < head.bytes) return RowTake::kPart;
  values->resize(head.count);
  if (head.count > 0) std::memcpy(values->data(), rest->data() + sizeof head, fixed - sizeof head);
  const char* at = rest->data() + fixed;
  uint64_t left = head.bytes;
  for (Value& value : *values) {
    if (!HasBytes(value)) continue;
    if (value.size > left) return RowTake::kMalformed;
    value.data = at;
    at += value.size;
    left -= value.size;
  }
  if (left != 0) return RowTake::kMalformed;
  rest->remove_prefix(fixed + head.bytes);
  return RowTake::kRow;
}

}  // namespace creche::pg
