// Websocket: sending.
#include <algorithm>
#include <new>

#include "http/websocket/operations.h"
#include "http/websocket/websocket.h"
#include "platform/random.h"

namespace creche::http {

using tasks::Outcome;

namespace {

// Shorter messages are sent as they are: compression makes them longer.
constexpr size_t kWorthCoding = 64;

}  // namespace

void Websocket::Send(SendOperation* operation) noexcept {
  if (!transport_) return operation->Done(Outcome::Failed(Gone()));
  if (close_wanted_ || close_said_)
    return operation->Done(
        Outcome::Failed(MakeError(Status::kClosed, Phase::kSend, "the WebSocket is being closed")));
  try {
    sends_.push_back(operation);
  } catch (const std::bad_alloc&) {
    return operation->Done(Outcome::Failed(NoMemoryError()));
  }
  Write();
}

bool Websocket::Unsend(SendOperation* operation) noexcept {
  if (sending_ == operation) {
    sending_ = nullptr;
    return false;
  }
  const auto found = std::find(sends_.begin(), sends_.end(), operation);
  if (found != sends_.end()) sends_.erase(found);
  return true;
}

void Websocket::FailSends(const ErrorRef& error) noexcept {
  while (!sends_.empty()) {
    SendOperation* const send = sends_.front();
    sends_.pop_front();
    send->Done(Outcome::Failed(error));
  }
}

// Writes what there is, as far as it goes.
void Websocket::Write() noexcept {
  const Ref<Websocket> alive = Ref<Websocket>::Share(this);
  try {
    if (!WriteAll()) return Lost(transport_->Failure(Phase::kSend));
  } catch (const std::bad_alloc&) {
    return Lost(NoMemoryError());
  }
  // Both have said it, and ours has gone out.
  if (transport_ && close_said_ && peer_closed_ && out_.empty()) Drop();
}

// False if the connection has failed.
bool Websocket::WriteAll() {
  while (transport_ && (out_at_ < out_.size() || NextOut())) {
    const iovec part{out_.data() + out_at_, out_.size() - out_at_};
    const IoResult result = transport_->Write(&part, 1);
    if (result.state == Io::kLater) return true;
    if (result.state != Io::kOk) return false;
    if (!counted_) calls_->counters.bytes_sent.Add(result.size);
    out_at_ += result.size;
    if (out_at_ < out_.size()) return true;
    out_.clear();
    if (out_.capacity() > kHigh / 4) std::string().swap(out_);
    out_at_ = 0;
    if (std::exchange(out_has_ping_, false)) pinged_ = loop_->now();
    if (SendOperation* sent = std::exchange(sending_, nullptr)) sent->Done({});
  }
  return true;
}

// What is to be written next; false if there is nothing.
bool Websocket::NextOut() {
  out_.clear();
  out_at_ = 0;
  if (close_said_) return false;  // nothing may follow
  out_.swap(pongs_);
  if (std::exchange(ping_wanted_, false)) {
    AppendControl(Opcode::kPing, {});
    out_has_ping_ = true;
  }
  if (!out_.empty()) return true;
  if (!sends_.empty()) {
    EncodeSend();
  } else if (close_wanted_) {
    AppendControl(Opcode::kClose, close_payload_);
    close_said_ = true;
  }
  return !out_.empty();
}

void Websocket::AppendControl(Opcode opcode, std::string_view payload) {
  AppendFrame(opcode, false, payload, NextMask(), &out_);
}

void Websocket::EncodeSend() {
  SendOperation* const next = sends_.front();
  const Opcode opcode = next->text ? Opcode::kText : Opcode::kBinary;
  bool coded = terms_.deflate.on && next->message.size() >= kWorthCoding;
  std::string shorter;
  if (coded && !deflater_.Message(next->message, &shorter)) throw std::bad_alloc();
  // With a window that goes on the server has to see it.
  coded = coded && (terms_.deflate.client_takeover || shorter.size() < next->message.size());
  AppendFrame(opcode, coded, coded ? shorter : next->message, NextMask(), &out_);
  sends_.pop_front();
  sending_ = next;
  std::string().swap(next->message);
}

// Not to be guessed: what is sent must not look like a request to something in between.
uint32_t Websocket::NextMask() noexcept {
  if (masks_ >> 32 == 0) masks_ = platform::Random64() | uint64_t{1} << 63;
  const auto mask = static_cast<uint32_t>(masks_);
  masks_ >>= 32;
  return mask;
}

// Behind nothing that is under way.
void Websocket::SayClose(uint16_t code, std::string_view reason) {
  AppendControl(Opcode::kClose, ClosePayload(code, reason.substr(0, 120)));
  close_said_ = true;
}

}  // namespace creche::http
