// RecordReader: gathers the bytes of a streamed body until they are what somebody has asked for:
// all up to a delimiter, or just so many. What was gathered and not given stays for the next who
// asks.
#pragma once
#include <cstddef>
#include <string>

#include "core/buffer.h"
#include "http/body/stream_body.h"

namespace creche::http {

// What is asked for: up to and with `delimiter`, no more than `size` bytes; without one `size`
// bytes.
struct Record {
  std::string delimiter = {};
  size_t size = 0;
};

class RecordReader {
 public:
  enum class Step : uint8_t {
    kGiven,
    kWait,     // more has to come; or the stream has ended, and nothing is left here
    kTooLong,  // `size` bytes are here, and no delimiter in them
    kShort,    // the stream has ended with fewer than `size` bytes
    kBroken    // *problem
  };

  // Nothing is held back here: what comes next is the stream's.
  bool empty() const noexcept { return held_.empty(); }
  // May throw bad_alloc: nothing is lost then.
  Step Read(StreamBody* from, const Record& wanted, Buffer* record, Problem* problem);
  // Up to `capacity` of what is held.
  void Take(size_t capacity, Buffer* piece);

 private:
  bool Find(const Record& wanted, size_t* size) noexcept;

  Buffer held_;
  std::string delimiter_;  // that was asked for last
  size_t searched_ = 0;    // it begins nowhere in so many bytes
};

}  // namespace creche::http
