// Decoder: undoes the content codings of a body, step by step into memory of the caller's, so that
// a small body that decodes to a huge one never needs more than the caller gives.
//
// Each coding says itself where it ends, most with a checksum. What comes behind that and begins no
// further member or frame (padding, a line end) is no part of the body: it is dropped, as gzip(1)
// and browsers do it.
#pragma once
#include <cstddef>
#include <memory>
#include <string_view>

#include "http/response_head.h"

namespace creche::http {

class Decoder {
 public:
  virtual ~Decoder() = default;
  // Takes bytes from the front of *in and stores up to `capacity` decoded ones; *made says how
  // many. *made == capacity: there may be more, call again even if *in is empty. False: *in is no
  // such coding, or NoMemory(); everything made before is good.
  virtual bool Decode(std::string_view* in, char* out, size_t capacity, size_t* made) noexcept = 0;
  // True if Decode failed for want of memory, whatever the bytes are.
  virtual bool NoMemory() const noexcept = 0;
  // The same for more than the caller has bounded it to.
  virtual bool TooMuch() const noexcept { return false; }
  // True if the coded body may end here: nothing came at all, or whole streams only.
  virtual bool Complete() const noexcept = 0;
};

// How many members or frames of a body may be empty: one is odd, and with no end of them a body
// that decodes to nothing never ends.
constexpr int kMaxEmptyParts = 1000;

// What undoes the Content-Encoding of a response: gzip, x-gzip, deflate (with zlib's header or
// bare), br, zstd, and lists of them, in any case of letters. Null if there is nothing to undo, or
// something that is not known: then the body stays as it is. May throw bad_alloc.
std::unique_ptr<Decoder> MakeDecoder(const ResponseHead& head);

// The single ones; for MakeDecoder.
std::unique_ptr<Decoder> MakeGzipDecoder();
std::unique_ptr<Decoder> MakeDeflateDecoder();
std::unique_ptr<Decoder> MakeBrotliDecoder();
std::unique_ptr<Decoder> MakeZstdDecoder();

}  // namespace creche::http
