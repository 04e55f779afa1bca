// StreamBody: the body of a response that is read piece by piece: kept as it comes, and decoded as
// it is read.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "core/buffer.h"
#include "http/body/decoder.h"
#include "http/body/sink.h"

namespace creche::http {

class StreamBody final : public BodySink {
 public:
  // More than this is not kept unread: the server is held back.
  static constexpr size_t kHigh = 256 << 10;
  // With less than this left, reading goes on.
  static constexpr size_t kLow = 64 << 10;

  // What is received at once stays in one piece, from so many bytes on: up to as many as are waited
  // for, or most readers ask for.
  static constexpr size_t kWhole = 48 << 10;
  static constexpr size_t kUsual = 64 << 10;

  // More coded bytes than this in a row that decode to nothing are no content that will come: a
  // reader would wait for ever. What is longest in earnest is a block of zstd, of 128 KiB.
  static constexpr uint64_t kMostBarren = 1 << 20;

  // Before Begin.
  void Prepare(std::unique_ptr<Decoder> decoder) noexcept {
    decoder_ = std::move(decoder);
    decoded_from_ = barren_ = 0;
    if (held_ > 0) DropAll();  // of an attempt that failed
  }
  // Somebody waits for up to so many bytes more, or nobody does (0).
  void set_awaited(size_t capacity) noexcept { awaited_ = capacity; }
  Problem Begin(uint64_t) noexcept override { return {}; }
  Problem Append(const char* data, size_t size) noexcept override;
  bool Keep(Buffer* memory) noexcept override;
  size_t most() const noexcept override { return awaited_ >= kWhole ? awaited_ : kUsual; }
  bool full() const noexcept override { return held_ >= kHigh; }
  bool low() const noexcept override { return held_ < kLow; }
  bool awaited() const noexcept override { return awaited_ > 0; }
  // Nothing more comes.
  void End() noexcept { ended_ = true; }
  // How much room a Read of up to `capacity` bytes can fill now, without cutting the next piece.
  size_t Worth(size_t capacity) const noexcept;
  // Stores up to `capacity` bytes, of those that are there. 0 with no problem: wait, or, if
  // finished(), the end.
  Problem Read(char* into, size_t capacity, size_t* size) noexcept;
  // All that is there, in the memory it was received in: true if that is worth a Read of up to
  // `capacity` bytes; else nothing has changed.
  bool Take(size_t capacity, Buffer* all) noexcept;
  // Coded bytes that a decoder has taken, of a body that has one.
  uint64_t decoded_from() const { return decoded_from_; }
  // Everything was read. Call after Read gave 0.
  bool finished() const { return ended_ && coded_.empty(); }
  // True if a Read is worth while.
  bool readable() const { return ended_ || !coded_.empty() || more_ || broken_; }

 private:
  Buffer& last() noexcept { return later_.empty() ? coded_ : later_.back(); }
  void Consume(size_t size) noexcept;
  void Advance() noexcept;
  void DropAll() noexcept;

  Buffer coded_;               // what comes next; not empty if anything is there
  std::vector<Buffer> later_;  // behind it, whole pieces mostly; none with a decoder
  size_t held_ = 0;            // bytes in all of them
  std::unique_ptr<Decoder> decoder_;
  uint64_t decoded_from_ = 0;
  uint64_t barren_ = 0;  // the last of these, which gave nothing
  size_t awaited_ = 0;
  bool ended_ = false;
  bool more_ = false;    // the decoder filled the last room
  bool broken_ = false;  // what is left does not decode
};

}  // namespace creche::http
