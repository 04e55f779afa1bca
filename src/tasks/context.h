// Context: a pointer of the user's that travels with user tasks, as context variables do: a task
// has its own copy of that of the task that spawned it.
#pragma once
#include <atomic>
#include <memory>

#include "core/ref.h"
#include "platform/user_code.h"
#include "tasks/operation.h"

namespace creche::tasks {

struct UserNode;

// creche_context
struct ContextType {
  void* data = nullptr;
  void* (*clone)(void* data) = nullptr;  // null: all share the pointer
  void (*drop)(void* data) = nullptr;
};

// One copy. With clone, one for each task; without, shared by all that inherit it.
class Context final : public RefCounted {
 public:
  // Of a given one, or of a clone of it that is made later.
  explicit Context(const ContextType& type) : type_(type) {
    any_.store(true, std::memory_order_relaxed);
  }
  ~Context() override {
    if (type_.drop) platform::CallUser(type_.drop, type_.data);
  }
  const ContextType& type() const { return type_; }
  void set_type(const ContextType& type) { type_ = type; }
  // Whether there has ever been one in this process.
  static bool any() { return any_.load(std::memory_order_relaxed); }

 private:
  static inline std::atomic<bool> any_{false};
  ContextType type_;
};

// Destroyed where no lock is held: drop is the user's.
struct ContextHeld final : Held {
  Ref<Context> context;
};

// The context for a task that is about to be started in `in`: the one given, or a copy of the
// starter's. It runs the user's clone, so make one before the lock is taken; if the start fails a
// given one stays the caller's.
class NewContext {
 public:
  explicit NewContext(const StartArgs& args) noexcept
      : NewContext(args.in, args.options ? args.options->context : nullptr) {}
  NewContext(uint64_t in, const ContextType* given) noexcept : given_(given != nullptr) {
    if (given || Context::any()) Make(in, given);
  }
  ~NewContext() {
    if (held_ && given_) held_->context->set_type({});
  }
  NewContext(const NewContext&) = delete;
  NewContext& operator=(const NewContext&) = delete;
  // False without memory, or if clone returned NULL.
  bool ok() const noexcept { return ok_; }
  // The start has succeeded. With the lock held.
  void GiveTo(UserNode* task) noexcept;

 private:
  void Make(uint64_t in, const ContextType* given) noexcept;

  std::unique_ptr<ContextHeld> held_;
  const bool given_;
  bool ok_ = true;
};

}  // namespace creche::tasks
