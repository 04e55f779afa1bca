// Waiter: an operation that needs a connection of the pool. Derive from it; the pool links it and
// never owns it. Loop's thread.
#pragma once
#include <cstdint>

#include "core/error.h"
#include "core/status.h"

namespace creche::pg {

class Connection;

class Waiter {
 public:
  // Its turn: submit a request to it now. If the waiter is shareable others may use it too, else it
  // is its own until nothing is in flight on it.
  virtual void OnConnection(Connection* connection) noexcept = 0;
  // No connection could be had.
  virtual void OnRefused(const ErrorRef& why) noexcept = 0;

 protected:
  ~Waiter() = default;

 private:
  friend class Waiters;
  friend class Pool;
  Waiter* next_ = nullptr;
  Waiter* prev_ = nullptr;
  bool queued_ = false;
  bool shareable_ = false;  // which queue it is in
  bool candidate_ = false;  // one plain statement: shareable as soon as `hash_` is known as short
  uint64_t hash_ = 0;
  uint64_t ticket_ = 0;  // the order of arrival; kept when it must wait again
  Nanos deadline_ = kNever;
};

// First in, first out.
class Waiters {
 public:
  Waiter* first() const noexcept { return first_; }
  size_t size() const noexcept { return size_; }
  // By ticket: usually at the end; one that waits again goes back to where it was.
  void Add(Waiter* waiter) noexcept {
    Waiter* before = last_;
    while (before && before->ticket_ > waiter->ticket_) before = before->prev_;
    waiter->prev_ = before;
    waiter->next_ = before ? before->next_ : first_;
    (before ? before->next_ : first_) = waiter;
    (waiter->next_ ? waiter->next_->prev_ : last_) = waiter;
    waiter->queued_ = true;
    size_++;
  }
  void Remove(Waiter* waiter) noexcept {
    (waiter->prev_ ? waiter->prev_->next_ : first_) = waiter->next_;
    (waiter->next_ ? waiter->next_->prev_ : last_) = waiter->prev_;
    waiter->next_ = waiter->prev_ = nullptr;
    waiter->queued_ = false;
    size_--;
  }

 private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  size_t size_ = 0;
};

}  // namespace creche::pg
