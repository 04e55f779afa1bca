// Objects with a reference count, and their handles.
#include <new>

#include "core/handle_parts.h"
#include "platform/clock.h"
#include "platform/fork.h"

namespace creche {

using namespace table;

constinit std::atomic<Domain*> table::g_objects{nullptr};

Domain* table::ObjectsDomain() noexcept {
  Domain* domain = g_objects.load(std::memory_order_acquire);
  const uint32_t fork = platform::ForkGeneration();
  if (domain && domain->fork_generation.load(std::memory_order_relaxed) == fork) return domain;
  std::lock_guard guard(g_lock);
  domain = g_objects.load(std::memory_order_acquire);
  if (domain && domain->fork_generation.load(std::memory_order_relaxed) == fork) return domain;
  domain = new (std::nothrow) Domain;  // a child of fork leaves the parent's objects alone
  if (!domain) return nullptr;
  domain->fork_generation.store(fork, std::memory_order_relaxed);
  g_objects.store(domain, std::memory_order_release);
  return domain;
}

uint64_t AddObject(Kind kind, Ref<Object> object, uint64_t loop) noexcept {
  Domain* domain = ObjectsDomain();
  if (!domain) return 0;
  object->loop_ = loop;
  object->born_ = platform::CoarseNow();
  std::lock_guard guard(domain->lock);
  const uint64_t id = AddSlot(domain, kind, object.get());
  if (id == 0) return 0;
  object->id_.store(id, std::memory_order_relaxed);
  static_cast<void>(object.Leak());
  return id;
}

size_t ObjectsOf::Find(uint64_t loop, One* found, size_t capacity) noexcept {
  Domain* domain = ObjectsDomain();
  if (!domain) return 0;
  const Nanos now = platform::CoarseNow();
  size_t n = 0;
  const std::lock_guard guard(domain->lock);
  for (uint32_t at = domain->first_chunk; at != 0;) {
    Chunk* chunk = g_chunks[at - 1].load(std::memory_order_acquire);
    for (Slot& slot : chunk->slots) {
      if (!slot.is_live()) continue;
      const auto* object = static_cast<Object*>(slot.object());
      if (object->loop_ != loop) continue;
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
                                  Bit(Kind::kConnection) | Bit(Kind::kRows) | Bit(Kind::kHold);

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
