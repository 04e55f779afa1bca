// Log: what a loop says in words (creche/log.h). A record is made where
// something happens, on any thread, and told as hooks are (trace.h).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/status.h"

namespace creche {
class Loop;
}

namespace creche::tasks {

// creche_log_record.level and event (capi asserts the numbers).
enum class LogLevel : uint32_t { kNone, kError, kWarn, kInfo, kDebug };
enum class LogEvent : uint32_t {
  kConnected = 1,
  kConnectFailed = 2,
  kClosed = 3,
  kDropped = 4,
  kRetry = 5,
  kReconnect = 6,
  kRetryDenied = 7,
  kNotClosed = 16,
  kNowhere = 17,
  kRefused = 18,
};

struct LogRecord {
  struct Field {
    const char* name;  // static
    std::string text;
    int64_t number = 0;
    bool is_number = false;
  };
  LogLevel level = LogLevel::kNone;
  LogEvent event = LogEvent::kConnected;
  uint64_t loop = 0;
  uint64_t id = 0;  // what it is about, or 0
  int64_t time = 0;
  const char* message = "";  // static
  std::string name, site;    // of what it is about
  std::vector<Field> fields;

  // May throw bad_alloc. Texts must hold no secret: messages of errors do not.
  void Add(const char* field, std::string_view text) {
    fields.push_back({field, std::string(text)});
  }
  void Add(const char* field, int64_t number);
  // Its status, phase and message.
  void AddError(const Error& error);
};

// Where a loop's records go.
struct LogTarget {
  LogLevel level = LogLevel::kNone;  // this one and those above it
  bool debug = false;                // tells what a program does wrong
  void (*write)(const LogTarget& target, const LogRecord& record) = nullptr;
  void (*user_fn)() = nullptr;  // of capi: the user's function,
  void* user = nullptr;         // and his
  bool to_stderr = false;
};

// Whether anybody wants records of that level. Any thread.
bool Logs(Loop& loop, LogLevel level) noexcept;
// fill(LogRecord*): adds the fields. Any thread, no lock held. What there is no
// memory for is counted.
template <class Fill>
void Log(Loop& loop, LogLevel level, LogEvent event, uint64_t id, const char* message,
         Fill fill) noexcept;
// In debug mode: something was to be started in this scope, which takes no
// more.
void ReportRefused(uint64_t scope) noexcept;

// Of Log.
void AddLog(Loop& loop, LogRecord* record) noexcept;
void CountLostLog(Loop& loop) noexcept;

template <class Fill>
void Log(Loop& loop, LogLevel level, LogEvent event, uint64_t id, const char* message,
         Fill fill) noexcept {
  if (!Logs(loop, level)) return;
  try {
    LogRecord record;
    record.level = level;
    record.event = event;
    record.id = id;
    record.message = message;
    fill(&record);
    AddLog(loop, &record);
  } catch (const std::bad_alloc&) {
    CountLostLog(loop);
  }
}

}  // namespace creche::tasks
