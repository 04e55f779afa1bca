// Connection: what may be sent behind what, and what takes the place of what was cut.
//
// A cancel that comes late hits whatever runs by then. On a connection that several share each hit
// is run again; on one that somebody holds the order is his, so there must be nothing behind the
// one that was hit. So what is known to take long has nothing behind it (a round trip is nothing to
// it), what is not known has one statement at the most, and what opens a transaction is never hit:
// what follows would happen outside of it.
#include <algorithm>

#include "pg/breaker.h"
#include "pg/connection.h"

namespace creche::pg {

void Connection::Link(Request* request, Request* before) noexcept {
  request->state_ = Request::State::kQueued;
  request->next_ = before;
  request->prev_ = before ? before->prev_ : queue_last_;
  (request->prev_ ? request->prev_->next_ : queue_first_) = request;
  (before ? before->prev_ : queue_last_) = request;
  queued_++;
}

void Connection::Resubmit(Request* request) noexcept {
  if (ErrorRef over = Over()) return request->OnReply({.error = std::move(over), .unsent = true});
  Link(request, queue_first_);
  Advance();
}

bool Connection::MaySend(const Request& request) noexcept {
  Flight& last = At(flights_ - 1);
  // Streams and scripts have the connection to themselves.
  if (request.shape_ != Request::Shape::kRows || last.shape != Request::Shape::kRows) return false;
  if (books.use == Books::Use::kShared) return true;
  if (request.opens_ && firm_ < flights_) return false;
  if (last.pace == Pace::kNotAsked) {
    last.pace = PaceOf(last);
    if (last.pace == Pace::kUnknown && last.implicit) open_++;
  }
  if (last.pace == Pace::kLong) return false;
  return open_ == (last.pace == Pace::kUnknown && last.implicit ? 1 : 0);
}

Connection::Pace Connection::PaceOf(const Flight& flight) noexcept {
  if (flight.firm || flight.shape != Request::Shape::kRows) return Pace::kShort;
  const uint64_t hash = flight.hash;
  const Nanos usual = history_.UsualTime(hash);
  if (usual == 0) return Pace::kUnknown;
  // Measured by itself all is short.
  if (usual > History::kShort && hash == shared_.fastest_hash) return Pace::kUnknown;
  return usual <= History::kShort + 4 * fastest_ ? Pace::kShort : Pace::kLong;
}

void Connection::BreakFirst(bool unsent, Ref<Level> level) noexcept {
  // What was never sent stands behind all that is in flight.
  for (size_t i = 0; i < flights_ && !unsent; i++)
    if (At(i).edge) return;
  Break(queue_first_, std::move(level));
}

// Puts a breaker in front of `before`, or at the end.
void Connection::Break(Request* before, Ref<Level> level) noexcept {
  // Whoever shares a connection has no transaction.
  if (lost_ || closing_ || books.use == Books::Use::kShared) return;
  if (!level) {
    if (load() == 0 && !maybe_in_transaction_) return;
    const Request* neighbour = before ? before->prev_ : queue_last_;
    if (neighbour && neighbour->breaks_) return;
  }
  Breaker* breaker = Breaker::Make(*this, std::move(level));
  if (!breaker) return Lose(NoMemoryError());
  Link(breaker, before);
  Advance();
}

}  // namespace creche::pg
