// BodySource: where the body of a request comes from: bytes that are there, a producer, or the
// user, who is asked for one piece after the other; and what it is coded with.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/body/encoder.h"
#include "http/body/producer.h"
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
  // A copy begins anew. May throw bad_alloc.
  BodySource(const BodySource& o);
  BodySource(BodySource&&) = default;
  BodySource& operator=(const BodySource& o) { return *this = BodySource(o); }
  BodySource& operator=(BodySource&&) = default;
  static BodySource Bytes(std::string bytes);
  // Asked for piece by piece.
  static BodySource Pulled(uint64_t size);
  static BodySource PulledOfUnknownSize();
  // Of so many bytes.
  static BodySource Produced(std::unique_ptr<BodyProducer> producer, uint64_t size);
  // Of one that is pulled or produced: it is sent coded, and so in chunks. May throw bad_alloc.
  void EncodeAs(BodyCoding coding);

  Framing framing() const { return framing_; }
  uint64_t size() const { return size_; }  // for kSized
  bool pulled() const { return pulled_; }
  // What was pulled can be pulled again, from its begin.
  void set_rewindable() noexcept { rewindable_ = true; }
  // What has been pulled is gone.
  bool gone_once_pulled() const { return pulled_ && !rewindable_; }
  // How often it was begun anew.
  uint32_t rewinds() const { return rewinds_; }
  // Who makes it, if it is not the user: null for none.
  BodyProducer* producer() const { return producer_.get(); }
  // There is something to be sent, as far as is known before.
  bool empty() const {
    return framing_ == Framing::kNone || (framing_ == Framing::kSized && size_ == 0);
  }
  // What is there without being asked for.
  std::string_view bytes() const { return bytes_; }

  // No piece follows what is there.
  bool complete() const { return complete_; }
  // A piece of `size` bytes was given; `more` will follow. Fails with kBody if that contradicts
  // what was said of the size.
  Problem Take(size_t size, bool more) noexcept;
  // Codes a piece that was given, before it is taken. May throw bad_alloc.
  Problem Encode(std::string* piece, bool more);
  // It is sent anew, from its begin. Not for one that was pulled and is gone.
  void Rewind() noexcept;

 private:
  std::string bytes_;
  uint64_t size_ = 0;
  uint64_t taken_ = 0;  // bytes given by the user
  uint64_t given_ = 0;  // before they were coded
  std::unique_ptr<BodyProducer> producer_;
  std::unique_ptr<Encoder> encoder_;
  uint32_t rewinds_ = 0;
  BodyCoding coding_ = BodyCoding::kNone;
  Framing framing_ = Framing::kNone;
  bool pulled_ = false;
  bool rewindable_ = false;
  bool sized_ = false;  // size_ is known
  bool complete_ = true;
};

}  // namespace creche::http
