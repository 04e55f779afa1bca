#include "tasks/waitable/limiter.h"

#include <new>
#include <utility>

#include "tasks/waitable/section.h"

namespace creche::tasks {

void Limiter::Enter(WaitNode* wait) noexcept {
  if (closed) return wait->Fail(ClosedError("the limiter was released"));
  if (IsFree()) return Grant(wait);
  line.PushBack(wait);
}

void Limiter::Leave(WaitNode* wait) noexcept {
  line.Remove(wait);
  if (Token* token = std::exchange(wait->token, nullptr)) End(token);
}

void Limiter::HandOver() noexcept {
  while (!line.empty() && borrowed < total) {
    Waiter* waiter = line.first();
    line.Remove(waiter);
    Grant(waiter);
  }
}

void Limiter::Grant(Waiter* waiter) noexcept {
  borrowed++;
  if (waiter->task->type == NodeType::kOffload) return tree->WakeOffload(waiter);
  WaitNode* wait = WaitOf(waiter);
  Token* token = std::exchange(wait->token, nullptr);
  token->held = true;
  tree->AttachLease(token, wait->owner());
  wait->flags = kOwned;
  wait->Succeed(token->id);
}

Token* Limiter::Reserve(uint64_t borrower, Status* status) noexcept {
  *status = Status::kNoMemory;
  try {
    if (borrower != 0 && !borrowers.insert(borrower).second) {
      *status = Status::kState;
      return nullptr;
    }
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  Token* token = tree->pools_.tokens.New();
  if (token) token->id = AddSlot(tree->domain(), Kind::kToken, token);
  if (!token || token->id == 0) {
    if (token) tree->pools_.tokens.Delete(token);
    if (borrower != 0) borrowers.erase(borrower);
    return nullptr;
  }
  token->limiter = this;
  token->borrower = borrower;
  refs++;
  *status = Status::kOk;
  return token;
}

void Limiter::End(Token* token) noexcept {
  tree->DetachLease(token);
  EndSlot(tree->domain(), token->id);
  if (token->borrower != 0) borrowers.erase(token->borrower);
  if (token->held) borrowed--;
  tree->pools_.tokens.Delete(token);
  Unref();
}

// The lease is detached already if its owner gives it back.
bool Token::GiveBackLocked() noexcept {
  Limiter* from = limiter;
  from->refs++;
  from->End(this);
  from->HandOver();
  from->Unref();
  return true;
}

Status OpenLimiter(uint64_t loop, const char* name, uint32_t total, uint64_t* id) noexcept {
  return OpenWaitable<Limiter>(loop, Kind::kLimiter, name, id, [&](Limiter* limiter) {
    limiter->total = total;
    limiter->phase = Phase::kLimit;
    return Status::kOk;
  });
}

Status AcquireToken(uint64_t id, uint64_t borrower, const StartArgs& args,
                    uint64_t* culprit) noexcept {
  WaitableSection section(id, Kind::kLimiter, args.in, culprit);
  if (!section.ok()) return section.status();
  auto* limiter = section.As<Limiter>();
  *culprit = id;
  WaitNode* wait = WaitNode::New(limiter);
  if (!wait) return Status::kNoMemory;
  Status status;
  wait->token = limiter->Reserve(borrower, &status);
  if (!wait->token) {
    wait->Free();
    return status;
  }
  *culprit = args.in;
  return section.tree()->StartTask(wait, section.in(), args, false);
}

Status TryAcquireToken(uint64_t id, uint64_t in, uint64_t borrower, uint64_t* token_id,
                       uint64_t* culprit) noexcept {
  WaitableSection section(id, Kind::kLimiter, in, culprit);
  if (!section.ok()) return section.status();
  auto* limiter = section.As<Limiter>();
  *culprit = id;
  Status status;
  Token* token = limiter->Reserve(borrower, &status);
  if (!token) return status;
  if (!limiter->IsFree()) {
    limiter->End(token);
    return Status::kLimit;
  }
  limiter->borrowed++;
  token->held = true;
  Node* node = section.in();
  section.tree()->AttachLease(token, OwnerIn(node));
  *token_id = token->id;
  return Status::kOk;
}

Status MoveToken(uint64_t id, uint64_t to, uint64_t* culprit) noexcept {
  WaitableSection section(id, Kind::kToken, to, culprit);
  if (!section.ok()) return section.status();
  auto* token = section.As<Token>();
  Node* node = section.in();
  *culprit = id;
  if (!token->held) return Status::kState;
  section.tree()->DetachLease(token);
  section.tree()->AttachLease(token, OwnerIn(node));
  return Status::kOk;
}

void ReleaseToken(uint64_t id) noexcept {
  Section section(id, Bit(Kind::kToken));
  // Only those of functions that were left behind outlive the limiter, by its loop's end.
  if (!section.ok() || section.tree()->life_.joined) return;
  auto* token = section.As<Token>();
  if (token->held) static_cast<void>(token->GiveBackLocked());
}

Status SetLimiterTotal(uint64_t id, uint32_t total) noexcept {
  Section section(id, Bit(Kind::kLimiter));
  if (!section.ok()) return section.status();
  auto* limiter = section.As<Limiter>();
  limiter->total = total;
  limiter->HandOver();
  return Status::kOk;
}

Status GetLimiterState(uint64_t id, LimiterState* state) noexcept {
  Section section(id, Bit(Kind::kLimiter));
  if (!section.ok()) return section.status();
  const auto* limiter = section.As<Limiter>();
  *state = {limiter->total, limiter->borrowed, limiter->line.size()};
  return Status::kOk;
}

void ReleaseLimiter(uint64_t id) noexcept {
  Section section(id, Bit(Kind::kLimiter));
  if (!section.ok()) return;
  auto* limiter = section.As<Limiter>();
  EndSlot(section.tree()->domain(), id);
  limiter->id = 0;
  limiter->closed = true;
  ErrorRef error;
  while (Waiter* waiter = limiter->line.first()) {
    limiter->line.Remove(waiter);
    if (waiter->task->type == NodeType::kOffload) {
      section.tree()->WakeOffload(waiter);
      continue;
    }
    if (!error) error = ClosedError("the limiter was released");
    WaitOf(waiter)->Fail(error);
  }
  limiter->Unref();
}

}  // namespace creche::tasks
