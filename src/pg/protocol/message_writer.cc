#include "pg/protocol/message_writer.h"

#include <cstring>

#include "pg/protocol/bytes.h"

namespace creche::pg {

void MessageWriter::Begin(Frontend type) noexcept {
  *at_ = static_cast<char>(type);
  length_ = at_ + 1;
  at_ += 5;
}

void MessageWriter::End() noexcept {
  Store32(length_, static_cast<uint32_t>(at_ - length_));
}

void MessageWriter::Put16(size_t value) noexcept {
  Store16(at_, static_cast<uint16_t>(value));
  at_ += 2;
}

void MessageWriter::Put32(size_t value) noexcept {
  Store32(at_, static_cast<uint32_t>(value));
  at_ += 4;
}

void MessageWriter::PutBytes(const void* bytes, size_t size) noexcept {
  if (size > 0) std::memcpy(at_, bytes, size);
  at_ += size;
}

void MessageWriter::PutText(std::string_view text) noexcept {
  PutBytes(text.data(), text.size());
  Put8('\0');
}

void MessageWriter::Parse(std::string_view name, const Statement& s) noexcept {
  Begin(Frontend::kParse);
  PutText(name);
  PutText(s.text());
  Put16(s.count());
  for (size_t i = 0; i < s.count(); i++) Put32(s.types()[i]);
  End();
}

void MessageWriter::Bind(std::string_view name, const Statement& s,
                         const ColumnForms* forms) noexcept {
  constexpr size_t kBinary = 1;
  Begin(Frontend::kBind);
  PutText({});
  PutText(name);
  Put16(s.count());
  PutBytes(s.forms().data(), s.forms().size());
  Put16(s.count());
  PutBytes(s.values().data(), s.values().size());
  if (forms && !forms->empty()) {
    Put16(forms->size());
    for (const ColumnForm form : *forms) Put16(static_cast<size_t>(form));
  } else {
    Put16(1);  // for all columns
    Put16(kBinary);
  }
  End();
}

void MessageWriter::Parse(std::string_view name, std::string_view sql) noexcept {
  Begin(Frontend::kParse);
  PutText(name);
  PutText(sql);
  Put16(0);
  End();
}

void MessageWriter::Bind() noexcept {
  Begin(Frontend::kBind);
  PutText({});
  PutText({});
  Put16(0);
  Put16(0);
  Put16(1);  // for all columns
  Put16(1);  // binary
  End();
}

void MessageWriter::DescribeStatement(std::string_view name) noexcept {
  Begin(Frontend::kDescribe);
  Put8(Named::kStatement);
  PutText(name);
  End();
}

void MessageWriter::DescribePortal() noexcept {
  Begin(Frontend::kDescribe);
  Put8(Named::kPortal);
  PutText({});
  End();
}

void MessageWriter::Execute(uint32_t rows) noexcept {
  Begin(Frontend::kExecute);
  PutText({});
  Put32(rows);
  End();
}

void MessageWriter::CloseStatement(std::string_view name) noexcept {
  Begin(Frontend::kClose);
  Put8(Named::kStatement);
  PutText(name);
  End();
}

void MessageWriter::Sync() noexcept {
  Begin(Frontend::kSync);
  End();
}

void MessageWriter::CopyData(std::string_view bytes) noexcept {
  Begin(Frontend::kCopyData);
  PutBytes(bytes.data(), bytes.size());
  End();
}

void MessageWriter::CopyDone() noexcept {
  Begin(Frontend::kCopyDone);
  End();
}

void MessageWriter::CopyFail(std::string_view why) noexcept {
  Begin(Frontend::kCopyFail);
  PutText(why);
  End();
}

void MessageWriter::Query(std::string_view sql) noexcept {
  Begin(Frontend::kQuery);
  PutText(sql);
  End();
}

}  // namespace creche::pg
