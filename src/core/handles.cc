#include "core/handles.h"

namespace creche {

using namespace table;

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
    case Kind::kCookieJar:
      return "a jar of cookies";
    case Kind::kTls:
      return "TLS settings";
    case Kind::kWebsocket:
      return "a WebSocket";
    case Kind::kReceived:
      return "a completion in a queue";
  }
  return "no handle of this library";
}

Domain* DomainOfForked(uint64_t id) noexcept {
  Chunk* chunk = ChunkOf(SlotOf(id));
  return chunk ? chunk->domain.load() : nullptr;
}

void* FindOrSayWhy(Domain* domain, uint64_t id, uint32_t kinds, Status* status) noexcept {
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
  if (!domain || slot.id() != id) {
    *status = WhyNot(slot, id);
    return nullptr;
  }
  *status = Status::kOk;
  return domain;
}

}  // namespace creche
