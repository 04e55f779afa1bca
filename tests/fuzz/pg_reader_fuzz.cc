// Fuzzes what a hostile server controls: its messages, through the reader, the steps, and
// everything that looks into bodies. Where the bytes are cut must make no difference. The first
// byte says what was asked, the second where to cut.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "pg/export/text.h"
#include "pg/protocol/answer_steps.h"
#include "pg/protocol/command_tag.h"
#include "pg/protocol/message_reader.h"
#include "pg/protocol/server_error.h"
#include "pg/protocol/server_fields.h"
#include "pg/rows/row_builder.h"
#include "pg/rows/row_view.h"
#include "pg/wire/inbox.h"

using namespace creche;
using namespace creche::pg;

namespace {

// What a connection does with one answer, without the connection.
class Session {
 public:
  explicit Session(uint8_t asked) : max_row_(asked & 0x80 ? 64 : MessageReader::kMaxRow) {
    if (asked & 1) steps_.SetScript();
    if (asked & 2) steps_.AddClose();
    if (asked & 4) steps_.AddStatement((asked & 8) != 0, false, (asked & 32) != 0);
    if (asked & 16) steps_.AddStatement((asked & 8) != 0, (asked & 32) != 0);
    steps_.Sent();
    asked_ = (asked & 64) == 0;
    rows_.Begin(RowDescription::None());
  }
  void Feed(std::string_view bytes) {
    while (!bytes.empty() && !bad_) {
      size_t room = 0;
      char* into = inbox_.Open(reader_.wanted(), &room);
      if (!into) abort();
      const size_t n = std::min(room, bytes.size());
      std::memcpy(into, bytes.data(), n);
      inbox_.Add(n);
      bytes.remove_prefix(n);
      Drain();
      if (!inbox_.Close()) abort();
    }
  }
  const std::string& log() const { return log_; }

 private:
  void Drain() {
    while (!bad_) {
      size_t used = 0;
      Message message;
      const std::string_view bytes = inbox_.bytes();
      const auto got = reader_.Next(bytes.data(), bytes.size(), asked_ ? &steps_ : nullptr,
                                    max_row_, &used, &message);
      if (used > bytes.size()) abort();
      inbox_.Consume(used);
      if (got == MessageReader::Got::kMore) return;
      bad_ = got == MessageReader::Got::kBad || !Take(message);
      log_ += bad_ ? '!' : static_cast<char>(message.type);
    }
  }
  bool Take(const Message& m) {
    // In memory of just that size: AddressSanitizer sees a step outside.
    const std::unique_ptr<char[]> body(new char[m.size]);
    if (m.size > 0) std::memcpy(body.get(), m.body, m.size);
    switch (m.type) {
      case Backend::kNotice:
      case Backend::kError: {
        ServerFields fields;
        if (!fields.Parse(body.get(), m.size, m.cut)) return false;
        log_ += ServerError(fields, Phase::kQuery, false)->message();
        if (m.type == Backend::kError) steps_.Fail();
        return true;
      }
      case Backend::kParameterStatus:
      case Backend::kNotification:
        return true;
      case Backend::kDataRow:
        return m.cut || rows_.Append(body.get(), m.size) == RowCollector::Added::kOk;
      case Backend::kRowDescription: {
        steps_.Take(Backend::kRowDescription);
        auto columns = RowDescription::Parse(body.get(), m.size);
        if (!columns) return false;
        rows_.Begin(std::move(columns));
        return true;
      }
      case Backend::kCommandComplete:
      case Backend::kEmptyQuery: {
        const std::string_view tag(body.get(), strnlen(body.get(), m.size));
        steps_.Take(m.type);
        LogBlock(tag);
        return true;
      }
      case Backend::kReadyForQuery:
        asked_ = false;
        return true;
      case Backend::kCopyIn:
      case Backend::kCopyOut:
      case Backend::kCopyBoth:
        return false;
      default:
        steps_.Take(m.type);
        return true;
    }
  }
  void LogBlock(std::string_view tag) {
    const Ref<Rows> rows = rows_.Take(tag, AffectedOf(tag));
    const RowBlock* block = rows->block();
    log_.append(rows->memory(), block->total_size);
    const RowView view(block);
    // A block that we made is one that we can read.
    if (view.rows() != block->row_count || view.columns() != block->column_count) abort();
    for (uint64_t r = 0; r < std::min<uint64_t>(view.rows(), 8); r++)
      for (uint32_t c = 0; c < std::min<uint32_t>(view.columns(), 8); c++)
        if (view.At(r, c).size < 1000) log_ += FormatCell(view, r, c);
  }

  const size_t max_row_;
  ReceiveSpace space_;
  Inbox inbox_{space_};
  MessageReader reader_;
  AnswerSteps steps_;
  RowCollector rows_;
  std::string log_;
  bool asked_ = true;
  bool bad_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  Session whole(data[0]);
  Session parts(data[0]);
  whole.Feed(input);
  const size_t cut = 1 + data[1] % 64;
  for (size_t at = 0; at < input.size(); at += cut) parts.Feed(input.substr(at, cut));
  if (whole.log() != parts.log()) abort();
  return 0;
}
