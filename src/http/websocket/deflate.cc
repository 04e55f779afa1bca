#include "http/websocket/deflate.h"

#include <zlib.h>

#include <algorithm>

namespace creche::http {

namespace {

// What each message ends with, and does not say.
constexpr std::string_view kTail("\x00\x00\xff\xff", 4);
constexpr size_t kStep = 16 << 10;
// zlib counts in 32 bits.
constexpr size_t kMostAtOnce = 1 << 30;

// Behind a block that says it is the last: others may follow, and refer to what was before it.
bool GoOnInflating(z_stream* z) {
  std::string window(32 << 10, '\0');
  uInt size = 0;
  auto* const bytes = reinterpret_cast<Bytef*>(window.data());
  return inflateGetDictionary(z, bytes, &size) == Z_OK && inflateReset(z) == Z_OK &&
         (size == 0 || inflateSetDictionary(z, bytes, size) == Z_OK);
}

}  // namespace

struct MessageInflater::Stream {
  z_stream z = {};
  bool good = false;
  ~Stream() {
    if (good) inflateEnd(&z);
  }
};

MessageInflater::MessageInflater(int bits, bool takeover) noexcept
    : bits_(bits), takeover_(takeover) {}

MessageInflater::~MessageInflater() = default;

MessageInflater::Result MessageInflater::Take(std::string_view piece, size_t most,
                                              std::string* out) {
  if (!stream_) {
    stream_ = std::make_unique<Stream>();
    stream_->good = inflateInit2(&stream_->z, -bits_) == Z_OK;
    if (!stream_->good) return Result::kNoMemory;
  }
  z_stream& z = stream_->z;
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
  z.avail_in = static_cast<uInt>(piece.size());
  for (;;) {
    // One byte more than may be: so it is known that there is more.
    const size_t before = out->size();
    const size_t room = std::min(kStep, most - std::min(before, most) + 1);
    out->resize(before + room);
    z.next_out = reinterpret_cast<Bytef*>(out->data() + before);
    z.avail_out = static_cast<uInt>(room);
    const int result = inflate(&z, Z_SYNC_FLUSH);
    out->resize(before + room - z.avail_out);
    if (out->size() > most) return Result::kTooLong;
    if (result == Z_MEM_ERROR) return Result::kNoMemory;
    if (result == Z_STREAM_END) {
      if (!GoOnInflating(&z)) return Result::kBad;
      if (z.avail_in == 0) return Result::kOk;
      continue;
    }
    if (result != Z_OK && result != Z_BUF_ERROR) return Result::kBad;
    if (z.avail_out > 0) return z.avail_in == 0 ? Result::kOk : Result::kBad;
  }
}

MessageInflater::Result MessageInflater::End(size_t most, std::string* out) {
  const Result result = Take(kTail, most, out);
  if (!takeover_) stream_.reset();
  return result;
}

struct MessageDeflater::Stream {
  z_stream z = {};
  bool good = false;
  ~Stream() {
    if (good) deflateEnd(&z);
  }
};

MessageDeflater::MessageDeflater(int bits, bool takeover) noexcept
    : bits_(bits), takeover_(takeover) {}

MessageDeflater::~MessageDeflater() = default;

bool MessageDeflater::Message(std::string_view message, std::string* out) {
  if (!stream_) {
    stream_ = std::make_unique<Stream>();
    // zlib has no window of 8 bits for raw data. With one of 9 it refers to what is at most 250
    // bytes back (it keeps 262 of the 512 free), which is good for 8, too.
    stream_->good = deflateInit2(&stream_->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                                 -std::max(bits_, 9), 8, Z_DEFAULT_STRATEGY) == Z_OK;
    if (!stream_->good) {
      stream_.reset();
      return false;
    }
  }
  z_stream& z = stream_->z;
  const size_t begin = out->size();
  do {
    const std::string_view piece = message.substr(0, kMostAtOnce);
    message.remove_prefix(piece.size());
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    z.avail_in = static_cast<uInt>(piece.size());
    do {
      const size_t before = out->size();
      out->resize(before + kStep);
      z.next_out = reinterpret_cast<Bytef*>(out->data() + before);
      z.avail_out = kStep;
      if (deflate(&z, message.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH) == Z_STREAM_ERROR) return false;
      out->resize(before + kStep - z.avail_out);
    } while (z.avail_out == 0);
  } while (!message.empty());
  if (out->size() - begin >= kTail.size()) out->resize(out->size() - kTail.size());
  if (out->size() == begin) out->push_back('\0');  // an empty message: an empty block
  if (!takeover_) stream_.reset();
  return true;
}

}  // namespace creche::http
