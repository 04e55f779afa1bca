// Objects with a reference count, and their handles.
#include <new>

#include "core/handle_parts.h"
#include "core/loop.h"
#include "platform/clock.h"
#include "platform/fork.h"

namespace creche {

using namespace table;

namespace {

// Whose objects are where. So many loops have a domain of their own for them; where there are more,
// some share one.
constexpr size_t kMost = 64;
struct Place {
  std::atomic<Domain*> domain{nullptr};
  size_t loops = 0;
};
// Changed under g_lock. A child of fork leaves the parent's objects alone, in domains of their own.
constinit Place g_places[kMost];
constinit Domain* g_locked[kMost] = {};  // for a fork: more may be made until g_lock is locked

bool IsOurs(const Place& place) {
  const Domain* domain = place.domain.load(std::memory_order_relaxed);
  return domain && !domain->forked();
}

}  // namespace

Domain* EnterObjects() noexcept {
  std::lock_guard guard(g_lock);
  Place* least = nullptr;
  for (Place& place : g_places) {
    if (!IsOurs(place)) {
      auto* made = new (std::nothrow) Domain;
      if (!made) break;
      made->fork_generation.store(platform::ForkGeneration(), std::memory_order_relaxed);
      place.loops = 0;
      place.domain.store(made, std::memory_order_release);
    }
    if (!least || place.loops < least->loops) least = &place;
    if (least->loops == 0) break;
  }
  if (!least) return nullptr;
  least->loops++;
  return least->domain.load(std::memory_order_relaxed);
}

void LeaveObjects(Domain* domain) noexcept {
  std::lock_guard guard(g_lock);
  for (Place& place : g_places)
    if (place.domain.load(std::memory_order_relaxed) == domain) place.loops--;
}

void table::LockObjects() noexcept {
  for (size_t i = 0; i < kMost; i++)
    if ((g_locked[i] = g_places[i].domain.load(std::memory_order_acquire)))
      g_locked[i]->lock.lock();
}

void table::UnlockObjects() noexcept {
  for (Domain* domain : g_locked)
    if (domain) domain->lock.unlock();
}

namespace {

// That of objects without a loop, made when there is one.
constinit std::atomic<Domain*> g_of_no_loop{nullptr};

Domain* OfNoLoop() noexcept {
  Domain* domain = g_of_no_loop.load(std::memory_order_acquire);
  if (domain && !domain->forked()) return domain;
  Domain* made = EnterObjects();
  if (!made) return nullptr;
  if (g_of_no_loop.compare_exchange_strong(domain, made, std::memory_order_acq_rel)) return made;
  LeaveObjects(made);  // another thread was quicker
  return domain;
}

}  // namespace

uint64_t AddObject(Kind kind, Ref<Object> object, const Loop& loop, Counted counted) noexcept {
  object->loop_ = counted == Counted::kYes ? loop.id() : 0;
  return ObjectsOf::Add(loop.objects(), kind, std::move(object));
}

uint64_t AddObject(Kind kind, Ref<Object> object) noexcept {
  Domain* domain = OfNoLoop();
  return domain ? ObjectsOf::Add(domain, kind, std::move(object)) : 0;
}

uint64_t ObjectsOf::Add(Domain* domain, Kind kind, Ref<Object> object) noexcept {
  object->born_ = platform::CoarseNow();
  std::lock_guard guard(domain->lock);
  const uint64_t id = AddSlot(domain, kind, object.get());
  if (id == 0) return 0;
  object->id_.store(id, std::memory_order_relaxed);
  static_cast<void>(object.Leak());
  return id;
}

size_t ObjectsOf::Find(const Loop& loop, One* found, size_t capacity) noexcept {
  Domain* domain = loop.objects();
  const Nanos now = platform::CoarseNow();
  size_t n = 0;
  const std::lock_guard guard(domain->lock);
  for (uint32_t at = domain->first_chunk; at != 0;) {
    Chunk* chunk = g_chunks[at - 1].load(std::memory_order_acquire);
    for (Slot& slot : chunk->slots) {
      if (!slot.is_live()) continue;
      const auto* object = static_cast<Object*>(slot.object());
      if (object->loop_ != loop.id()) continue;
      if (n++ < capacity) found[n - 1] = {object->id(), now - object->born_};
    }
    at = chunk->next;
  }
  return n;
}

Ref<Object> FindObject(uint64_t id, Kind kind, Status* status) noexcept {
  Locked found(id, Bit(kind));
  *status = found.status();
  return found.ok() ? Ref<Object>::Share(found.As<Object>()) : nullptr;
}

namespace {
constexpr uint32_t kObjectKinds = Bit(Kind::kSession) | Bit(Kind::kResponse) | Bit(Kind::kPool) |
                                  Bit(Kind::kConnection) | Bit(Kind::kRows) | Bit(Kind::kHold) |
                                  Bit(Kind::kCookieJar) | Bit(Kind::kTls) | Bit(Kind::kWebsocket);

Ref<Object> Take(uint64_t id) {
  Locked found(id, kObjectKinds);
  if (!found.ok()) return nullptr;
  Ref<Object> object = Ref<Object>::Adopt(found.As<Object>());
  EndSlot(found.domain(), id);
  return object;
}
}  // namespace

void ReleaseObject(uint64_t id) noexcept {
  if (Ref<Object> object = Take(id)) object->Released();
}

void ForgetObject(uint64_t id) noexcept {
  Take(id);
}

}  // namespace creche
