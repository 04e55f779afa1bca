// The handle table: 64-bit ids to objects, checked by kind and generation, from any thread.
//
// An id is kind (5 bits), slot (27 bits), generation (32 bits). Slots come in chunks; each chunk
// belongs to one Domain, whose lock guards what its ids name: a loop's tree has a domain of its
// own, and its objects with a reference count (sessions, responses, rows, ...) are in another,
// which outlives the loop as they may. Domains and chunks are never freed, so a look-up by a stale
// id never touches freed memory: it locks the domain and checks the slot again. Generations start
// at a random number in each copy of the library, so that an id of one copy, or a forged one, means
// nothing in another.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "core/handle_table.h"
#include "core/ref.h"
#include "core/status.h"
#include "platform/fork.h"

namespace creche {

enum class Kind : uint32_t {
  kNone = 0,
  kLoop = 1,
  kScope = 2,
  kGroup = 3,
  kTask = 4,
  kQueue = 5,
  kSession = 6,
  kResponse = 7,
  kPool = 8,
  kConnection = 9,
  kRows = 10,
  kHold = 11,   // what the data of a drained completion points into
  kPlace = 12,  // a drained completion that still counts in its group
  kLimiter = 13,
  kToken = 14,
  kRate = 15,
  kEvent = 16,
  kSender = 17,
  kReceiver = 18,
  kReceived = 19,  // a receive that has ended and is in a queue, not drained yet
  kCookieJar = 24,
  kTls = 25,
  kWebsocket = 26,
};

constexpr uint32_t Bit(Kind kind) {
  return 1u << static_cast<uint32_t>(kind);
}
// What a creche_scope may be.
inline constexpr uint32_t kScopeKinds =
    Bit(Kind::kLoop) | Bit(Kind::kScope) | Bit(Kind::kGroup) | Bit(Kind::kTask);

constexpr Kind KindOf(uint64_t id) {
  return static_cast<Kind>(id >> 59);
}
// "a group", "a task", ... for messages.
const char* KindName(Kind kind) noexcept;

class Loop;

// A domain with no slots yet, for a loop: with a wake-up descriptor. Null with *error (an errno).
Domain* OpenDomain(void* owner, int* error) noexcept;
// After fork, in the child: closes the descriptors of a loop of the parent process.
void AbandonDomain(Domain* domain) noexcept;
// Ends all ids of a domain and gives its chunks and itself back for reuse. Its lock must be free.
void CloseDomain(Domain* domain) noexcept;

// A domain for the objects of one more loop, its own while there are no more loops than domains of
// this kind; null without memory. Leave it when the loop ends, though its objects may live on.
Domain* EnterObjects() noexcept;
void LeaveObjects(Domain* domain) noexcept;

// The domain of an id that gave kForked; null if there is none.
Domain* DomainOfForked(uint64_t id) noexcept;

// Makes an id for `object`; 0 without memory. domain->lock must be held.
inline uint64_t AddSlot(Domain* domain, Kind kind, void* object) noexcept {
  if (domain->first_free == 0 && !table::AddChunk(domain)) return 0;
  const uint32_t number = domain->first_free;
  table::Slot& slot = table::SlotAt(table::ChunkOf(number), number);
  domain->first_free = static_cast<uint32_t>(slot.next_free());
  const uint64_t id =
      uint64_t{static_cast<uint32_t>(kind)} << 59 | uint64_t{number} << 32 | slot.generation();
  slot.Use(id, object);
  return id;
}
// Ends an id. domain->lock must be held and the id must be live in it.
inline void EndSlot(Domain* domain, uint64_t id) noexcept {
  const uint32_t number = table::SlotOf(id);
  table::Slot& slot = table::SlotAt(table::ChunkOf(number), number);
  if (table::End(slot, domain->first_free)) domain->first_free = number;
}

// The object behind an id, with its domain locked; unlocks at the end of its life.
class Locked {
 public:
  // kinds: Bit()s that are accepted.
  [[gnu::always_inline]] Locked(uint64_t id, uint32_t kinds) noexcept {
    if ((kinds >> (id >> 59) & 1) == 0) return;
    const uint32_t number = table::SlotOf(id);
    table::Chunk* chunk = table::ChunkOf(number);
    if (!chunk) return;
    const table::Slot& slot = table::SlotAt(chunk, number);
    Domain* domain = chunk->domain.load(std::memory_order_acquire);
    if (domain && !domain->forked()) [[likely]] {
      domain->lock.lock();
      if (slot.id() == id && chunk->domain.load(std::memory_order_relaxed) == domain) [[likely]] {
        domain_ = domain;
        object_ = slot.object();
        status_ = Status::kOk;
        return;
      }
      domain->lock.unlock();
      domain = nullptr;
    }
    status_ = domain ? Status::kForked : table::WhyNot(slot, id);
  }
  // A domain as such.
  explicit Locked(Domain* domain) noexcept : domain_(domain), status_(Status::kOk) {
    domain->lock.lock();
  }
  ~Locked() { Unlock(); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;
  bool ok() const noexcept { return object_ != nullptr; }
  // kOk, kBadHandle, kEnded or kForked.
  Status status() const noexcept { return status_; }
  template <class T>
  T* As() const noexcept {
    return static_cast<T*>(object_);
  }
  Domain* domain() const noexcept { return domain_; }
  void Unlock() noexcept {
    if (domain_) [[likely]]
      domain_->lock.unlock();
    domain_ = nullptr;
    object_ = nullptr;
  }

 private:
  Domain* domain_ = nullptr;  // set while locked
  void* object_ = nullptr;
  Status status_ = Status::kBadHandle;
};

// The object behind an id that must be of `domain`, whose lock is held; null with *status set:
// kWrongLoop if it lives in another domain.
void* FindOrSayWhy(Domain* domain, uint64_t id, uint32_t kinds, Status* status) noexcept;
inline void* FindHere(Domain* domain, uint64_t id, uint32_t kinds, Status* status) noexcept {
  const uint32_t number = table::SlotOf(id);
  table::Chunk* chunk = table::ChunkOf(number);
  if ((kinds >> (id >> 59) & 1) != 0 && chunk &&
      chunk->domain.load(std::memory_order_relaxed) == domain) [[likely]] {
    const table::Slot& slot = table::SlotAt(chunk, number);
    if (slot.id() == id) [[likely]] {
      *status = Status::kOk;
      return slot.object();
    }
  }
  return FindOrSayWhy(domain, id, kinds, status);
}

// What the domain of an id belongs to, found without a lock: for signal handlers. Null if the id is
// no live one of these kinds; the answer may be out of date at once.
Domain* PeekDomain(uint64_t id, uint32_t kinds, Status* status) noexcept;

// Whether a handle is one of its loop's that somebody ought to release before the loop is joined.
enum class Counted : bool { kNo, kYes };

// An object that a handle owns one reference of.
class Object : public RefCounted {
 public:
  // Its handle was released: close. On any thread, no lock held; must not block.
  virtual void Released() noexcept = 0;
  // Its handle, or 0. Set by AddObject.
  uint64_t id() const noexcept { return id_.load(std::memory_order_relaxed); }

