#include "pg/export/copy_text.h"

#include <climits>
#include <string>
#include <string_view>

#include "pg/type/params.h"
#include "pg/type/print.h"
#include "pg/type/type.h"

namespace creche::pg {

namespace {

void AppendEscaped(std::string* out, std::string_view text) {
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (c != '\\' && c != '\t' && c != '\n' && c != '\r') continue;
    out->append(text, begin, i - begin);
    out->push_back('\\');
    out->push_back(c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : '\\');
    begin = i + 1;
  }
  out->append(text, begin);
}

ErrorRef Unprintable() noexcept {
  return MakeError(Status::kType, Phase::kOptions,
                   "what text this type's binary form stands for is not known: give it as text");
}

// Null, or why it cannot be written.
ErrorRef AppendValue(std::string* out, const Value& value) {
  char number[8];
  Encoded encoded;
  std::string_view bytes(static_cast<const char*>(value.data), value.size);
  if (value.form == Value::kText || value.form == Value::kBinary) {
    // As Encode has it, but for the copy.
    if (!value.data && value.size != 0)
      return MakeError(Status::kInvalid, Phase::kOptions, "data is NULL but size is not 0");
    if (value.size >= INT_MAX)
      return MakeError(Status::kInvalid, Phase::kOptions, "bigger than 2 GiB");
  } else {
    if (ErrorRef error = Encode(value, 1, number, &encoded)) return error;
    if (encoded.null) return out->append("\\N"), nullptr;
    bytes = {number, encoded.size};
  }
  if (value.form == Value::kText) {
    if (bytes.find('\0') != bytes.npos)
      return MakeError(Status::kInvalid, Phase::kOptions,
                       "text holds a NUL byte; send it as bytea");
    return AppendEscaped(out, bytes), nullptr;
  }
  // What a type of the user's is only the server knows.
  std::string text;
  if (value.type == kUnknownType || value.type >= kFirstUserType ||
      !PrintValue(&text, value.type, bytes, 0, nullptr))
    return Unprintable();
  AppendEscaped(out, text);
  return nullptr;
}

ErrorRef At(const ErrorRef& why, size_t row, size_t column) {
  std::string message = "row " + std::to_string(row) + ", column " + std::to_string(column) + ": ";
  // Encode speaks of a parameter.
  std::string_view said = why->message();
  constexpr std::string_view kParameter = "parameter $1: ";
  if (said.starts_with(kParameter)) said.remove_prefix(kParameter.size());
  message += said;
  return MakeError(
      ErrorInfo{.status = why->status(), .phase = Phase::kOptions, .message = std::move(message)});
}

}  // namespace

ErrorRef AppendCopyRow(const Value* values, size_t columns, size_t row, std::string* out) {
  for (size_t column = 0; column < columns; column++) {
    if (column > 0) *out += '\t';
    if (ErrorRef error = AppendValue(out, values[column])) return At(error, row, column);
  }
  *out += '\n';
  return nullptr;
}

ErrorRef WriteCopyText(const Value* values, size_t columns, size_t rows, Pieces* out) {
  const ErrorRef stopped = MakeError(Status::kCancelled, Phase::kOptions, "write wanted no more");
  for (size_t row = 0; row < rows; row++) {
    if (ErrorRef error = AppendCopyRow(values + row * columns, columns, row, &out->text()))
      return error;
    if (!out->Go()) return stopped;
  }
  return out->Flush() ? nullptr : stopped;
}

}  // namespace creche::pg
