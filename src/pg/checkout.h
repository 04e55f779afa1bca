// Checkout: "a connection, please": a place in a pool's line until a connection is granted. A
// member of operations that need one; the pool links it and never owns it. Loop's thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/error.h"
#include "core/list.h"
#include "core/status.h"

namespace creche::pg {

class Member;

class Checkout : public ListNode<Checkout> {
 public:
  // It is in line.
  bool waits() const noexcept { return List<Checkout>::Has(this); }
  // What it waits for next is something new, with a place in line and a time of its own.
  void Renew() noexcept { ticket_ = 0; }

 protected:
  ~Checkout() = default;

 private:
  friend class CheckoutLine;
  friend class Pool;
  // Its turn: submit a command to it now. If the checkout is shareable others may use it too, else
  // it is its own until nothing is in flight on it.
  virtual void OnGranted(Member* member) noexcept = 0;
  // No connection could be had.
  virtual void OnRefused(const ErrorRef& why) noexcept = 0;

  bool shareable_ = false;  // which line it is in
  bool candidate_ = false;  // one plain statement: shareable as soon as `hash_` is known as short
  uint64_t hash_ = 0;
  uint64_t ticket_ = 0;  // the order of arrival; kept when it must wait again
  Nanos deadline_ = kNever;
  Nanos since_ = 0;  // it waits
};

// A checkout that calls two member functions of its operation:
// `CheckoutOf<&Acquire::OnGranted, &Acquire::OnRefused> checkout_{this};`.
template <auto kGranted, auto kRefused>
class CheckoutOf;

template <class T, void (T::*kGranted)(Member*) noexcept,
          void (T::*kRefused)(const ErrorRef&) noexcept>
class CheckoutOf<kGranted, kRefused> final : public Checkout {
 public:
  explicit CheckoutOf(T* owner) noexcept : owner_(owner) {}

 private:
  void OnGranted(Member* member) noexcept override { (owner_->*kGranted)(member); }
  void OnRefused(const ErrorRef& why) noexcept override { (owner_->*kRefused)(why); }
  T* const owner_;
};

// First in, first out.
class CheckoutLine {
 public:
  Checkout* first() const noexcept { return line_.first(); }
  size_t size() const noexcept { return size_; }
  // By ticket: usually at the end; one that waits again goes back to where it was.
  void Add(Checkout* checkout) noexcept {
    Checkout* before = line_.last();
    while (before && before->ticket_ > checkout->ticket_) before = line_.Prev(before);
    Checkout* const behind = before ? line_.Next(before) : line_.first();
    if (behind)
      line_.InsertBefore(behind, checkout);
    else
      line_.PushBack(checkout);
    size_++;
  }
  void Remove(Checkout* checkout) noexcept {
    line_.Remove(checkout);
    size_--;
  }

 private:
  List<Checkout> line_;
  size_t size_ = 0;
};

}  // namespace creche::pg
