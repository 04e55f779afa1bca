// The memory of the handle table: chunks of slots.
#include <new>

#include "core/arena.h"
#include "core/handle_parts.h"
#include "platform/random.h"

namespace creche {

using namespace table;

constinit std::atomic<Chunk*> table::g_chunks[kChunks] = {};
constinit std::atomic<uint32_t> table::g_seed{0};
constinit platform::Lock table::g_lock;

namespace {

constinit uint32_t g_chunk_count = 0;
constinit uint32_t g_spare_chunk = 0;  // number + 1

// Chunks live for ever, and so does what they lie in: it is never destroyed.
Arena& ChunkMemory() {
  alignas(Arena) static char place[sizeof(Arena)];
  static Arena* const arena = new (place) Arena;
  return *arena;
}

uint32_t Seed() {
  uint32_t seed = g_seed.load(std::memory_order_relaxed);
  if (seed != 0) return seed;
  uint32_t expected = 0;
  g_seed.compare_exchange_strong(expected, static_cast<uint32_t>(platform::Random64()) | 1);
  return g_seed.load();
}

uint32_t GenerationOf(uint64_t id) {
  return static_cast<uint32_t>(id);
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
  std::lock_guard guard(g_lock);
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

void table::GiveBackChunks(Domain* domain) noexcept {
  std::lock_guard guard(g_lock);
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
}

}  // namespace creche
