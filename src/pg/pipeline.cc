#include "pg/pipeline.h"

#include <bit>

#include "pg/command/command.h"

namespace creche::pg {

Pipeline::Pipeline(size_t depth)
    : depth_(depth), mask_(std::bit_ceil(depth + 1) - 1), ring_(mask_ + 1) {}

Flight* Pipeline::Find(const Command* command) noexcept {
  for (size_t i = 0; i < size_; i++)
    if (At(i).command == command) return &At(i);
  return nullptr;
}

Flight& Pipeline::Next() noexcept {
  Flight& flight = At(size_);
  static_cast<FlightFacts&>(flight) = {};
  return flight;
}

void Pipeline::Push() noexcept {
  const Flight& flight = At(size_++);
  firm_ += flight.firm;
  changes_ += flight.changes;
}

const FlightFacts& Pipeline::Pop() noexcept {
  Flight& flight = At(0);
  flight.error = nullptr;
  flight.rows = nullptr;
  flight.columns = nullptr;
  first_++;
  size_--;
  cancelled_ -= flight.cancelled;
  firm_ -= flight.firm;
  changes_ -= flight.changes;
  return flight;
}

bool Pipeline::MayFollow(const Command& command, bool any_order, History& history) noexcept {
  if (size_ == 0) return true;
  Flight& last = At(size_ - 1);
  // What is back in the queue is to know what has become of all that was sent behind it.
  if (last.opens || command.again()) return false;
  if (command.alone() || last.alone) return false;
  if (any_order) return true;
  if (!last.paced) {
    last.paced = true;
    if (!last.firm) last.pace = history.PaceOf(last.hash);
  }
  if (last.pace == History::Pace::kLong) return false;
  return !last.implicit || last.firm || size_ - firm_ == 1;
}

void Pipeline::MarkCancelled(Flight* flight) noexcept {
  flight->cancelled = true;
  cancelled_++;
}

bool Pipeline::has_edge(size_t from) noexcept {
  for (size_t i = from; i < size_; i++)
    if (At(i).edge) return true;
  return false;
}

}  // namespace creche::pg
