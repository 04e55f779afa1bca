#include "core/handles.h"

#include <sched.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <new>
#include <utility>

#include "core/arena.h"
#include "core/loop.h"
#include "platform/clock.h"
#include "platform/fork.h"
#include "platform/thread.h"

namespace creche {

using namespace table;

constinit std::atomic<Chunk*> table::g_chunks[kChunks] = {};
constinit std::atomic<uint32_t> table::g_seed{0};

namespace {

// Guards the rest and what changes g_chunks.
constinit platform::Lock g_table;
constinit uint32_t g_chunk_count = 0;
constinit uint32_t g_spare_chunk = 0;  // number + 1
constinit Domain* g_spare_domain = nullptr;
constinit std::atomic<Domain*> g_objects{nullptr};

// Chunks live for ever, and so does what they lie in: it is never destroyed.
Arena& ChunkMemory() {
  alignas(Arena) static char place[sizeof(Arena)];
  static Arena* const arena = new (place) Arena;
  return *arena;
}

uint32_t Seed() {
  uint32_t seed = g_seed.load(std::memory_order_relaxed);
  if (seed != 0) return seed;
  uint32_t random = 0;
  if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
    random = static_cast<uint32_t>(time(nullptr)) * 2654435761u ^ static_cast<uint32_t>(getpid());
  uint32_t expected = 0;
  g_seed.compare_exchange_strong(expected, random | 1);
  return g_seed.load();
}

uint32_t GenerationOf(uint64_t id) {
  return static_cast<uint32_t>(id);
}
bool IsLive(const Slot& slot, uint64_t id) {
  return slot.id() == id;
}

Domain* Objects() {
  Domain* domain = g_objects.load(std::memory_order_acquire);
  const uint32_t fork = platform::ForkGeneration();
  if (domain && domain->fork_generation.load(std::memory_order_relaxed) == fork) return domain;
  std::lock_guard guard(g_table);
  domain = g_objects.load(std::memory_order_acquire);
  if (domain && domain->fork_generation.load(std::memory_order_relaxed) == fork) return domain;
  domain = new (std::nothrow) Domain;  // a child of fork leaves the parent's objects alone
  if (!domain) return nullptr;
  domain->fork_generation.store(fork, std::memory_order_relaxed);
  g_objects.store(domain, std::memory_order_release);
  return domain;
}

// Around fork: a child must find these locks free.
Domain* locked_for_fork = nullptr;  // g_objects may have changed by the time that g_table is locked
void BeforeFork() {
  locked_for_fork = g_objects.load();
  if (locked_for_fork) locked_for_fork->lock.lock();
  g_table.lock();
}
void AfterFork() {
  g_table.unlock();
  if (locked_for_fork) locked_for_fork->lock.unlock();
}

}  // namespace

Status table::WhyNot(const Slot& slot, uint64_t id) noexcept {
  if (SlotOf(id) == 0) return Status::kBadHandle;  // never given out
  const uint32_t first = FirstGeneration(SlotOf(id));
  const uint32_t given = slot.generation() - first;
  return slot.is_retired() || GenerationOf(id) - first < given ? Status::kEnded
                                                               : Status::kBadHandle;
}

bool table::AddChunk(Domain* domain) noexcept {
  std::lock_guard guard(g_table);
  Chunk* chunk = nullptr;
  if (g_spare_chunk != 0) {
    chunk = g_chunks[g_spare_chunk - 1].load(std::memory_order_relaxed);
    g_spare_chunk = chunk->next;
  } else {
    if (g_chunk_count == kChunks) return false;
    void* place = ChunkMemory().Take(sizeof(Chunk));
    if (!place) return false;
    chunk = new (place) Chunk;
    Seed();
    chunk->number = g_chunk_count;
    for (uint32_t i = 0; i < kChunkSlots; i++) {
      Slot& slot = chunk->slots[i];
      // Slot 0 means "none" in the free lists.
      const uint32_t number = chunk->number << kChunkBits | i;
      slot.Free(FirstGeneration(number), number == 0 ? kRetired : 0);
    }
    g_chunks[g_chunk_count++].store(chunk, std::memory_order_release);
  }
  for (uint32_t i = kChunkSlots; i-- > 0;) {
    Slot& slot = chunk->slots[i];
    if (slot.is_retired()) continue;
    slot.Free(slot.generation(), domain->first_free);
    domain->first_free = chunk->number << kChunkBits | i;
  }
  chunk->next = domain->first_chunk;
  domain->first_chunk = chunk->number + 1;
  chunk->domain.store(domain, std::memory_order_release);
  return true;
}

const char* KindName(Kind kind) noexcept {
  switch (kind) {
    case Kind::kNone:
      return "nothing";
    case Kind::kLoop:
      return "a loop";
    case Kind::kScope:
      return "a scope";
    case Kind::kGroup:
      return "a group";
    case Kind::kTask:
      return "a task";
    case Kind::kQueue:
      return "a queue";
    case Kind::kSession:
      return "a session";
    case Kind::kResponse:
      return "a response";
    case Kind::kPool:
      return "a pool";
    case Kind::kConnection:
      return "a connection";
    case Kind::kRows:
      return "rows";
    case Kind::kHold:
      return "a held completion";
    case Kind::kPlace:
      return "a held place in a group";
    case Kind::kLimiter:
      return "a limiter";
    case Kind::kToken:
      return "a token";
    case Kind::kRate:
      return "a rate limiter";
    case Kind::kEvent:
      return "an event";
    case Kind::kSender:
      return "a sender";
    case Kind::kReceiver:
      return "a receiver";
    case Kind::kReceived:
      return "a completion in a queue";
  }
  return "no handle of this library";
}

Domain* OpenDomain(void* owner, int* error) noexcept {
  if (!Objects()) {  // before WatchForks, which locks it
    *error = ENOMEM;
    return nullptr;
  }
  platform::WatchForks(BeforeFork, AfterFork, Loop::ForkedHere);
  Domain* domain = nullptr;
  {
    std::lock_guard guard(g_table);
    domain = g_spare_domain;
    if (domain) g_spare_domain = domain->next_spare;
  }
  if (!domain) {
    domain = new (std::nothrow) Domain;
    *error = ENOMEM;
    if (!domain) return nullptr;
  } else if (domain->forked()) {
    domain->wakers.store(0);  // the threads of the parent process are not here
  }
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) {
    *error = errno;
    std::lock_guard guard(g_table);
    domain->next_spare = g_spare_domain;  // not freed: a stale id may look at it
    g_spare_domain = domain;
    return nullptr;
  }
  std::lock_guard guard(domain->lock);
  domain->wake_fd.store(wake_fd);
  domain->owner = owner;
  domain->fork_generation.store(platform::ForkGeneration(), std::memory_order_relaxed);
  return domain;
}

