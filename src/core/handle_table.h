// The handle table's memory: slots in chunks, chunks of domains. handles.h is how it is used; this
// is apart, and in a header, because every call of the ABI looks up a handle.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "core/status.h"
#include "platform/fork.h"
#include "platform/lock.h"
#include "platform/reactor.h"

namespace creche {

// Whose lock guards a set of slots. Lives for ever and is used again: a signal handler may wake it
// whatever happens meanwhile. Domains of two loops share no line of cache, and nor do their chunks.
struct alignas(64) Domain {
  platform::Lock lock;
  std::atomic<uint32_t> fork_generation{0};
  void* owner = nullptr;     // the loop, for a loop's domain
  uint32_t first_free = 0;   // guarded by lock, as is the rest: slot number, 0 for none
  uint32_t first_chunk = 0;  // its chunks, linked by number + 1
  Domain* next_spare = nullptr;
  // It belongs to the parent of this process.
  bool forked() const noexcept {
    return fork_generation.load(std::memory_order_relaxed) != platform::ForkGeneration();
  }
  // Writes to its wake-up descriptor, if its loop still has one. Any thread, also from a signal
  // handler, without the lock.
  [[gnu::noinline]] void Wake() noexcept {
    wakers.fetch_add(1);
    if (const int fd = wake_fd.load(); fd >= 0) platform::Reactor::Wake(fd);
    wakers.fetch_sub(1);
  }
  std::atomic<int> wake_fd{-1};     // an eventfd, while a loop has the domain
  std::atomic<uint32_t> wakers{0};  // that may be about to write to it: it is not closed under them
  int epoll_fd = -1;                // the loop's own; only for AbandonDomain

  // Ids that a signal handler wants cancelled (creche_scope_interrupt).
  static constexpr int kInterrupts = 16;
  std::atomic<uint64_t> interrupts[kInterrupts] = {};
  std::atomic<bool> interrupted{false};
};

namespace table {

constexpr uint32_t kChunkBits = 9;
constexpr uint32_t kChunkSlots = 1u << kChunkBits;
constexpr uint32_t kSlotBits = 27;
constexpr uint32_t kRetired = UINT32_MAX;  // all generations of a slot are used up
constexpr uint32_t kChunks = 1u << (kSlotBits - kChunkBits);

// All of it changes under the domain's lock. Atomic for those who look without it: PeekDomain, and
// telling "ended" from "never was".
class Slot {
 public:
  // The live one. No id equals that of a free slot: it is of no kind.
  uint64_t id() const noexcept { return id_.load(std::memory_order_relaxed); }
  bool is_live() const noexcept { return id() >> 59 != 0; }
  // Of the live id, or of the next one.
  uint32_t generation() const noexcept { return static_cast<uint32_t>(id()); }
  // Live slots.
  void* object() const noexcept {
    return reinterpret_cast<void*>(word_.load(std::memory_order_relaxed));
  }
  // Free ones. kRetired: never again.
  uintptr_t next_free() const noexcept { return word_.load(std::memory_order_relaxed); }
  bool is_retired() const noexcept { return !is_live() && next_free() == kRetired; }

  void Use(uint64_t id, void* object) noexcept {
    word_.store(reinterpret_cast<uintptr_t>(object), std::memory_order_relaxed);
    id_.store(id, std::memory_order_release);
  }
  void Free(uint32_t next_generation, uint32_t next_free) noexcept {
    id_.store(next_generation, std::memory_order_relaxed);
    word_.store(next_free, std::memory_order_relaxed);
  }

 private:
  std::atomic<uint64_t> id_{0};
  std::atomic<uintptr_t> word_{0};
};

struct alignas(64) Chunk {
  std::atomic<Domain*> domain{nullptr};
  uint32_t number = 0;
  uint32_t next = 0;  // in its domain's or the spare list: number + 1
  alignas(64) Slot slots[kChunkSlots];
};

// Changed under a lock of its own; chunks are never freed.
extern std::atomic<Chunk*> g_chunks[kChunks];
extern std::atomic<uint32_t> g_seed;

inline uint32_t SlotOf(uint64_t id) noexcept {
  return static_cast<uint32_t>(id >> 32) & ((1u << kSlotBits) - 1);
}
inline Chunk* ChunkOf(uint32_t slot) noexcept {
  return g_chunks[slot >> kChunkBits].load(std::memory_order_acquire);
}
inline Slot& SlotAt(Chunk* chunk, uint32_t slot) noexcept {
  return chunk->slots[slot & (kChunkSlots - 1)];
}
// Where the generations of a slot start: scattered over the lower half, so that ids of other copies
// hardly ever fit. They end before 0 would come again.
inline uint32_t FirstGeneration(uint32_t slot) noexcept {
  uint32_t x = slot * 2654435761u ^ g_seed.load(std::memory_order_relaxed);
  x ^= x >> 15;
  return x * 2246822519u >> 1;
}
// Frees a live slot. False if it is retired: its generations are used up.
inline bool End(Slot& slot, uint32_t next_free) noexcept {
  const uint32_t next = slot.generation() + 1;
  const bool retired = next == 0;
  slot.Free(next, retired ? kRetired : next_free);
  return !retired;
}
// For an id that is not live: was it ever given out?
[[gnu::pure]] Status WhyNot(const Slot& slot, uint64_t id) noexcept;
// Gives `domain` a chunk of free slots. domain->lock is held. False without memory.
bool AddChunk(Domain* domain) noexcept;

}  // namespace table

}  // namespace creche
