#include "http/events/event_parser.h"

#include <algorithm>
#include <utility>

#include "core/utf8.h"

namespace creche::http {

namespace {

constexpr std::string_view kMark = "\xef\xbb\xbf";
constexpr uint8_t kMarkPast = 3;
// What stands before the data of a line.
constexpr std::string_view kDataField = "data: ";
// More milliseconds than anybody waits.
constexpr int64_t kMostRetry = int64_t{1} << 40;

}  // namespace

void EventParser::Begin() noexcept {
  line_.clear();
  type_.clear();
  data_.clear();
  id_ = last_id_;
  mark_ = 0;
  after_cr_ = comment_ = given_ = too_long_ = id_said_ = false;
}

EventParser::Step EventParser::Next(const char* bytes, size_t size, size_t* at) {
  if (too_long_) return Step::kTooLong;
  if (std::exchange(given_, false)) {
    data_.clear();
    type_.clear();
  }
  while (*at < size) {
    const char first = bytes[*at];
    if (mark_ < kMarkPast) {
      if (first == kMark[mark_]) {
        mark_++;
        ++*at;
        continue;
      }
      line_.assign(kMark.substr(0, mark_));  // it was none
      mark_ = kMarkPast;
    }
    if (std::exchange(after_cr_, false) && first == '\n') {
      ++*at;
      continue;
    }
    const char* const from = bytes + *at;
    const char* const end = bytes + size;
    const char* const stop = std::find_if(from, end, [](char c) { return c == '\n' || c == '\r'; });
    const std::string_view piece(from, static_cast<size_t>(stop - from));
    if (line_.empty() && !piece.empty() && piece[0] == ':') comment_ = true;
    *at += piece.size();
    if (!comment_ && !Fits(line_.size() + piece.size())) {
      too_long_ = true;
      return Step::kTooLong;
    }
    if (stop == end) {
      if (!comment_) line_.append(piece);
      return Step::kMore;
    }
    ++*at;
    after_cr_ = *stop == '\r';
    if (std::exchange(comment_, false)) continue;
    bool good = true;
    bool event = false;
    if (line_.empty()) {
      event = piece.empty() && Dispatch();
      good = piece.empty() || Take(piece);
    } else {
      line_.append(piece);
      good = Take(line_);
      line_.clear();
    }
    if (!good) {
      too_long_ = true;
      return Step::kTooLong;
    }
    if (event) return Step::kEvent;
  }
  return Step::kMore;
}

// Whether a line of so many bytes may still belong to an event that is not too long.
bool EventParser::Fits(size_t line) const noexcept {
  const size_t most = max_data_ - std::min(data_.size(), max_data_);
  return line <= kDataField.size() || line - kDataField.size() <= most;
}

// A line that is neither empty nor a comment. False if the event is too long.
bool EventParser::Take(std::string_view line) {
  const size_t colon = std::min(line.find(':'), line.size());
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (!value.empty() && value[0] == ' ') value.remove_prefix(1);
  if (name == "data") {
    if (data_.size() + value.size() > max_data_) return false;
    data_.append(value).push_back('\n');
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (value.find('\0') == value.npos) {
      id_ = value;
      id_said_ = true;
    }
  } else if (name == "retry") {
    TakeRetry(value);
  }
  return true;
}

// Digits and nothing else, or it is ignored.
void EventParser::TakeRetry(std::string_view value) noexcept {
  if (value.empty()) return;
  int64_t number = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return;
    number = std::min(number * 10 + (c - '0'), kMostRetry);
  }
  retry_ = number;
}

// The end of an event; true if there was one.
bool EventParser::Dispatch() {
  if (std::exchange(id_said_, false)) {
    MakeUtf8(&id_);
    last_id_ = id_;
  }
  if (data_.empty()) {
    type_.clear();
    return false;
  }
  data_.pop_back();
  MakeUtf8(&data_);
  MakeUtf8(&type_);
  given_ = true;
  return true;
}

}  // namespace creche::http