void CloseDomain(Domain* domain) noexcept {
  const platform::NotCancelled here;
  // Whoever has seen the descriptor is about to be through with it.
  const int wake_fd = domain->wake_fd.exchange(-1);
  while (domain->wakers.load() != 0) sched_yield();
  if (wake_fd >= 0) close(wake_fd);
  {
    std::lock_guard guard(domain->lock);
    std::lock_guard table(g_table);
    while (domain->first_chunk != 0) {
      Chunk* chunk = g_chunks[domain->first_chunk - 1].load(std::memory_order_relaxed);
      domain->first_chunk = chunk->next;
      for (uint32_t i = 0; i < kChunkSlots; i++)
        if (chunk->slots[i].is_live()) End(chunk->slots[i], 0);
      chunk->domain.store(nullptr, std::memory_order_release);
      chunk->next = g_spare_chunk;
      g_spare_chunk = chunk->number + 1;
    }
    domain->first_free = 0;
    domain->owner = nullptr;
    domain->epoll_fd = -1;
    for (auto& interrupt : domain->interrupts) interrupt.store(0);
    domain->interrupted.store(false);
  }
  // Spare only now that its lock is free: a child of fork takes what is spare.
  std::lock_guard table(g_table);
  domain->next_spare = g_spare_domain;
  g_spare_domain = domain;
}

void AbandonDomain(Domain* domain) noexcept {
  const platform::NotCancelled here;
  // Its lock may be held by a thread that does not exist here: touch nothing but the descriptor.
  for (const int fd : {domain->wake_fd.exchange(-1), std::exchange(domain->epoll_fd, -1)})
    if (fd >= 0) close(fd);
}

Domain* DomainOfForked(uint64_t id) noexcept {
  Chunk* chunk = ChunkOf(SlotOf(id));
  return chunk ? chunk->domain.load() : nullptr;
}

void* FindHere(Domain* domain, uint64_t id, uint32_t kinds, Status* status) noexcept {
  Domain* its = PeekDomain(id, kinds, status);
  if (!its) return nullptr;
  if (its == domain) return SlotAt(ChunkOf(SlotOf(id)), SlotOf(id)).object();
  *status = Status::kWrongLoop;
  return nullptr;
}

Domain* PeekDomain(uint64_t id, uint32_t kinds, Status* status) noexcept {
  *status = Status::kBadHandle;
  const uint32_t kind = static_cast<uint32_t>(id >> 59);
  if ((kinds & (1u << kind)) == 0 || kind == 0) return nullptr;
  Chunk* chunk = ChunkOf(SlotOf(id));
  if (!chunk) return nullptr;
  Slot& slot = SlotAt(chunk, SlotOf(id));
  Domain* domain = chunk->domain.load(std::memory_order_acquire);
  if (domain && domain->fork_generation.load() != platform::ForkGeneration()) {
    *status = Status::kForked;
    return nullptr;
  }
  if (!domain || !IsLive(slot, id)) {
    *status = WhyNot(slot, id);
    return nullptr;
  }
  *status = Status::kOk;
  return domain;
}

uint64_t AddObject(Kind kind, Ref<Object> object, uint64_t loop) noexcept {
  Domain* domain = Objects();
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
  Domain* domain = Objects();
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
