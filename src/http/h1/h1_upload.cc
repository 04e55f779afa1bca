#include "http/h1/h1_upload.h"

#include <algorithm>
#include <charconv>

namespace creche::http {

namespace {

// What a kept connection may keep for its next request.
constexpr size_t kKept = 4 << 10;

}  // namespace

void H1Upload::Begin(std::string_view head, BodySource* body, bool hold) noexcept {
  body_ = body;
  first_ = head;
  second_ = hold ? std::string_view() : body->bytes();
  held_ = hold;
  sent_ = 0;
  done_ = pulling_ = false;
}

void H1Upload::GoOn() noexcept {
  held_ = false;
  second_ = body_->bytes();
}

void H1Upload::End() noexcept {
  first_ = second_ = {};
  if (out_.capacity() > kKept) std::string().swap(out_);
}

H1Upload::Step H1Upload::Write(Transport* transport) {
  while (!first_.empty() || !second_.empty()) {
    const iovec parts[2] = {{const_cast<char*>(first_.data()), first_.size()},
                            {const_cast<char*>(second_.data()), second_.size()}};
    const bool one = second_.empty();
    const IoResult result =
        first_.empty() ? transport->Write(&parts[1], 1) : transport->Write(parts, one ? 1 : 2);
    sent_ += result.size;
    if (result.state == Io::kOk) {
      const size_t of_first = std::min(result.size, first_.size());
      first_.remove_prefix(of_first);
      second_.remove_prefix(result.size - of_first);
      if (first_.empty() && second_.empty()) break;
    } else if (result.state != Io::kLater) {
      return Step::kFailed;
    }
    if (!first_.empty() && first_.data() != out_.data() + (out_.size() - first_.size())) {
      out_.assign(first_);  // the head lies in memory that all exchanges share
      first_ = out_;
    }
    return Step::kBlocked;
  }
  if (held_) return Step::kHeld;
  if (body_->complete()) {
    done_ = true;
    return Step::kDone;
  }
  pulling_ = true;
  return Step::kPull;
}

Problem H1Upload::Add(std::string piece, bool more) {
  pulling_ = false;
  if (const Problem problem = body_->Take(piece.size(), more); problem.bad()) return problem;
  if (body_->framing() == Framing::kSized) {
    out_ = std::move(piece);
  } else {
    out_.clear();
    if (!piece.empty()) {  // an empty chunk would be the last one
      char size[16];
      out_.append(size, std::to_chars(size, size + sizeof size, piece.size(), 16).ptr);
      out_.append("\r\n").append(piece).append("\r\n");
    }
    if (!more) out_.append("0\r\n\r\n");
  }
  first_ = out_;
  return {};
}

}  // namespace creche::http
