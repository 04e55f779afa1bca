#include "tasks/trace.h"

#include <mutex>
#include <new>
#include <utility>

#include "core/loop.h"
#include "platform/user_code.h"

namespace creche::tasks {

constinit std::atomic<uint32_t> Trace::loops_{0};

namespace {
constinit thread_local Trace* mine = nullptr;  // with a reference

uint32_t Keep(std::string* bytes, const char* text) {
  const auto at = static_cast<uint32_t>(bytes->size());
  if (text) *bytes += text;
  *bytes += '\0';
  return at;
}
}  // namespace

Trace::Trace(const Hooks& hooks, const LogTarget& log) noexcept : hooks_(hooks), log_(log) {
  loops_.fetch_add(1);
}

Trace::~Trace() {
  loops_.fetch_sub(1);
}

void Trace::Add(const TraceEvent& event) noexcept {
  const std::lock_guard guard(lock_);
  const size_t n = pending_.events.size(), texts = pending_.texts.size();
  try {
    pending_.events.push_back(event);
    for (const char* text : {event.name, event.site, event.text})
      pending_.texts.push_back(Keep(&pending_.bytes, text));
    due_.store(true, std::memory_order_relaxed);
  } catch (const std::bad_alloc&) {
    pending_.events.resize(n);
    pending_.texts.resize(texts);
    lost_.fetch_add(1, std::memory_order_relaxed);
  }
}

void Trace::Add(LogRecord record) noexcept {
  const std::lock_guard guard(lock_);
  const size_t n = pending_.events.size();
  try {
    TraceEvent event{};
    event.type = EventType::kLogged;
    pending_.events.push_back(event);
    pending_.records.push_back(std::move(record));
    due_.store(true, std::memory_order_relaxed);
  } catch (const std::bad_alloc&) {
    pending_.events.resize(n);
    lost_.fetch_add(1, std::memory_order_relaxed);
  }
}

void Trace::Call(const TraceEvent& event) const noexcept {
  const Loop::InHook mark;
  platform::CallUser(hooks_.fns[static_cast<uint32_t>(event.type)], hooks_.user, &event);
}

void Trace::CallAll(Batch* batch) noexcept {
  const char* bytes = batch->bytes.data();
  const uint32_t* text = batch->texts.data();
  const LogRecord* record = batch->records.data();
  for (TraceEvent& event : batch->events) {
    if (event.type == EventType::kLogged) {
      const Loop::InHook mark;
      log_.write(log_, *record++);
      continue;
    }
    event.name = bytes + *text++;
    event.site = bytes + *text++;
    event.text = bytes + *text++;
    Call(event);
  }
  batch->events.clear();
  batch->texts.clear();
  batch->bytes.clear();
  batch->records.clear();
}

void Trace::Deliver() noexcept {
  {
    const std::lock_guard guard(lock_);
    if (delivering_.load(std::memory_order_relaxed) || pending_.events.empty()) return;
    delivering_.store(true, std::memory_order_relaxed);
  }
  const Ref<Trace> alive = Ref<Trace>::Share(this);
  for (;;) {
    {
      const std::lock_guard guard(lock_);
      if (pending_.events.empty()) {
        due_.store(false, std::memory_order_relaxed);
        delivering_.store(false);
        break;
      }
      std::swap(pending_, calling_);
    }
    CallAll(&calling_);
  }
  delivering_.notify_all();
}

void Trace::Finish() noexcept {
  do {
    delivering_.wait(true);
    Deliver();
  } while (delivering_.load() || due());
}

void Trace::LeaveToMe(Trace* trace) noexcept {
  if (mine) return;  // two loops in one call: the other one's own thread will do it
  trace->AddRef();
  mine = trace;
}

void Trace::DeliverMine() noexcept {
  if (const Ref<Trace> trace = Ref<Trace>::Adopt(std::exchange(mine, nullptr))) trace->Deliver();
}

}  // namespace creche::tasks
