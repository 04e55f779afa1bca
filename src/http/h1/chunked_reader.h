// ChunkedReader: undoes the chunked transfer coding (RFC 9112, 7.1). llhttp judges sizes, chunks
// and trailers; extensions never reach it: they are skipped here, whatever they say, for no line
// end can stand in one, quoted or not. Trailer fields are checked; those that may stand there are
// kept. Bytes may come in pieces of any size: where they are cut never changes the verdict.
#pragma once
#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/problem.h"
#include "http/response_head.h"

namespace creche::http {

class ChunkedReader {
 public:
  enum class Step : uint8_t {
    kMore,   // all bytes were taken
    kChunk,  // a chunk of size() bytes begins
    kData,   // data() and data_size(): a piece of the body
    kEnd,    // the last byte of the trailer was taken
    kFailed  // see problem
  };

  ChunkedReader() = default;
  ChunkedReader(const ChunkedReader&) = delete;
  ChunkedReader& operator=(const ChunkedReader&) = delete;

  // lenient: blanks may follow the size of a chunk.
  void Begin(bool lenient);
  // Goes one step; *at moves behind what was taken. Nothing more after kEnd and kFailed.
  Step Next(const char* data, size_t size, size_t* at);

  uint64_t size() const { return size_; }
  const char* data() const { return data_; }
  size_t data_size() const { return data_size_; }
  const Problem& problem() const { return problem_; }
  // After kEnd, once: the fields of the trailer; null for none.
  std::unique_ptr<ResponseHead> TakeTrailer() { return std::move(trailer_); }

 private:
  enum class State : uint8_t {
    kSize,
    kBlanks,
    kExtension,
    kSizeEnd,
    kData,
    kDataCr,
    kDataLf,
    kTrailer,
    kTrailerEnd
  };
  static const llhttp_t& BehindHead();
  static int OnBody(llhttp_t* p, const char* at, size_t n);
  static int OnEnd(llhttp_t* p);
  Step Fail(const char* text);
  Step Take(char c);
  Step TakeSize(char c);
  Step EndSizeLine();
  Step EndTrailerLine();
  // Shows bytes to llhttp. False if it does not like them.
  bool Give(std::string_view bytes);

  llhttp_t llhttp_;
  Problem problem_;
  uint64_t size_ = 0;   // of the chunk
  uint64_t left_ = 0;   // of it
  uint64_t taken_ = 0;  // of the body
  // What is no body: since its last byte, and in all.
  uint64_t gap_ = 0;
  uint64_t gaps_ = 0;
  std::string line_;  // of the trailer; bounded by the longest gap
  std::unique_ptr<ResponseHead> trailer_;
  const char* data_ = nullptr;
  size_t data_size_ = 0;
  State state_ = State::kSize;
  static constexpr uint8_t kMaxDigits = 16;
  char digits_[kMaxDigits];  // of the size of the next chunk
  uint8_t digits_count_ = 0;
  bool ended_ = false;  // llhttp has seen the end
  bool lenient_ = false;
};

}  // namespace creche::http
