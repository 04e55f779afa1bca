// BodySource: where the body of a request comes from: bytes that are there, or the user, who is
// asked for one piece after the other.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "http/problem.h"

namespace creche::http {

// How the end of a request's body is found.
enum class Framing : uint8_t {
  kNone,     // no body
  kSized,    // Content-Length
  kChunked,  // Transfer-Encoding: chunked
};

class BodySource {
 public:
  // No body.
  BodySource() = default;
  static BodySource Bytes(std::string bytes);
  // Asked for piece by piece.
  static BodySource Pulled(uint64_t size);
  static BodySource PulledOfUnknownSize();

  Framing framing() const { return framing_; }
  uint64_t size() const { return size_; }  // for kSized
  bool pulled() const { return pulled_; }
  // What is there without being asked for.
  std::string_view bytes() const { return bytes_; }

  // No piece follows what is there.
  bool complete() const { return complete_; }
  // A piece of `size` bytes was given; `more` will follow. Fails with kBody if that contradicts
  // what was said of the size.
  Problem Take(size_t size, bool more) noexcept;

 private:
  std::string bytes_;
  uint64_t size_ = 0;
  uint64_t taken_ = 0;  // bytes given by the user
  Framing framing_ = Framing::kNone;
  bool pulled_ = false;
  bool complete_ = true;
};

}  // namespace creche::http
