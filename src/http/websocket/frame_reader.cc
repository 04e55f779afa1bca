#include "http/websocket/frame_reader.h"

#include <algorithm>
#include <cstring>

namespace creche::http {

namespace {

constexpr size_t kMostControl = 125;
// What compression may add to a message that it does not make shorter.
constexpr uint64_t kCodedMore = 64 << 10;
// Room that is kept from one message to the next.
constexpr size_t kKeep = 16 << 10;

}  // namespace

FrameReader::FrameReader(const DeflateTerms& terms, uint64_t max_message)
    : max_message_(static_cast<size_t>(std::min<uint64_t>(max_message, SIZE_MAX / 4))) {
  if (terms.on)
    inflater_ = std::make_unique<MessageInflater>(terms.server_bits, terms.server_takeover);
}

FrameReader::Step FrameReader::Fail(uint16_t code, Status status, const char* text) {
  close_code_ = code;
  problem_ = {status, text};
  return Step::kFailed;
}

FrameReader::Step FrameReader::Next(const char* data, size_t size, size_t* at) {
  if (problem_.bad()) return Step::kFailed;
  if (given_) {
    given_ = false;
    message_.clear();
    if (message_.capacity() > kKeep) std::string().swap(message_);
  }
  while (*at < size || (in_payload_ && left_ == 0)) {
    Step step = Step::kMore;
    if (!in_payload_) {
      head_[head_size_++] = data[(*at)++];
      if (HeadComplete()) step = ReadHead();
    } else if (left_ > 0) {
      const auto n = static_cast<size_t>(std::min<uint64_t>(left_, size - *at));
      step = TakePayload({data + *at, n});
      *at += n;
      left_ -= n;
    }
    if (step == Step::kMore && in_payload_ && left_ == 0) step = EndFrame();
    if (step != Step::kMore) return step;
  }
  return Step::kMore;
}

bool FrameReader::HeadComplete() const noexcept {
  if (head_size_ < 2) return false;
  const int length = head_[1] & 0x7f;
  // A mask would follow: it is refused before.
  return head_size_ == (length == 127 ? 10 : length == 126 ? 4 : 2) || (head_[1] & 0x80) != 0;
}

FrameReader::Step FrameReader::ReadHead() {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(head_[i]); };
  final_ = (byte(0) & 0x80) != 0;
  const bool coded = (byte(0) & 0x40) != 0;
  opcode_ = static_cast<Opcode>(byte(0) & 0x0f);
  if ((byte(0) & 0x30) != 0) return FailProtocol("a frame has a reserved bit set");
  if ((byte(1) & 0x80) != 0) return FailProtocol("the server has masked a frame");
  left_ = byte(1) & 0x7f;
  if (left_ >= 126) {
    const size_t bytes = left_ == 126 ? 2 : 8;
    left_ = 0;
    for (size_t i = 0; i < bytes; i++) left_ = left_ << 8 | byte(2 + i);
    if (left_ >> 63 != 0) return FailProtocol("the length of a frame is beyond all measure");
    if (left_ < (bytes == 2 ? 126u : 65536u))
      return FailProtocol("the length of a frame is written longer than it is");
  }
  head_size_ = 0;
  in_payload_ = true;
  switch (opcode_) {
    case Opcode::kClose:
    case Opcode::kPing:
    case Opcode::kPong:
      if (coded) return FailProtocol("a control frame is compressed");
      if (!final_) return FailProtocol("a control frame is fragmented");
      if (left_ > kMostControl) return FailProtocol("a control frame is longer than 125 bytes");
      control_.clear();
      return Step::kMore;
    case Opcode::kContinuation:
      if (!open_) return FailProtocol("a message goes on that was not begun");
      if (coded) return FailProtocol("compression is said in the middle of a message");
      break;
    case Opcode::kText:
    case Opcode::kBinary:
      if (open_) return FailProtocol("a message begins inside another one");
      if (coded && !inflater_) return FailProtocol("a message is compressed, which was not agreed");
      open_ = true;
      coded_ = coded;
      type_ = opcode_;
      coded_size_ = 0;
      checked_ = 0;
      utf8_.Clear();
      break;
    default:
      return FailProtocol("a frame of an unknown kind came");
  }
  // Before any of it is kept.
  coded_size_ += left_;
  if (coded_size_ > max_message_ + (coded_ ? kCodedMore : 0))
    return Fail(1009, Status::kLimit, "a message is longer than max_message");
  return Step::kMore;
}

FrameReader::Step FrameReader::TakePayload(std::string_view piece) {
  if (is_control()) {
    control_.append(piece);
    return Step::kMore;
  }
  if (coded_) {
    const Step step = Inflated(inflater_->Take(piece, max_message_, &message_));
    if (step != Step::kMore) return step;
  } else {
    message_.append(piece);
  }
  if (type_ == Opcode::kText) {
    if (!utf8_.Take(std::string_view(message_).substr(checked_)))
      return Fail(1007, Status::kProtocol, "a text is no UTF-8");
    checked_ = message_.size();
  }
  return Step::kMore;
}

FrameReader::Step FrameReader::Inflated(MessageInflater::Result result) {
  switch (result) {
    case MessageInflater::Result::kOk:
      return Step::kMore;
    case MessageInflater::Result::kTooLong:
      return Fail(1009, Status::kLimit, "a message inflates to more than max_message");
    case MessageInflater::Result::kNoMemory:
      return Fail(1011, Status::kNoMemory, "no memory to inflate a message");
    case MessageInflater::Result::kBad:
      break;
  }
  return Fail(1007, Status::kCoding, "a message does not inflate");
}

FrameReader::Step FrameReader::EndFrame() {
  in_payload_ = false;
  switch (opcode_) {
    case Opcode::kPing:
      return Step::kPing;
    case Opcode::kPong:
      return Step::kPong;
    case Opcode::kClose:
      return EndClose();
    default:
      return final_ ? EndMessage() : Step::kMore;
  }
}

FrameReader::Step FrameReader::EndMessage() {
  if (coded_) {
    const Step step = Inflated(inflater_->End(max_message_, &message_));
    if (step != Step::kMore) return step;
    if (type_ == Opcode::kText && !utf8_.Take(std::string_view(message_).substr(checked_)))
      return Fail(1007, Status::kProtocol, "a text is no UTF-8");
  }
  if (type_ == Opcode::kText && !utf8_.complete())
    return Fail(1007, Status::kProtocol, "a text ends inside a character");
  open_ = false;
  given_ = true;
  return Step::kMessage;
}

FrameReader::Step FrameReader::EndClose() {
  close_code_ = 0;
  if (control_.empty()) return Step::kClose;
  if (control_.size() == 1) return FailProtocol("a close has half a code");
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(control_[i]); };
  const uint32_t code = uint32_t{byte(0)} << 8 | byte(1);
  if (!MaySayClose(code)) return FailProtocol("a close has a code that nobody may send");
  control_.erase(0, 2);
  Utf8Check reason;
  if (!reason.Take(control_) || !reason.complete())
    return Fail(1007, Status::kProtocol, "the reason of a close is no UTF-8");
  close_code_ = static_cast<uint16_t>(code);
  return Step::kClose;
}

}  // namespace creche::http
