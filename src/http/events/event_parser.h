// EventParser: cuts a stream of server-sent events into events (WHATWG HTML, 9.2.5). Lines end in
// CR, LF or CRLF; bytes may come in pieces of any size: where they are cut never changes what is
// read. What is no UTF-8 becomes U+FFFD. Bounded by the longest event.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace creche::http {

class EventParser {
 public:
  enum class Step : uint8_t {
    kMore,    // all bytes were taken
    kEvent,   // an event is complete: see below
    kTooLong  // more than the longest event; nothing more is taken
  };

  // max_data: bytes of an event's data at the most. last_id: as if an event had said so before.
  EventParser(size_t max_data, std::string last_id)
      : max_data_(max_data), last_id_(std::move(last_id)), id_(last_id_) {}
  // A new stream: an event that was not complete is forgotten, with its id.
  void Begin() noexcept;
  // Goes on to the end of an event; *at moves behind what was taken. May throw bad_alloc.
  Step Next(const char* bytes, size_t size, size_t* at);

  // After kEvent, until the next call.
  std::string_view type() const { return type_.empty() ? "message" : std::string_view(type_); }
  std::string_view data() const { return data_; }
  // Of the last event that was complete, or that would have been but for its data; "" for none.
  const std::string& last_id() const { return last_id_; }
  // Milliseconds that the server wants to be waited for before the next connection; -1: not said.
  int64_t retry() const { return retry_; }

 private:
  bool Fits(size_t line) const noexcept;
  bool Take(std::string_view line);
  void TakeRetry(std::string_view value) noexcept;
  bool Dispatch();

  const size_t max_data_;
  std::string last_id_;
  std::string line_;  // begun, without an end yet; never one of a comment
  std::string type_;
  std::string data_;  // a line feed behind each line
  std::string id_;
  int64_t retry_ = -1;
  uint8_t mark_ = 0;       // bytes of the byte order mark that have come; kMarkPast behind it
  bool after_cr_ = false;  // a line feed now would belong to that line's end
  bool comment_ = false;   // the line that is begun is one
  bool id_said_ = false;   // since the last end of an event
  bool given_ = false;     // the event was given out
  bool too_long_ = false;
};

}  // namespace creche::http
