// The façade of tasks: what the C ABI calls, by topic; each options struct, checked, and each state
// beside its functions. Any thread unless a comment says otherwise.
#pragma once
#include <cstdint>
#include <string>

#include "core/lag.h"
#include "tasks/completion.h"
#include "tasks/operation.h"
#include "tasks/trace.h"

namespace creche::tasks {

// ---- loops (tree.cc, run.cc, clock.cc, dump/) ----
struct LoopOptions {
  Nanos stall_after = 0;
  Nanos busy_poll = 0;
  const Hooks* hooks = nullptr;
  LogTarget log = {};
  bool caller_runs = false;
  bool virtual_clock = false;
  uint64_t shuffle_seed = 0;
  const ContextType* context = nullptr;
  uint32_t offload_limit = 40;
  const char* name = nullptr;
  DoneFn done = nullptr;
  void* user = nullptr;
};
Status OpenLoop(const LoopOptions& options, uint64_t* id, int* system_errno) noexcept;
Status RunLoop(uint64_t loop) noexcept;
Status PollLoop(uint64_t loop, Nanos timeout) noexcept;
// For who waits elsewhere: what to wait on (kUnsupported: there is nothing), and for how long.
Status LoopFd(uint64_t loop, int* fd) noexcept;
Status NextTimeout(uint64_t loop, Nanos* timeout) noexcept;
Status PostTo(uint64_t loop, DoneFn fn, void* user) noexcept;
Status CloseLoop(uint64_t loop) noexcept;
Status ShutdownLoop(uint64_t loop, Nanos grace) noexcept;
// survivors: what is still alive, for the message of a timeout.
Status JoinLoop(uint64_t loop, Nanos timeout, std::string* survivors) noexcept;
Status AbandonLoop(uint64_t loop) noexcept;
Status ReadClock(uint64_t scope, Nanos* now) noexcept;
// kState: the clock is the real one (or nobody holds it).
Status HoldClock(uint64_t loop) noexcept;
Status ReleaseClock(uint64_t loop) noexcept;
Status AdvanceClock(uint64_t loop, Nanos duration) noexcept;
enum class DumpFormat : uint32_t { kText, kJson, kDot };
Status DumpLoop(uint64_t loop, DumpFormat format, std::string* text) noexcept;
Status ReadLag(uint64_t loop, Histogram::Values* turns, Histogram::Values* callbacks) noexcept;
struct LoopCounters {
  uint64_t turns, started, ended, completions, cancelled, unobserved, posts;
  uint64_t live_tasks, live_groups, live_scopes, live_leases;
  uint64_t longest_callback, stalls, leaked, live_handles, events_lost;
};
Status CountLoop(uint64_t loop, LoopCounters* counters) noexcept;

// ---- scopes (scope.cc) ----
// The short ways (fast_path.h) of the calls below: 0 or false if it must go the general one. None
// allocates, or leaves anything to be told to hooks.
uint64_t FastOpenScope(uint64_t in) noexcept;
bool FastLeaveScope(uint64_t scope) noexcept;
bool FastSpawn(const StartArgs& args, DoneFn body, void* body_user) noexcept;
bool FastFinish(uint64_t task, uint64_t value) noexcept;

struct ScopeOptions {
  const char* name = nullptr;
  const char* site = nullptr;
  Nanos deadline = kNever;
  Nanos timeout = kNever;
  bool move_on = false;
  bool shield = false;
};
// options: null for the defaults.
Status OpenScope(uint64_t in, const ScopeOptions* options, uint64_t* id) noexcept;
Status LeaveScope(uint64_t scope, LeaveOutcome* outcome) noexcept;
Status CancelScope(uint64_t scope, const char* text) noexcept;
Status InterruptScope(uint64_t scope) noexcept;  // async-signal-safe
Status MoveDeadline(uint64_t scope, Nanos deadline) noexcept;
Status MoveTimeout(uint64_t scope, Nanos timeout) noexcept;
Status ShieldScope(uint64_t scope, bool shield) noexcept;
struct ScopeState {
  bool called, effective, shield, reached, caught;
  Reason reason;
  uint32_t live;
  Nanos deadline, effective_deadline;
};
Status GetScopeState(uint64_t scope, ScopeState* state) noexcept;

// ---- groups (group.cc) ----
struct GroupOptions {
  const char* name = nullptr;
  const char* site = nullptr;
  Nanos deadline = kNever;
  Nanos timeout = kNever;
  Nanos grace = kNever;
  bool move_on = false;
  bool shield = false;
  bool joinable = false;
  bool until_released = false;
  bool own_queue_only = false;
  uint32_t policy = 0;
  uint32_t limit = 0;
  uint32_t max_errors = 1024;
  uint64_t queue = 0;
};
Status OpenGroup(const GroupOptions& options, const StartArgs& args) noexcept;
Status CloseGroup(uint64_t group) noexcept;
// *error: null unless it ended with one. Both are stored with kOk only.
Status JoinGroup(uint64_t group, Nanos timeout, LeaveOutcome* outcome, ErrorRef* error) noexcept;

// ---- tasks (user_task.cc, sleep.cc, offload.cc) ----
Status SpawnTask(const StartArgs& args, DoneFn body, void* body_user) noexcept;
Status OpenTask(const StartArgs& args) noexcept;
// args: of the start; child: of the child's completion.
Status StartChild(uint64_t target, const StartArgs& args, const StartArgs& child, DoneFn body,
                  void* body_user) noexcept;
Status TaskStarted(uint64_t task, uint64_t value) noexcept;
// Stores null if there is none.
Status GetContext(uint64_t scope, void** data) noexcept;
Status FinishTask(uint64_t task, Status status, uint64_t value, ErrorRef error) noexcept;
Status AnswerTask(uint64_t task, Status status, std::string bytes, bool more,
                  ErrorRef error) noexcept;
Status SleepUntil(const StartArgs& args, Nanos wake) noexcept;
Status SleepFor(const StartArgs& args, Nanos duration) noexcept;
Status Yield(const StartArgs& args) noexcept;
using OffloadFn = int32_t (*)(void* arg, uint64_t task, uint64_t* value);
struct OffloadOptions {
  void (*arg_free)(void* arg) = nullptr;
  bool abandon = false;
  uint64_t limiter = 0;
};
// culprit: the handle that a failure is about.
Status Offload(const StartArgs& args, OffloadFn fn, void* arg, const OffloadOptions& options,
               uint64_t* culprit) noexcept;
// kOk: go on; kCancelled: asked to stop; else the handle's error.
Status OffloadCancelled(uint64_t task) noexcept;

// ---- waiting (waitable/) ----
// culprit: the handle that a failure is about.
struct LimiterState {
  uint32_t total, borrowed, waiting;
};
Status OpenLimiter(uint64_t loop, const char* name, uint32_t total, uint64_t* id) noexcept;
Status AcquireToken(uint64_t limiter, uint64_t borrower, const StartArgs& args,
                    uint64_t* culprit) noexcept;
Status TryAcquireToken(uint64_t limiter, uint64_t in, uint64_t borrower, uint64_t* token,
                       uint64_t* culprit) noexcept;
Status MoveToken(uint64_t token, uint64_t to, uint64_t* culprit) noexcept;
void ReleaseToken(uint64_t token) noexcept;
Status SetLimiterTotal(uint64_t limiter, uint32_t total) noexcept;
Status GetLimiterState(uint64_t limiter, LimiterState* state) noexcept;
void ReleaseLimiter(uint64_t limiter) noexcept;

struct RateOptions {
  const char* name = nullptr;
  uint32_t permits = 1;
  uint32_t burst = 1;
  Nanos interval = kSecond;
};
struct RateState {
  uint32_t available, waiting;
  Nanos next, paused_until;
};
Status OpenRate(uint64_t loop, const RateOptions& options, uint64_t* id) noexcept;
// kInvalid: none, or more permits than the burst.
Status AcquireRate(uint64_t rate, uint32_t permits, const StartArgs& args,
                   uint64_t* culprit) noexcept;
Status TryAcquireRate(uint64_t rate, uint32_t permits) noexcept;
Status PauseRate(uint64_t rate, Nanos until) noexcept;
Status ResumeRate(uint64_t rate) noexcept;
Status GetRateState(uint64_t rate, RateState* state) noexcept;
void ReleaseRate(uint64_t rate) noexcept;

Status OpenEvent(uint64_t loop, const char* name, uint64_t* id) noexcept;
Status WaitForEvent(uint64_t event, const StartArgs& args, uint64_t* culprit) noexcept;
Status SetEvent(uint64_t event) noexcept;
Status IsEventSet(uint64_t event, bool* set) noexcept;
void ReleaseEvent(uint64_t event) noexcept;

struct ChannelOptions {
  const char* name = nullptr;
  uint32_t capacity = 0;
  void (*item_free)(void* user, uint64_t item) = nullptr;
  void* item_user = nullptr;
};
struct ChannelState {
  uint32_t items, capacity, senders, receivers, sending, receiving;
};
Status OpenChannel(uint64_t loop, const ChannelOptions& options, uint64_t* sender,
                   uint64_t* receiver) noexcept;
Status CloneEnd(uint64_t end, bool sender, uint64_t* clone) noexcept;
// kClosed with *culprit 0: nobody receives any more.
Status Send(uint64_t sender, uint64_t item, const StartArgs& args, uint64_t* culprit) noexcept;
Status TrySend(uint64_t sender, uint64_t item) noexcept;
Status Receive(uint64_t receiver, const StartArgs& args, uint64_t* culprit) noexcept;
Status TryReceive(uint64_t receiver, uint64_t* item) noexcept;
Status PutBack(uint64_t receiver, uint64_t item) noexcept;
// kState: no receive.
Status Unreceive(uint64_t task) noexcept;
Status GetChannelState(uint64_t end, bool sender, ChannelState* state) noexcept;
void ReleaseEnd(uint64_t end, bool sender) noexcept;

// ---- queues (queue.cc) ----
Status OpenQueue(uint64_t loop, const char* name, bool socket, uint64_t* id,
                 int* system_errno) noexcept;
Status QueueFd(uint64_t queue, int* fd) noexcept;
// rearm: if something is left, the descriptor says so anew.
Status DrainQueue(uint64_t queue, Completion* completions, size_t capacity, size_t* n,
                  bool rearm) noexcept;
Status WaitQueue(uint64_t queue, Completion* completions, size_t capacity, Nanos timeout,
                 size_t* n) noexcept;
Status CloseQueue(uint64_t queue, DoneFn done, void* user) noexcept;
void ReleaseQueue(uint64_t queue) noexcept;

}  // namespace creche::tasks
