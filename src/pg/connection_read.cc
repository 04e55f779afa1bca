// Connection: reading what the server sends, and the loss of it.
#include <cerrno>
#include <new>

#include "pg/backend_question.h"
#include "pg/connection.h"
#include "pg/server_error.h"

namespace creche::pg {

void Connection::OnReady(void* self, unsigned ready) noexcept {
  auto* connection = static_cast<Connection*>(self);
  const bool reads_when_writable = connection->transport_.receive_wants_write();
  if (ready & platform::kWrite) connection->Flush();
  if (connection->lost_ || connection->paused_) return;
  if ((ready & platform::kRead) || reads_when_writable) connection->Read();
}

void Connection::Read() noexcept {
  Receive();
  if (!lost_) owner_.OnProgress(this);
}

void Connection::Receive(bool own) noexcept {
  // OpenSSL may hold bytes that the descriptor knows nothing of; not for ever, others wait, too.
  constexpr int kRounds = 4;
  const bool wanted_write = transport_.receive_wants_write();
  size_t came = 0;
  for (int round = 0; round < kRounds && !paused_; round++) {
    size_t room;
    char* into = inbox_.Open(reader_.wanted(), &room, own);
    if (!into) return Lose(NoMemoryError());
    const ssize_t received = transport_.Receive(into, room);
    if (received > 0) {
      came += static_cast<size_t>(received);
      inbox_.Add(static_cast<size_t>(received));
      Drain();
    }
    if (!inbox_.Close()) return Lose(NoMemoryError());
    if (lost_) return;
    if (received <= 0 && received != -EAGAIN) return Lose(Disconnected(received, last_words_));
    if (!transport_.pending()) break;
  }
  if (Streams())
    pace_.Got(came);
  else
    pace_.Stop();
  if (transport_.pending()) loop_.AtTurnEnd(&turn_end_);
  if (wanted_write != transport_.receive_wants_write()) UpdateInterest();
}

bool Connection::StillThere() noexcept {
  // What came may have the end behind it. (We may be inside of the reading of another connection.)
  constexpr int kLooks = 4;
  for (int look = 0; look < kLooks && !lost_ && !transport_.quiet(); look++) Receive(true);
  return !lost_;
}

void Connection::OnPace(void* self) noexcept {
  auto* connection = static_cast<Connection*>(self);
  if (!connection->lost_ && !connection->paused_) connection->Read();
}

// True while rows come that somebody waits for.
bool Connection::Streams() noexcept {
  return flights_ > 0 && !paused_ && At(0).shape == Request::Shape::kStream && Wanted(At(0));
}

// What is there already.
void Connection::Progress() noexcept {
  Drain();
  if (!inbox_.Close()) return Lose(NoMemoryError());
  if (!lost_) owner_.OnProgress(this);
}

void Connection::Drain() noexcept {
  while (!lost_ && !paused_) {
    const std::string_view bytes = inbox_.bytes();
    const AnswerSteps* steps = flights_ > 0 ? &At(0).steps : nullptr;
    const bool row = reader_.skipping() ||
                     (!bytes.empty() && static_cast<Backend>(bytes[0]) == Backend::kDataRow);
    const size_t max_row = row ? MaxRow() : 0;
    size_t used;
    Message message;
    const MessageReader::Got got =
        reader_.Next(bytes.data(), bytes.size(), steps, max_row, &used, &message);
    inbox_.Consume(used);
    if (got == MessageReader::Got::kMore) break;
    if (got == MessageReader::Got::kBad) return LoseForProtocol(reader_.why());
    Take(message);
  }
  if (lost_) return;
  if (Streams()) {
    // Rows that have not filled a block yet.
    if (At(0).request->collector_->rows() > 0) At(0).request->OnRows();
  } else if (flights_ == 0 && !cancel_) {
    hits_ = 0;
    retry_at_ = 0;
    if (!closing_) frozen_ = false;
  }
  if (cancelled_ > 0) StepCancel();
  Advance();
}

// True if somebody waits for the rows that come now.
bool Connection::Wanted(const Flight& flight) const noexcept {
  if (!flight.request || flight.error) return false;
  switch (flight.shape) {
    case Request::Shape::kRows:
      // Also of one that was cancelled: it may have been too late for that.
      return flight.steps.last();
    case Request::Shape::kStream:
      return !flight.cancelled;
    default:
      return false;
  }
}

// Longer rows need not be kept.
size_t Connection::MaxRow() noexcept {
  if (flights_ > 0 && At(0).asks && At(0).steps.done() == 0) return BackendQuestion::kMaxRow;
  if (flights_ == 0 || !Wanted(At(0))) return 0;
  const Flight& flight = At(0);
  if (flight.shape == Request::Shape::kStream) return MessageReader::kMaxRow;
  // In a block a row takes more than on the wire, but for the number of its columns.
  const uint64_t used = collector_.bytes();
  return flight.max_bytes > used ? flight.max_bytes - used + sizeof(uint16_t) : 0;
}

void Connection::LoseForProtocol(const char* why) noexcept {
  try {
    Lose(MakeError(Status::kProtocol, Phase::kQuery,
                   std::string("the server does not keep to PostgreSQL's protocol (") + why +
                       "): the connection was dropped; check what listens there"));
  } catch (const std::bad_alloc&) {
    Lose(NoMemoryError());
  }
}

}  // namespace creche::pg
