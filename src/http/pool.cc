// Pool: its connections. See pool_serve.cc for who gets them.
#include "http/pool.h"

#include <algorithm>
#include <new>
#include <utility>

#include "http/recent.h"

namespace creche::http {

namespace {
// An expired connection is never used, but may stay open for this part of its time, and for no
// more than this, so that many are closed together.
constexpr Nanos kSweepPart = 8;
constexpr Nanos kSweepPause = kSecond;

constexpr char kExpired[] = "a connection is closed: it was idle for too long, or is too old";
constexpr char kUnsound[] =
    "a kept connection is closed: the server has ended it, or sent what nobody asked for";
constexpr char kUsedUp[] = "a connection is closed: it has carried as many requests as it may";
constexpr char kNotToBeKept[] =
    "a connection is closed: it cannot be kept after what was last on it";
constexpr char kInTheWay[] = "an idle connection is closed: its place was needed for another one";
}  // namespace

Pool::Pool(Loop& loop, const Limits& limits, Counters& counters, Opener& opener)
    : loop_(loop),
      limits_(limits),
      counters_(counters),
      opener_(opener),
      random_(static_cast<uint32_t>(platform::MonotonicNow())),
      timer_(
          loop, [](void* self) noexcept { static_cast<Pool*>(self)->CloseExpired(); }, this),
      serve_(
          loop, [](void* self) noexcept { static_cast<Pool*>(self)->ServeAll(); }, this) {}

Pool::~Pool() {
  while (PoolMember* member = idle_.first())
    Close(member, "a connection is closed with its session");
}

// ---- Opening ----

PoolMember::PoolMember(Pool& pool, PoolLine* line) noexcept : pool_(pool), line_(line) {
  pool_.counters_.open.Add();
  line_->open++;
}

PoolMember::~PoolMember() {
  connection_.reset();
  if (checkout_) line_->opening--;  // given up
  opening_.reset();
  List<PoolMember, struct OfLine>::Remove(this);
  pool_.Freed(line_);
}

// There is room for it.
void Pool::OpenFor(PoolLine* line, Checkout* checkout) noexcept {
  PoolMember* member = nullptr;
  try {
    member = new PoolMember(*this, line);
    member->opening_ = opener_.Open({.url = *checkout->url_,
                                     .tls = checkout->tls_,
                                     .way = checkout->way_,
                                     .protocols = checkout->protocols_,
                                     .watch = checkout->watch_},
                                    *checkout->timeouts_, member);
  } catch (const std::bad_alloc&) {
    delete member;
    if (!member) ForgetIfUnused(line);
    return checkout->OnOpenFailed(Phase::kPool, NoMemoryError());
  }
  line->opening++;
  member->checkout_ = checkout;
  checkout->pool_ = this;
  checkout->opening_ = member;
  Requeue(line);
  checkout->OnOpening();
  member->opening_->Start();
}

void PoolMember::OnOpened(std::unique_ptr<Connection> connection) noexcept {
  connection->set_owner(this);
  connection_ = std::move(connection);
  pool_.Opened(this);
}

void Pool::Opened(PoolMember* member) noexcept {
  member->opening_.reset();
  Checkout* checkout = std::exchange(member->checkout_, nullptr);
  checkout->opening_ = nullptr;
  member->used_ = 1;
  member->carried_ = 1;
  member->last_use_ = LastUse();
  PoolLine* const line = member->line_;
  line->opening--;
  line->single = member->connection_->capacity() == 1;
  if (member->has_room()) {
    Changed(member);
  } else if (line->protocols != Protocols::kHttp1 && !line->waiting.empty()) {
    // It cannot be shared: who waited for that goes on.
    Requeue(line);
    ServeSoon();
  }
  checkout->OnReserved(Reservation(member), false);
}

// Whom it was opened for is gone: who waits longest to share it has it now.
void Pool::GiveUp(PoolMember* member) noexcept {
  PoolLine* const line = member->line_;
  Checkout* const heir = line->shares() ? line->waiting.first() : nullptr;
  if (!heir) {
    delete member;
    return;
  }
  heir->waited_ += Recent(loop_) - heir->waits_since_;
  StopWaiting(heir);
  heir->opening_ = member;
  member->checkout_ = heir;
  heir->OnOpening();
}

void PoolMember::OnOpenFailed(ErrorRef error) noexcept {
  pool_.OpenFailed(this, std::move(error));
}

void Pool::OpenFailed(PoolMember* member, ErrorRef error) noexcept {
  Checkout* checkout = std::exchange(member->checkout_, nullptr);
  checkout->opening_ = nullptr;
  const Phase phase = member->opening_->phase();
  // Those who waited to share it try on their own: what it was may be this one's trouble.
  member->line_->opening--;
  member->line_->single = true;
  delete member;
  checkout->OnOpenFailed(phase, std::move(error));
}

// ---- Places ----

bool PoolMember::has_room() const noexcept {
  const uint32_t most = pool_.limits_.streams_per_connection;
  return used_ < connection_->capacity() && (most == 0 || used_ < most) && !pool_.IsUsedUp(this);
}

// It has carried as many requests as it may. (Its time is looked up when a place is taken.)
bool Pool::IsUsedUp(const PoolMember* member) const noexcept {
  return limits_.max_requests != 0 && member->carried_ >= limits_.max_requests;
}

// Until when a connection that is new now may be used.
Nanos Pool::LastUse() noexcept {
  if (limits_.max_lifetime == kNever) return kNever;
  const Nanos early = std::uniform_int_distribution<Nanos>(0, limits_.max_lifetime / 10)(random_);
  return After(loop_.now(), limits_.max_lifetime - early);
}

Connection& Reservation::connection() const noexcept {
  return *member_->connection_;
}

void Reservation::GiveBack() noexcept {
  if (PoolMember* member = std::exchange(member_, nullptr)) member->pool_.GiveBack(member);
}

void Reservation::GiveBackUnused() noexcept {
  member_->carried_--;
  GiveBack();
}

void Pool::GiveBack(PoolMember* member) noexcept {
  if (--member->used_ > 0) return Changed(member);
  if (member->connection_->keep_for() > 0 && !IsUsedUp(member))
    Keep(member);
  else
    End(member, IsUsedUp(member) ? kUsedUp : kNotToBeKept);
}

void PoolMember::OnChanged() noexcept {
  if (connection_) pool_.Changed(this);
}

void Pool::Changed(PoolMember* member) noexcept {
  using Available = List<PoolMember, struct OfLine>;
  if (member->idle()) {
    if (!member->has_room() || !member->connection_->IdleIsSound()) Close(member, kUnsound);
    return;
  }
  const bool has_room = member->has_room() && member->last_use_ > loop_.turn_time();
  if (has_room == Available::Has(member)) return;
  if (has_room)
    member->line_->available.PushFront(member);
  else
    Available::Remove(member);
  Requeue(member->line_);
  if (has_room && counters_.waiting.get() > 0) ServeSoon();
}

// Takes a place on the connection that was used last and is still good; or null.
PoolMember* Pool::TakePlace(PoolLine* line) noexcept {
  while (PoolMember* member = line->available.first()) {
    // Its watch has told of what came before this turn, which may be as little as a system call
    // ago, or a long callback. What came since then, an end or an answer that nobody asked for,
    // would be the next request's: so it is asked, always. (Its time need not be looked up so
    // exactly.)
    if (member->idle()) {
      const char* unfit = nullptr;
      if (member->idle_until_ <= loop_.turn_time())
        unfit = kExpired;
      else if (!member->connection_->IdleIsSound())
        unfit = kUnsound;
      LeaveIdle(member);
      if (unfit) {
        End(member, unfit);
        continue;
      }
    } else if (member->last_use_ <= loop_.turn_time()) {
      List<PoolMember, struct OfLine>::Remove(member);  // for good: it goes with those it carries
      Requeue(line);
      continue;
    }
    member->used_++;
    member->carried_++;
    if (!member->has_room()) List<PoolMember, struct OfLine>::Remove(member);
    Requeue(line);
    return member;
  }
  return nullptr;
}

// ---- Idle ones ----

// Nobody has a place on it any more.
void Pool::Keep(PoolMember* member) noexcept {
  PoolLine* line = member->line_;
  member->idle_until_ =
      std::min(After(Recent(loop_), std::min(member->connection_->keep_for(), limits_.keepalive)),
               member->last_use_);
  List<PoolMember, struct OfLine>::Remove(member);
  line->available.PushFront(member);
  idle_.PushBack(member);
  line->idle++;
  counters_.idle.Add();
  if (!line->waiting.empty()) awaited_idle_++;
  Requeue(line);
  const Nanos sweep = std::max(member->idle_until_, next_sweep_);
  if (sweep < timer_at_ && timer_.Arm(sweep)) timer_at_ = sweep;
  if (counters_.waiting.get() > 0) ServeSoon();
}

// Of an idle one: it is about to be used, or closed.
void Pool::LeaveIdle(PoolMember* member) noexcept {
  PoolLine* line = member->line_;
  List<PoolMember, struct ByAge>::Remove(member);
  line->idle--;
  counters_.idle.Subtract();
  if (!line->waiting.empty()) awaited_idle_--;
}

// With its connection. why: what the log says.
void Pool::End(PoolMember* member, const char* why) noexcept {
  member->connection_->set_farewell(why);
  delete member;
}

// Of an idle one.
void Pool::Close(PoolMember* member, const char* why) noexcept {
  LeaveIdle(member);
  End(member, why);
}

void Pool::CloseExpired() noexcept {
  const Nanos now = loop_.now();
  next_sweep_ = After(now, std::min(limits_.keepalive / kSweepPart, kSweepPause));
  Nanos next = kNever;
  for (PoolMember* member = idle_.first(); member;) {
    work_++;
    PoolMember* newer = idle_.Next(member);
    if (member->idle_until_ <= now) {
      Close(member, kExpired);
    } else {
      next = std::min(next, std::max(member->idle_until_, next_sweep_));
    }
    member = newer;
  }
  timer_at_ = next != kNever && timer_.Arm(next) ? next : kNever;
}

// ---- Room ----

PoolMember* Pool::FindIdle(const PoolLine* line) const noexcept {
  if (line->idle == 0) return nullptr;
  PoolMember* member = line->available.first();
  while (!member->idle()) member = line->available.Next(member);
  return member;
}

// The idle connection that may be closed so that `line` can have another: the oldest that nobody
// waits for; for a line that has none, the oldest of all.
PoolMember* Pool::FindVictim(const PoolLine* line) const noexcept {
  if (line->open == 0) return idle_.first();
  if (awaited_idle_ == counters_.idle.get() && line->idle == 0) return nullptr;
  // Those that somebody waits for are served in this turn, so they are few, and young.
  for (PoolMember* member = idle_.first(); member; member = idle_.Next(member)) {
    work_++;
    if (member->line_->waiting.empty() || member->line_ == line) return member;
  }
  return nullptr;
}

bool Pool::CanOpen(const PoolLine* line) const noexcept {
  if (limits_.per_route != 0 && line->open >= limits_.per_route) return false;
  return has_room() || FindVictim(line) != nullptr;
}

// Makes sure that `line` can have another connection. False: it has to wait.
bool Pool::MakeRoom(PoolLine* line) noexcept {
  if (!CanOpen(line)) {
    // At the limit of its own, an idle one that is not wanted may be what is in the way.
    PoolMember* idle = FindIdle(line);
    if (limits_.per_route == 0 || line->open < limits_.per_route || !idle) return false;
    Close(idle, kInTheWay);
    return true;
  }
  if (!has_room()) Close(FindVictim(line), kInTheWay);
  return true;
}

uint32_t Pool::RoomAlong(const Route& route, uint32_t wanted) const {
  const Lines& lines = lines_[static_cast<size_t>(route.protocols)];
  const auto found = lines.find(route.key());
  const uint32_t open = found == lines.end() ? 0 : found->second.open;
  const auto left = [](uint64_t limit, uint64_t used) {
    return static_cast<uint32_t>(limit > used ? std::min<uint64_t>(limit - used, UINT32_MAX) : 0);
  };
  uint32_t room = left(wanted, open);
  if (limits_.per_route != 0) room = std::min(room, left(limits_.per_route, open));
  if (limits_.total != 0) room = std::min(room, left(limits_.total, counters_.open.get()));
  return room;
}

void Pool::Freed(PoolLine* line) noexcept {
  counters_.open.Subtract();
  line->open--;
  Requeue(line);
  if (counters_.waiting.get() > 0) ServeSoon();
  ForgetIfUnused(line);
}

}  // namespace creche::http
