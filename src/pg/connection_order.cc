// Connection: what may be sent behind what, and what takes the place of what was cut.
//
// A cancel that comes late hits whatever runs by then. On a connection that several share each hit
// is run again; on one that somebody holds the order is his, so there must be nothing behind the
// one that was hit. So outside of transactions there is something behind a statement only if
// nothing that could be cancelled is in front of it; what is known to take long has nothing behind
// it (a round trip is nothing to it, and what waits can be cancelled); and what opens a transaction
// has nothing: if it fails, what follows would happen outside of it.
#include <algorithm>

#include "pg/breaker.h"
#include "pg/connection.h"
#include "pg/server_error.h"

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
  // What is back in the queue is to know what has become of all that was sent behind it.
  if (last.opens || request.again_) return false;
  // Streams and scripts have the connection to themselves.
  if (request.shape_ != Request::Shape::kRows || last.shape != Request::Shape::kRows) return false;
  if (books.use == Books::Use::kShared) return true;
  if (last.pace == Pace::kNotAsked) last.pace = PaceOf(last);
  if (last.pace == Pace::kLong) return false;
  return !last.implicit || last.firm || flights_ - firm_ == 1;
}

// The end of a transaction that the server has not begun with (somebody has cancelled it there, a
// time limit of the server's) leaves the transaction open, and failed: it is sent again, and rolls
// back. What was sent behind it, to happen after it, has failed in it without a trace: it follows.
bool Connection::PutBack(const Flight& flight, Reply* reply) noexcept {
  constexpr uint8_t kMost = 10;
  Request* const request = flight.request;
  if (closing_ || !reply->error) return false;
  Request* before = queue_first_;
  if (!request->ends_) {
    if (!flight.implicit || !HasState(reply->error, "25P02")) return false;
    while (before && !(before->again_ && before->ends_)) before = before->next_;
    if (!before) return false;
    while (before && before->again_) before = before->next_;
    // (A BEGIN that nobody wants any more is one that was too late to be stopped.)
    if (flight.cancelled && !flight.opens) {
      *reply = {.error = std::move(reply->error), .unsent = true};
      return false;
    }
  }
  if (++request->returns_ > kMost) {
    Lose(reply->error);
    return false;
  }
  request->again_ = true;
  Link(request, before);
  return true;
}

Connection::Pace Connection::PaceOf(const Flight& flight) noexcept {
  if (flight.firm || flight.shape != Request::Shape::kRows) return Pace::kShort;
  // Measured by itself all is short.
  if (flight.hash == shared_.fastest_hash) return Pace::kShort;
  const Nanos usual = history_.UsualTime(flight.hash);
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
