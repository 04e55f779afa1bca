// Pool<T>: memory for many objects of one type, reused without malloc. Guarded by its owner's lock.
#pragma once
#include <memory>
#include <new>
#include <vector>

namespace creche::tasks {

template <class T>
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Null without memory.
  template <class... A>
  T* New(A&&... a) noexcept {
    if (!free_ && !Grow()) return nullptr;
    Place* place = free_;
    free_ = place->next;
    return new (place->room) T(std::forward<A>(a)...);
  }
  void Delete(T* object) noexcept {
    object->~T();
    auto* place = reinterpret_cast<Place*>(object);
    place->next = free_;
    free_ = place;
  }

 private:
  union Place {
    Place* next;
    alignas(T) unsigned char room[sizeof(T)];
  };
  bool Grow() noexcept {
    const size_t n = blocks_.size() < 6 ? size_t{16} << blocks_.size() : 1024;
    try {
      blocks_.reserve(blocks_.size() + 1);
      blocks_.emplace_back(new Place[n]);
    } catch (const std::bad_alloc&) {
      return false;
    }
    for (size_t i = n; i-- > 0;) {
      blocks_.back()[i].next = free_;
      free_ = &blocks_.back()[i];
    }
    return true;
  }
  Place* free_ = nullptr;
  std::vector<std::unique_ptr<Place[]>> blocks_;
};

// The same for nodes of the tree that are often in use for a moment only: free ones are kept as
// they are when they are new, so that one that has hardly been touched is cheaper to put back than
// to destroy and make again. T::next links them.
template <class T>
class KeptPool {
 public:
  KeptPool() = default;
  KeptPool(const KeptPool&) = delete;
  KeptPool& operator=(const KeptPool&) = delete;

  // Null without memory.
  T* New() noexcept {
    if (!free_ && !Grow()) return nullptr;
    T* node = free_;
    free_ = static_cast<T*>(node->next);
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
  bool Grow() noexcept {
    const size_t n = blocks_.size() < 6 ? size_t{16} << blocks_.size() : 1024;
    try {
      blocks_.reserve(blocks_.size() + 1);
      blocks_.emplace_back(new T[n]);
    } catch (const std::bad_alloc&) {
      return false;
    }
    for (size_t i = n; i-- > 0;) PutBack(&blocks_.back()[i]);
    return true;
  }
  T* free_ = nullptr;
  std::vector<std::unique_ptr<T[]>> blocks_;
};

}  // namespace creche::tasks
