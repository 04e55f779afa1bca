#include "http/h1/head_lines.h"

#include <algorithm>
#include <cstring>

namespace creche::http {

void HeadLines::Begin(size_t max, bool lenient) {
  begun_.clear();
  given_ = false;
  left_ = max;
  problem_ = {};
  lenient_ = lenient;
}

HeadLines::Step HeadLines::Fail(Status status, const char* text) {
  problem_ = {status, text};
  return Step::kFailed;
}

HeadLines::Step HeadLines::Next(const char* data, size_t size, size_t* at, std::string_view* line) {
  if (given_) {
    begun_.clear();
    given_ = false;
  }
  const char* const from = data + *at;
  const size_t most = std::min(size - *at, left_);
  const auto* lf = static_cast<const char*>(std::memchr(from, '\n', most));
  const size_t taken = lf ? static_cast<size_t>(lf - from) + 1 : most;
  std::string_view piece(from, lf ? taken - 1 : taken);
  // The carriage return that belongs to the line feed may be the last byte of what came before.
  const bool open = !begun_.empty() && begun_.back() == '\r';
  const size_t cr = piece.find('\r');
  if ((open && !piece.empty()) || (cr != piece.npos && cr + 1 < piece.size()))
    return Fail(Status::kProtocol, "a carriage return stands alone in the head");
  *at += taken;
  left_ -= taken;
  if (!lf) {
    if (*at < size)
      return Fail(Status::kLimit, "the head of the answer is too large: raise max_header_bytes");
    begun_.append(piece);
    return Step::kMore;
  }
  if (cr == piece.npos && !open && !lenient_)
    return Fail(Status::kProtocol, "a line of the head ends without a carriage return");
  if (!begun_.empty()) {
    begun_.append(piece);
    given_ = true;
    piece = begun_;
  }
  if (!piece.empty() && piece.back() == '\r') piece.remove_suffix(1);
  *line = piece;
  return Step::kLine;
}

}  // namespace creche::http
