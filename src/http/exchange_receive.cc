// Exchange: what is received, and how long it is waited for.
#include <new>

#include "http/exchange.h"
#include "http/session.h"

namespace creche::http {

namespace {

// How much of a redirect's body is read to keep the connection, and for how long.
constexpr uint64_t kMaxDiscarded = 64 << 10;
constexpr Nanos kDiscardTime = 100 * kMillisecond;
// So that one fast server does not keep all others waiting.
constexpr int kReadsAtATime = 4;

}  // namespace

void Exchange::OnReadable() noexcept {
  bool more = true;
  for (int i = 0; more && i < kReadsAtATime; i++)
    if (!ReadOnce(&more)) return;
}

// Receives once. False: it is over with this connection, and perhaps with this exchange.
bool Exchange::ReadOnce(bool* more) noexcept {
  Client& client = *client_;
  H1Parser& parser = connection_->parser();
  char* into = client.scratch.get();
  size_t room = Client::kScratch;
  if (use_ == Use::kAnswer && !stream_ && parser.framing() == H1Parser::BodyFraming::kLength) {
    // The rest of a large body goes where it is to stay.
    const uint64_t left = parser.content_length() - parser.body_bytes();
    size_t direct_room = 0;
    char* direct = left > room ? whole_.Room(left, &direct_room) : nullptr;
    if (direct) {
      into = direct;
      room = direct_room;
    }
  }
  *more = false;
  const IoResult result = connection_->transport().Read(into, room);
  switch (result.state) {
    case Io::kOk: {
      client.counters.bytes_received.Add(result.size);
      if (!parser.started()) times_.first_byte = client.loop.now();
      *more = result.size == room;
      size_t used = 0;
      const H1Parser::Verdict verdict = parser.Feed(into, result.size, &used);
      return Took(verdict, used < result.size);
    }
    case Io::kLater:
      if (!send_error_ || parser.head_done()) return true;
      Broken(send_error_);
      return false;
    case Io::kEnd:
      // The reset was seen by the sending side.
      if (send_error_ && parser.framing() == H1Parser::BodyFraming::kUntilClose && !EndIsGood())
        return Broken(send_error_), false;
      return Took(parser.Finish(true), false);
    case Io::kTruncated:
      return Took(parser.Finish(false), false);
    case Io::kFailed:
      if (EndIsGood()) return Took(parser.Finish(true), false);
      break;
  }
  Broken(connection_->transport().Failure(phase_));
  return false;
}

// Of the parser: the final head is there.
void Exchange::OnHead() noexcept {
  phase_ = Phase::kBody;
  head_by_ = read_by_ = kNever;
  const H1Parser& parser = connection_->parser();
  no_body_ = parser.framing() == H1Parser::BodyFraming::kNone ||
             (parser.framing() == H1Parser::BodyFraming::kLength && parser.content_length() == 0);
  if (request_.IsRedirected(head_)) {
    use_ = Use::kDiscard;
    return;
  }
  use_ = Use::kAnswer;
  try {
    auto decoder = request_.decode && !no_body_ ? MakeDecoder(head_) : nullptr;
    if (stream_) {
      stream_->Begin(std::move(decoder));
    } else {
      problem_ = whole_.Begin(std::move(decoder), request_.max_body, parser.content_length());
    }
  } catch (const std::bad_alloc&) {
    problem_ = {Status::kNoMemory, "no memory to decode the body"};
  }
}

// Of the parser: a chunk is announced. One that is too large is not waited for.
void Exchange::OnChunk(uint64_t size) noexcept {
  if (use_ == Use::kAnswer && !stream_ && !problem_.bad()) problem_ = whole_.Expect(size);
}

// Of the parser: bytes of the body.
void Exchange::OnBody(const char* data, size_t size) noexcept {
  if (use_ == Use::kDiscard || problem_.bad()) return;
  if (!stream_) {
    problem_ = whole_.Append(data, size);
  } else if (!stream_->Append(data, size)) {
    problem_ = {Status::kNoMemory, "no memory for the body"};
  }
}

// Acts on what the parser made of the last bytes. leftover: they held more than this response.
// Returns as ReadOnce does.
bool Exchange::Took(H1Parser::Verdict verdict, bool leftover) noexcept {
  H1Parser& parser = connection_->parser();
  if (problem_.bad()) return FailWith(problem_), false;
  if (verdict == H1Parser::Verdict::kFailed && use_ != Use::kAnswer) return ParserFailed();
  if (use_ == Use::kDiscard) return Discard(verdict, leftover);
  if (use_ == Use::kAnswer) {
    // Sizes of chunks, extensions and trailers may come in drips for hours: only a body goes on.
    const bool went_on = body_bytes_ != parser.body_bytes() || read_by_ == kNever;
    body_bytes_ = parser.body_bytes();
    if (stream_ && !announced_) {
      announced_ = true;
      if (!owner_->OnHead()) return Fail(NoMemoryError()), false;
    }
    if (verdict == H1Parser::Verdict::kFailed) return ParserFailed();
    if (verdict == H1Parser::Verdict::kDone) return Finished(leftover), false;
    if (!stream_) {
      if (went_on) AwaitBody();
      return true;
    }
    if (stream_->readable()) owner_->OnBody();
    if (!client_) return false;
    if (stream_->full()) {
      connection_->transport().PauseReading();
      paused_ = true;
    }
    if (went_on || paused_) AwaitBody();
    return !paused_;
  }
  if (upload_.done()) AwaitHead();
  return true;
}

// Reads over the body of a redirect if that is soon done and the connection can be used again:
// nobody waits for more.
bool Exchange::Discard(H1Parser::Verdict verdict, bool leftover) noexcept {
  const H1Parser& parser = connection_->parser();
  const bool known = parser.framing() == H1Parser::BodyFraming::kLength;
  const uint64_t size = known ? parser.content_length() : parser.body_bytes();
  if (verdict == H1Parser::Verdict::kMore && size <= kMaxDiscarded && parser.keep_alive() &&
      upload_.done()) {
    if (read_by_ == kNever) read_by_ = In(kDiscardTime);
    return SetTimer(), true;
  }
  if (verdict == H1Parser::Verdict::kDone) {
    ReleaseConnection(leftover);
  } else {
    connection_.reset();
  }
  return FollowRedirect(), false;
}

// Whether a body that ends with its connection is whole though the connection broke off: a server
// that refuses a request and closes without reading it all resets the connection, for which its
// answer is not to blame.
bool Exchange::EndIsGood() const noexcept {
  return !upload_.done() && head_.status >= 400 && !tls() && connection_->parser().head_done() &&
         connection_->parser().framing() == H1Parser::BodyFraming::kUntilClose;
}

bool Exchange::ParserFailed() noexcept {
  const H1Parser& parser = connection_->parser();
  if (use_ == Use::kDiscard) {  // where to go is known
    connection_.reset();
    FollowRedirect();
  } else if (!parser.started() && parser.problem().status == Status::kDisconnected) {
    Broken(AsError(parser.problem()));
  } else {
    FailWith(parser.problem());
  }
  return false;
}

void Exchange::SetWaiting(bool waiting) noexcept {
  waiting_ = waiting;
  if (!connection_) return;
  const bool resume = paused_ && stream_->low();
  if (resume) paused_ = false;
  AwaitBody();
  if (!resume) return;
  if (ErrorRef error = connection_->transport().ResumeReading()) Fail(std::move(error));
}

}  // namespace creche::http
