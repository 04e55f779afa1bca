#include "pg/sql/statement.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "pg/protocol/bytes.h"
#include "pg/type/params.h"
#include "pg/type/type.h"

namespace creche::pg {

namespace {

// The protocol counts parameters in 16 bits.
constexpr size_t kMaxValues = 65535;

uint64_t Mix(uint64_t hash, uint64_t value) {
  hash ^= value + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2);
  return hash;
}

}  // namespace

bool Statement::infers_types() const noexcept {
  return std::find(types(), types() + count_, uint32_t{kUnknownType}) != types() + count_;
}

std::string_view Statement::TakeValue(std::string_view* values) noexcept {
  const uint32_t size = Load32(values->data());
  const char* data = values->data() + kLength;
  const bool null = size == kNull;
  values->remove_prefix(kLength + (null ? 0 : size));
  return null ? std::string_view() : std::string_view(data, size);
}

Statement::Statement(std::string_view sql, const Value* values, size_t count)
    : Statement(SqlText::Make(sql), values, count) {}

Statement::Statement(Ref<const SqlText> sql, const Value* values, size_t count)
    : sql_(std::move(sql)), hash_(sql_->hash()) {
  if (count > kMaxValues) {
    Refuse("more than 65535 parameters: pass arrays, or split the statement");
    return;
  }
  size_t most = count * kHead;
  for (size_t i = 0; i < count; i++) most += kLength + EncodedSize(values[i]);
  if (sql_->too_long() || sql_->text().size() + most > SqlText::kMaxBytes) {
    Refuse("a statement with its parameters takes less than 1 GiB: split it");
    return;
  }
  if (most > kFew) more_.reset(new char[most]);
  count_ = count;
  Encode(values);
}

Statement Statement::Script(std::string_view sql) {
  return Statement(SqlText::Make(sql, SqlText::Use::kScript), nullptr, 0);
}

void Statement::Encode(const Value* values) noexcept {
  char* const begin = more_ ? more_.get() : few_;
  char* form = begin + count_ * sizeof(uint32_t);
  char* out = begin + count_ * kHead;
  for (size_t i = 0; i < count_; i++) {
    const uint32_t type = values[i].type;
    std::memcpy(begin + i * sizeof type, &type, sizeof type);
    hash_ = Mix(hash_, type);
    Encoded encoded;
    if (ErrorRef error = creche::pg::Encode(values[i], i + 1, out + kLength, &encoded);
        error && !error_)
      error_ = std::move(error);
    Store16(form, encoded.binary);
    form += sizeof(uint16_t);
    Store32(out, encoded.null ? kNull : static_cast<uint32_t>(encoded.size));
    out += kLength + encoded.size;
  }
  params_size_ = static_cast<size_t>(out - begin);
}

void Statement::Refuse(const char* why) noexcept {
  error_ = MakeError(Status::kInvalid, Phase::kOptions, why);
}

}  // namespace creche::pg
