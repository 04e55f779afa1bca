#include "pg/type/fit.h"

#include <bit>
#include <charconv>
#include <climits>
#include <cmath>
#include <cstring>

#include "pg/protocol/bytes.h"
#include "pg/type/catalog.h"
#include "pg/type/parse_text.h"

namespace creche::pg {

namespace {

using Kind = Type::Kind;

constexpr char kNotOfIt[] = "a value of another type; convert it, or give it as text";

// Sent as text, and nothing else: what the server reads in a way of its own is not.
bool IsText(uint32_t oid) noexcept {
  return oid == kText || oid == kVarchar || oid == kBpchar || oid == kName || oid == kJson ||
         oid == kRefcursor;
}

}  // namespace

bool Fit::Of(uint32_t oid, const Catalog& catalog) noexcept {
  oid_ = oid;
  type_ = &TypeOf(oid);
  if (oid >= kFirstUserType) {
    const CatalogType* known = catalog.Find(oid);
    // Without an array of it the server takes none in binary form, perhaps.
    if (!known || known->edition != catalog.edition() || known->array == 0) return false;
    as_ = known->kind == UserKind::kVersionedText ? As::kVersionedText : As::kText;
    return known->kind == UserKind::kEnum || known->kind == UserKind::kText ||
           known->kind == UserKind::kVersionedText;
  }
  as_ = As::kNumber;
  if (type_->encode_integer || type_->encode_real) return true;
  if (oid == kNumeric) return as_ = As::kNumeric, true;
  if (oid == kBytea) return as_ = As::kBytes, true;
  if (oid == kUuid) return as_ = As::kUuid, true;
  if (type_->kind == Kind::kVersionedText) return as_ = As::kVersionedText, true;
  as_ = As::kText;
  return IsText(oid);
}

const char* Fit::Append(const Value& value, std::string* out) const {
  const size_t begin = out->size();
  char length[4];
  Store32(length, UINT32_MAX);  // NULL
  out->append(length, sizeof length);
  const char* why = nullptr;
  switch (value.form) {
    case Value::kNull:
      return nullptr;
    case Value::kInteger:
      why = AppendInteger(value.type, value.integer, out);
      break;
    case Value::kReal:
      why = TypeOf(value.type).encode_real ? AppendReal(value.real, out) : kNotOfIt;
      break;
    case Value::kText:
    case Value::kBinary: {
      if (!value.data && value.size != 0) return "data is NULL but size is not 0";
      if (value.size >= INT_MAX / 2) return "bigger than 1 GiB";
      const std::string_view bytes(static_cast<const char*>(value.data), value.size);
      why = value.form == Value::kText ? AppendText(bytes, out) : AppendBytes(value, bytes, out);
      break;
    }
    default:
      return "unknown form (CRECHE_VALUE_*)";
  }
  Store32(out->data() + begin, static_cast<uint32_t>(out->size() - begin - sizeof length));
  return why;
}

const char* Fit::PutInteger(int64_t integer, std::string* out) const {
  char bytes[8];
  const char* why = type_->encode_integer(integer, bytes);
  if (!why) out->append(bytes, type_->size);
  return why;
}

const char* Fit::AppendInteger(uint32_t from, int64_t integer, std::string* out) const {
  const Type& type = TypeOf(from);
  if (!type.encode_integer) return kNotOfIt;
  // A date is no timestamp, and a timestamp has no zone.
  if (type.kind != Kind::kInteger) return from == oid_ ? PutInteger(integer, out) : kNotOfIt;
  if (type_->kind == Kind::kInteger) return PutInteger(integer, out);
  if (as_ == As::kNumeric) {
    char digits[24];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, integer);
    return ParseNumeric({digits, static_cast<size_t>(end - digits)}, out);
  }
  if (type_->kind != Kind::kReal) return kNotOfIt;
  const int64_t exact = int64_t{1} << (oid_ == kFloat4 ? 24 : 53);
  if (integer > exact || integer < -exact) return "an integer that it cannot hold exactly";
  return AppendReal(static_cast<double>(integer), out);
}

const char* Fit::AppendReal(double real, std::string* out) const {
  if (type_->encode_real) {
    char bytes[8];
    const char* why = type_->encode_real(real, bytes);
    if (!why) out->append(bytes, type_->size);
    return why;
  }
  if (as_ != As::kNumeric) return kNotOfIt;
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, real);
  return ParseNumeric({digits, static_cast<size_t>(end - digits)}, out);
}

const char* Fit::AppendText(std::string_view text, std::string* out) const {
  int64_t integer = 0;
  double real = 0;
  const char* why = nullptr;
  switch (as_) {
    case As::kText:
    case As::kVersionedText:
      if (!text.empty() && std::memchr(text.data(), '\0', text.size()))
        return "text holds a NUL byte; send it as bytea";
      if (as_ == As::kVersionedText) out->push_back(1);
      out->append(text);
      return nullptr;
    case As::kNumeric:
      return ParseNumeric(text, out);
    case As::kBytes:
      return ParseBytes(text, out);
    case As::kUuid:
      return ParseUuid(text, out);
    case As::kNumber:
      break;
  }
  switch (type_->kind) {
    case Kind::kReal:
      why = ParseReal(text, oid_ == kFloat4, &real);
      return why ? why : AppendReal(real, out);
    case Kind::kBool:
      why = ParseBool(text, &integer);
      break;
    case Kind::kMoment:
      why = oid_ == kDate ? ParseDate(text, &integer)
                          : ParseTimestamp(text, oid_ == kTimestamptz, &integer);
      break;
    default:
      why = ParseInteger(text, &integer);
      break;
  }
  return why ? why : PutInteger(integer, out);
}

const char* Fit::AppendBytes(const Value& value, std::string_view bytes, std::string* out) const {
  const Type& from = TypeOf(value.type);
  const bool text = IsText(value.type);
  if ((as_ == As::kText || as_ == As::kVersionedText) && text) return AppendText(bytes, out);
  if (from.size != 0 && from.size != bytes.size()) return "bytes that are no value of their type";
  if (value.type == oid_) {
    if (as_ == As::kUuid && bytes.size() != 16) return "bytes that are no uuid";
    return out->append(bytes), nullptr;
  }
  if (from.kind == Kind::kInteger)
    return AppendInteger(value.type, static_cast<int64_t>(from.decode(bytes.data())), out);
  if (from.kind == Kind::kReal)
    return AppendReal(std::bit_cast<double>(from.decode(bytes.data())), out);
  return kNotOfIt;
}

}  // namespace creche::pg
