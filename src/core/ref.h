// Ref<T>: an intrusive, thread-safe reference count. For objects that several threads or several
// owners keep alive; everything else has one owner.
#pragma once
#include <atomic>
#include <cstdint>
#include <utility>

namespace creche {

// Base of what Ref counts. The last Unref deletes, on whatever thread: destructors of such types
// only free memory; what needs the loop is torn down before, by a Close on the loop.
class RefCounted {
 public:
  void AddRef() const noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
  void Unref() const noexcept {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 protected:
  RefCounted() = default;
  virtual ~RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

 private:
  mutable std::atomic<uint32_t> refs_{1};
};

template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  // Takes over a reference that somebody counted already (a new object has one).
  static Ref Adopt(T* p) noexcept {
    Ref r;
    r.p_ = p;
    return r;
  }
  // Counts one more.
  static Ref Share(T* p) noexcept {
    if (p) p->AddRef();
    return Adopt(p);
  }
  Ref(const Ref& o) noexcept : p_(o.p_) {
    if (p_) p_->AddRef();
  }
  Ref(Ref&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  template <class U>
  Ref(Ref<U> o) noexcept : p_(o.Leak()) {}
  Ref& operator=(Ref o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Ref() {
    if (p_) p_->Unref();
  }
  T* get() const noexcept { return p_; }
  T* operator->() const noexcept { return p_; }
  T& operator*() const noexcept { return *p_; }
  explicit operator bool() const noexcept { return p_ != nullptr; }
  // Gives the counted reference to the caller.
  [[nodiscard]] T* Leak() noexcept { return std::exchange(p_, nullptr); }

 private:
  T* p_ = nullptr;
};

template <class T, class... A>
Ref<T> MakeRef(A&&... a) {
  return Ref<T>::Adopt(new T(std::forward<A>(a)...));
}

}  // namespace creche
