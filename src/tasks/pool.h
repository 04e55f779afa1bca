// Pool<T>: memory for many objects of one type, reused without malloc. Guarded by its owner's lock.
#pragma once
#include <cstdint>
#include <new>
#include <utility>

#include "core/arena.h"

namespace creche::tasks {

template <class T>
class Pool {
 public:
  // Null without memory.
  template <class... A>
  T* New(A&&... a) noexcept {
    static_assert(sizeof(T) >= sizeof(Free) && sizeof(T) % 8 == 0);
    void* place = free_;
    if (free_)
      free_ = free_->next;
    else if (!(place = arena_.Take(sizeof(T))))
      return nullptr;
    return new (place) T(std::forward<A>(a)...);
  }
  void Delete(T* object) noexcept {
    object->~T();
    free_ = new (object) Free{free_};
  }

 private:
  struct Free {
    Free* next;
  };
  Free* free_ = nullptr;
  Arena arena_;
};

// The same for nodes of the tree that are often in use for a moment only: free ones are kept as
// they are when they are new, so that one that has hardly been touched is cheaper to put back than
// to destroy and make again. T::next links them.
template <class T>
class KeptPool {
 public:
  // Null without memory.
  T* New() noexcept {
    static_assert(sizeof(T) % 8 == 0);
    if (T* kept = Kept()) return kept;
    void* place = arena_.Take(sizeof(T));
    return place ? new (place) T : nullptr;
  }
  // Null if none is kept.
  T* Kept() noexcept {
    T* node = free_;
    if (!node) return nullptr;
    free_ = static_cast<T*>(node->next);
    FetchNext();
    node->next = nullptr;
    return node;
  }
  void Delete(T* node) noexcept {
    node->~T();
    PutBack(new (node) T);
  }
  // All that is not set anyway before it is used again is as in a new one.
  void PutBack(T* node) noexcept {
    node->next = free_;
    free_ = node;
  }

 private:
  // What begins at a line of cache is taken by the hundred thousand: the first lines of the next
  // one are fetched from memory while this one is used.
  void FetchNext() noexcept {
    if constexpr (alignof(T) >= kLine) {
      const auto next = reinterpret_cast<uintptr_t>(free_);  // or none: no harm is done
      __builtin_prefetch(reinterpret_cast<const void*>(next), 1);
      __builtin_prefetch(reinterpret_cast<const void*>(next + kLine), 1);
      __builtin_prefetch(reinterpret_cast<const void*>(next + 2 * kLine), 1);
    }
  }
  static constexpr size_t kLine = 64;
  T* free_ = nullptr;
  Arena arena_;
};

}  // namespace creche::tasks
