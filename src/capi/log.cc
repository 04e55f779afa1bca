// creche/log.h
#include "capi/log.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "capi/options.h"
#include "platform/user_code.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

using tasks::LogEvent;
using tasks::LogLevel;
static_assert(static_cast<int>(LogLevel::kDebug) == CRECHE_LOG_DEBUG);
static_assert(static_cast<int>(LogEvent::kConnected) == CRECHE_LOG_CONNECTED);
static_assert(static_cast<int>(LogEvent::kConnectFailed) == CRECHE_LOG_CONNECT_FAILED);
static_assert(static_cast<int>(LogEvent::kClosed) == CRECHE_LOG_CLOSED);
static_assert(static_cast<int>(LogEvent::kDropped) == CRECHE_LOG_DROPPED);
static_assert(static_cast<int>(LogEvent::kRetry) == CRECHE_LOG_RETRY);
static_assert(static_cast<int>(LogEvent::kReconnect) == CRECHE_LOG_RECONNECT);
static_assert(static_cast<int>(LogEvent::kRetryDenied) == CRECHE_LOG_RETRY_DENIED);
static_assert(static_cast<int>(LogEvent::kNotClosed) == CRECHE_LOG_NOT_CLOSED);
static_assert(static_cast<int>(LogEvent::kNowhere) == CRECHE_LOG_NOWHERE);
static_assert(static_cast<int>(LogEvent::kRefused) == CRECHE_LOG_REFUSED);

template <>
creche_log Defaults() noexcept {
  creche_log o{};
  o.size = sizeof o;
  o.level = CRECHE_LOG_INFO;
  return o;
}

namespace {

// A record of at most so many fields; none has as many.
constexpr size_t kMostFields = 16;

void Print(const creche_log_record& record) noexcept {
  char line[1024];
  const size_t n = std::min(creche_log_format(&record, line, sizeof line), sizeof line - 1);
  line[n] = '\n';  // in the place of the NUL
  for (size_t done = 0; done < n + 1;) {
    const ssize_t wrote = write(STDERR_FILENO, line + done, n + 1 - done);
    if (wrote <= 0) return;
    done += static_cast<size_t>(wrote);
  }
}

void Tell(const tasks::LogTarget& target, const tasks::LogRecord& from) noexcept {
  creche_log_field fields[kMostFields];
  const size_t count = std::min(from.fields.size(), kMostFields);
  for (size_t i = 0; i < count; i++)
    fields[i] = {from.fields[i].name, from.fields[i].text.c_str(), from.fields[i].number,
                 from.fields[i].is_number, 0};
  creche_log_record record{};
  record.size = sizeof record;
  record.level = static_cast<uint32_t>(from.level);
  record.event = static_cast<uint32_t>(from.event);
  record.fields_count = static_cast<uint32_t>(count);
  record.loop = {{from.loop}};
  record.id = from.id;
  record.time = from.time;
  record.message = from.message;
  record.name = from.name.c_str();
  record.site = from.site.c_str();
  record.fields = fields;
  if (target.user_fn)
    platform::CallUser(reinterpret_cast<creche_log_fn>(target.user_fn), target.user,
                       static_cast<const creche_log_record*>(&record));
  if (target.to_stderr && from.level <= LogLevel::kWarn) Print(record);
}

const char* LevelName(uint32_t level) noexcept {
  switch (level) {
    case CRECHE_LOG_ERROR:
      return "error";
    case CRECHE_LOG_WARN:
      return "warn";
    case CRECHE_LOG_INFO:
      return "info";
    default:
      return "debug";
  }
}

// Text that is the whole of its line's rest up to a blank: what would end it,
// or the line, is escaped.
class Line {
 public:
  Line(char* buffer, size_t capacity) noexcept : at_(buffer), left_(buffer ? capacity : 0) {}
  void Plain(std::string_view text) noexcept {
    for (const char c : text) Put(c);
  }
  void Escaped(std::string_view text, bool blanks_too) noexcept {
    constexpr char kDigits[] = "0123456789abcdef";
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte == 0x7f || c == '"' || c == '\\' || (blanks_too && c == ' ')) {
        Plain("\\x");
        Put(kDigits[byte >> 4]);
        Put(kDigits[byte & 15]);
      } else {
        Put(c);
      }
    }
  }
  size_t End() noexcept {
    if (left_ > 0) *at_ = '\0';
    return size_;
  }

 private:
  void Put(char c) noexcept {
    size_++;
    if (left_ < 2) return;
    *at_++ = c;
    left_--;
  }
  char* at_;
  size_t left_;
  size_t size_ = 0;
};

}  // namespace

creche_status ReadLog(const creche_log* log, bool debug, tasks::LogTarget* target) noexcept {
  creche_log o = Defaults<creche_log>();
  if (log)
    if (const creche_status failed = ReadOptions(log, &o, 0, "creche_log")) return failed;
  if (o.level > CRECHE_LOG_DEBUG)
    return Fail(Status::kUnsupported, "creche_log.level is %u; it is CRECHE_LOG_ERROR to _DEBUG",
                o.level);
  // Not for programs that run with more rights than who has set it.
  const char* const variable = secure_getenv("CRECHE_DEBUG");
  const std::string_view wanted = variable ? variable : "";
  target->to_stderr = wanted == "stderr";
  target->user_fn = reinterpret_cast<void (*)()>(o.write);
  target->user = o.user;
  const bool heard = o.write || target->to_stderr;
  target->debug = heard && (debug || (!wanted.empty() && wanted != "0"));
  if (o.write) target->level = static_cast<LogLevel>(o.level);
  if (target->to_stderr || target->debug) target->level = std::max(target->level, LogLevel::kWarn);
  if (heard) target->write = Tell;
  return CRECHE_OK;
}

}  // namespace creche::capi

extern "C" {

creche_status creche_log_init(creche_log* log, size_t size) {
  return InitOptions(log, size);
}

size_t creche_log_format(const creche_log_record* record, char* buffer, size_t capacity) {
  return GuardOr<size_t>(0, [&]() -> size_t {
    if (!record) return 0;
    Line line(buffer, capacity);
    line.Plain("creche: ");
    line.Plain(LevelName(record->level));
    line.Plain(": ");
    if (record->site[0]) {
      line.Escaped(record->site, false);
      line.Plain(": ");
    }
    if (record->name[0]) {
      line.Plain("\"");
      line.Escaped(record->name, false);
      line.Plain("\" ");
    }
    line.Escaped(record->message, false);
    for (uint32_t i = 0; i < record->fields_count; i++) {
      line.Plain(" ");
      line.Plain(record->fields[i].name);
      line.Plain("=");
      line.Escaped(record->fields[i].text, true);
    }
    return line.End();
  });
}

}  // extern "C"
