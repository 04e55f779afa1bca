#include "pg/export/arrow_column.h"

#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "core/utf8.h"
#include "pg/export/text.h"
#include "pg/type/numeric.h"
#include "pg/type/type.h"

namespace creche::pg {

namespace {

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;
constexpr int kMostDigits = 38;

// A decimal's text as an integer of so many decimals. False if it has more digits than that.
bool ToDecimal(const std::string& text, int precision, int scale, Int128* out) {
  UInt128 value = 0;
  int digits = 0, decimals = -1;
  const auto append = [&](int digit) {
    value = value * 10 + static_cast<unsigned>(digit);
    if (digits > 0 || digit != 0) digits++;
  };
  for (const char c : text) {
    if (c == '-') continue;
    if (c == '.') {
      decimals = 0;
      continue;
    }
    const bool left = decimals < scale;
    if (!left && c != '0') return false;
    if (!left) continue;
    append(c - '0');
    if (decimals >= 0) decimals++;
    if (digits > precision) return false;
  }
  for (int i = decimals < 0 ? 0 : decimals; i < scale; i++) append(0);
  if (digits > precision) return false;
  *out = text[0] == '-' ? -static_cast<Int128>(value) : static_cast<Int128>(value);
  return true;
}

}  // namespace

ArrowColumn::ArrowColumn(const RowView& rows, uint32_t column, const ArrowOptions& options)
    : rows_(rows), column_(column), type_(rows.ColumnType(column)), strict_(options.strict) {
  Choose(options);
}

void ArrowColumn::Choose(const ArrowOptions& options) {
  static constexpr struct {
    uint32_t type;
    const char* format;
    uint8_t width;
  } kNumbers[] = {{kInt2, "s", 2},   {kInt4, "i", 4},         {kInt8, "l", 8},
                  {kOid, "I", 4},    {kFloat4, "f", 4},       {kFloat8, "g", 8},
                  {kDate, "tdD", 4}, {kTimestamp, "tsu:", 8}, {kTimestamptz, "tsu:UTC", 8}};
  format_ = "u";
  if (rows_.ColumnIsText(column_)) return;
  for (const auto& number : kNumbers) {
    if (number.type != type_) continue;
    form_ = Form::kNumber;
    format_ = number.format;
    width_ = number.width;
    return;
  }
  if (type_ == kBool) {
    form_ = Form::kBool;
    format_ = "b";
  } else if (type_ == kBytea) {
    form_ = Form::kBytes;
    format_ = "z";
  } else if (type_ == kUuid) {
    form_ = Form::kUuid;
    format_ = "w:16";
    width_ = 16;
  } else if (type_ == kNumeric && !options.numeric_text) {
    precision_ = options.precision;
    scale_ = options.scale;
    // What the column declares: numeric(p,s).
    if (const int32_t modifier = rows_.ColumnModifier(column_); modifier >= 4) {
      precision_ = (modifier - 4) >> 16 & 0xffff;
      scale_ = (((modifier - 4) & 0x7ff) ^ 0x400) - 0x400;
    }
    if (precision_ < 1 || precision_ > kMostDigits || scale_ < 0 || scale_ > precision_) return;
    form_ = Form::kDecimal;
    format_ = "d:" + std::to_string(precision_) + "," + std::to_string(scale_);
    width_ = sizeof(Int128);
  }
}

void ArrowColumn::SetBit(std::vector<char>* bits, bool set) {
  const auto at = static_cast<size_t>(count_);
  if (at % 8 == 0) bits->push_back(0);
  if (set) bits->back() = static_cast<char>(bits->back() | 1 << at % 8);
}

void ArrowColumn::Put(const void* bytes, size_t size) {
  const char* at = static_cast<const char*>(bytes);
  data_.insert(data_.end(), at, at + size);
}

void ArrowColumn::AddNull() {
  nulls_++;
  SetBit(&valid_, false);
  if (form_ == Form::kBool) SetBit(&data_, false);
  data_.resize(data_.size() + width_);
}

const char* ArrowColumn::Refuse(const char* why) {
  if (strict_) return why;
  AddNull();
  return nullptr;
}

const char* ArrowColumn::Add(uint64_t row) {
  const RowView::Cell cell = rows_.At(row, column_);
  const char* why = nullptr;
  const int64_t nulls = nulls_;
  if (cell.null) {
    AddNull();
  } else if (form_ == Form::kBool && !cell.bytes) {
    SetBit(&data_, cell.bits != 0);
  } else if (form_ == Form::kNumber && !cell.bytes) {
    why = AddNumber(cell);
  } else if (form_ == Form::kDecimal) {
    why = AddDecimal(cell);
  } else if (form_ == Form::kUuid && cell.size == width_) {
    Put(cell.bytes, width_);
  } else if (form_ == Form::kBytes) {
    Put(cell.bytes, cell.size);
  } else if (form_ == Form::kText) {
    std::string text = FormatCell(rows_, row, column_);
    MakeUtf8(&text);
    Put(text.data(), text.size());
  } else {
    why = "the block is damaged";
  }
  if (why) return why;
  if (nulls == nulls_) SetBit(&valid_, true);
  if (form_ == Form::kBytes || form_ == Form::kText)
    ends_.push_back(static_cast<int64_t>(data_.size()));
  count_++;
  return nullptr;
}

const char* ArrowColumn::AddNumber(const RowView::Cell& cell) {
  const auto number = static_cast<int64_t>(cell.bits);
  if (TypeOf(type_).kind == Type::Kind::kMoment) {
    if (number == INT64_MAX || number == INT64_MIN) return Refuse("it is infinite");
    if (cell.later != 0) return Refuse("it is later than 64 bits of microseconds reach");
  }
  if (type_ == kFloat4) {
    const auto real = static_cast<float>(std::bit_cast<double>(cell.bits));
    Put(&real, sizeof real);
  } else {
    // The low bytes of a number come first.
    static_assert(std::endian::native == std::endian::little);
    Put(&cell.bits, width_);
  }
  return nullptr;
}

const char* ArrowColumn::AddDecimal(const RowView::Cell& cell) {
  const std::string text = NumericToText(cell.bytes, cell.size);
  if (text.empty() || text.back() < '0' || text.back() > '9')
    return Refuse("it is NaN or infinite");
  Int128 value;
  if (!ToDecimal(text, precision_, scale_, &value))
    return "it has more digits than the decimal: take a wider one, or CRECHE_ARROW_NUMERIC_TEXT";
  Put(&value, sizeof value);
  return nullptr;
}

void ArrowColumn::Finish() {
  buffers_.push_back(nulls_ > 0 ? std::move(valid_) : std::vector<char>());
  if (form_ == Form::kBytes || form_ == Form::kText) {
    const bool large = data_.size() > size_t{std::numeric_limits<int32_t>::max()};
    std::vector<char> offsets((ends_.size() + 1) * (large ? 8 : 4));
    for (size_t i = 0; i < ends_.size(); i++) {
      const auto narrow = static_cast<int32_t>(ends_[i]);
      if (large)
        std::memcpy(&offsets[(i + 1) * 8], &ends_[i], 8);
      else
        std::memcpy(&offsets[(i + 1) * 4], &narrow, 4);
    }
    if (large) format_ = form_ == Form::kBytes ? "Z" : "U";
    buffers_.push_back(std::move(offsets));
  }
  buffers_.push_back(std::move(data_));
}

}  // namespace creche::pg