 private:
  friend uint64_t AddObject(Kind kind, Ref<Object> object, const Loop& loop,
                            Counted counted) noexcept;
  friend struct ObjectsOf;
  std::atomic<uint64_t> id_{0};
  uint64_t loop_ = 0;  // that it counts for, or 0; set with id_
  Nanos born_ = 0;
};

// Makes a handle that owns `object`, of `loop`; 0 without memory (the reference is dropped then).
uint64_t AddObject(Kind kind, Ref<Object> object, const Loop& loop,
                   Counted counted = Counted::kYes) noexcept;
// The same for an object that belongs to no loop.
uint64_t AddObject(Kind kind, Ref<Object> object) noexcept;
// The counted handles of a loop that are not released: up to `capacity` of them are stored. Looks
// at each.
struct ObjectsOf {
  struct One {
    uint64_t id;
    Nanos age;  // in real time
  };
  static size_t Find(const Loop& loop, One* found, size_t capacity) noexcept;
  // For AddObject: makes the handle.
  static uint64_t Add(Domain* domain, Kind kind, Ref<Object> object) noexcept;
};
// The object behind a handle with a reference of the caller's own; null with *status set.
Ref<Object> FindObject(uint64_t id, Kind kind, Status* status) noexcept;
template <class T>
Ref<T> Find(uint64_t id, Kind kind, Status* status) noexcept {
  return Ref<T>::Adopt(static_cast<T*>(FindObject(id, kind, status).Leak()));
}
// Ends a handle and tells the object. Harmless for 0, ended, forged ones.
void ReleaseObject(uint64_t id) noexcept;
// Ends a handle without Released: the object goes another way (a lease given back by its owner).
void ForgetObject(uint64_t id) noexcept;

}  // namespace creche
