// Trace: the hooks of a loop, and the events on their way to them. Events are added under the lock
// of the tree, in order, and delivered without it, by one thread at a time.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "core/ref.h"
#include "core/status.h"
#include "platform/lock.h"
#include "tasks/log.h"

namespace creche::tasks {

struct Completion;

enum class EventType : uint32_t {
  kSpawned,
  kStarted,
  kEnded,
  kCancelled,
  kStalled,
  kLeaked,
  kLogged,  // of no hook: a record of the log
};
constexpr int kEventTypes = 6;

// creche_trace_event.kind (capi asserts the numbers); those of nodes are NodeType, plus one.
enum class TraceKind : uint32_t {
  kLoop = 1,
  kWait = 10,
  kQueue = 16,
  kSession,
  kResponse,
  kPool,
  kConnection,
  kRows,
  kObject,  // another owned handle
  kLimiter,
  kRate,
  kEvent,
  kChannel,
  kPost = 32
};

// Twin of creche_trace_event (capi asserts the layout).
struct TraceEvent {
  uint32_t size;
  uint32_t flags;
  EventType type;
  TraceKind kind;
  uint32_t what;
  uint32_t reason;
  int32_t status;
  uint32_t reserved;
  uint64_t loop;
  uint64_t id;
  uint64_t parent;
  uint64_t by;
  int64_t time;
  int64_t duration;
  const char* name;
  const char* site;
  const char* text;
  void (*callback)(void* user, const Completion* completion);
};

using HookFn = void (*)(void* user, const TraceEvent* event);
// creche_hooks, checked.
struct Hooks {
  void* user = nullptr;
  HookFn fns[kEventTypes] = {};
};

class Trace final : public RefCounted {
 public:
  Trace(const Hooks& hooks, const LogTarget& log) noexcept;
  ~Trace() override;

  bool wants(EventType type) const noexcept { return hooks_.fns[static_cast<uint32_t>(type)]; }
  // Copies an event and its texts. With the tree's lock held, which makes the order.
  void Add(const TraceEvent& event) noexcept;
  // Of the log; with the tree's lock held or without.
  void Add(LogRecord record) noexcept;
  bool logs(LogLevel level) const noexcept { return level <= log_.level; }
  bool debugs() const noexcept { return log_.debug; }
  void CountLost() noexcept { lost_.fetch_add(1, std::memory_order_relaxed); }
  bool due() const noexcept { return due_.load(std::memory_order_relaxed); }
  // Calls hooks until nothing is left, unless another thread does so already. No lock held.
  void Deliver() noexcept;
  // The same, and returns when no hook runs any more. Not in a hook.
  void Finish() noexcept;
  // At once, on this thread, beside whatever Deliver does. No lock held.
  void Call(const TraceEvent& event) const noexcept;
  uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

  // For calls of the API, which deliver when they are through with everything else: whether there
  // is any loop with hooks, and ...
  static bool Any() noexcept { return loops_.load(std::memory_order_relaxed) != 0; }
  // ... delivers what this thread's sections have left (Section::Leave).
  static void DeliverMine() noexcept;
  static void LeaveToMe(Trace* trace) noexcept;

 private:
  struct Batch {
    std::vector<TraceEvent> events;
    std::vector<uint32_t> texts;  // three offsets for each but records
    std::string bytes;
    std::vector<LogRecord> records;  // of the events kLogged, in order
  };
  void CallAll(Batch* batch) noexcept;

  static std::atomic<uint32_t> loops_;
  const Hooks hooks_;
  const LogTarget log_;
  platform::Lock lock_;  // a leaf; guards:
  Batch pending_;
  // Of the thread that delivers.
  Batch calling_;
  std::atomic<bool> delivering_{false};  // changed under lock_
  std::atomic<bool> due_{false};
  std::atomic<uint64_t> lost_{0};
};

}  // namespace creche::tasks
