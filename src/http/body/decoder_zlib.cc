// gzip and deflate.
#include <zlib.h>

#include <algorithm>
#include <climits>
#include <new>
#include <utility>

#include "http/body/decoder.h"

namespace creche::http {

namespace {

constexpr int kWindow = 15;
constexpr int kWithGzipHeader = 16;

class Inflate : public Decoder {
 public:
  ~Inflate() override {
    if (open_) inflateEnd(&z_);
  }
  bool NoMemory() const noexcept override { return no_memory_; }
  bool Complete() const noexcept override { return !inside_ && !waiting(); }

 protected:
  virtual bool waiting() const noexcept { return false; }

  bool Open(int window_bits) noexcept {
    open_ = inflateInit2(&z_, window_bits) == Z_OK;
    no_memory_ = !open_;
    return open_;
  }
  // One call of inflate. False if the bytes are no such stream, or NoMemory(). *ended: the stream
  // is complete.
  bool Step(std::string_view* in, char* out, size_t capacity, size_t* made, bool* ended) noexcept {
    const size_t take = std::min<size_t>(in->size(), UINT_MAX);
    const size_t room = std::min<size_t>(capacity, UINT_MAX);
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in->data()));
    z_.avail_in = static_cast<uInt>(take);
    z_.next_out = reinterpret_cast<Bytef*>(out);
    z_.avail_out = static_cast<uInt>(room);
    const int result = inflate(&z_, Z_NO_FLUSH);
    const size_t used = take - z_.avail_in;
    in->remove_prefix(used);
    *made = room - z_.avail_out;
    *ended = result == Z_STREAM_END;
    no_memory_ = result == Z_MEM_ERROR;
    inside_ = *ended ? false : inside_ || used > 0;
    // Z_BUF_ERROR: nothing to read or no room; not an error.
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR;
  }
  bool Again() noexcept { return inflateReset(&z_) == Z_OK; }

  bool inside_ = false;  // of a stream that has begun

 private:
  z_stream z_{};
  bool open_ = false;
  bool no_memory_ = false;
};

// One or more members (RFC 1952, 2.2), and whatever else comes behind them.
class Gzip : public Inflate {
 public:
  Gzip() {
    if (!Open(kWindow + kWithGzipHeader)) throw std::bad_alloc();
  }
  bool Decode(std::string_view* in, char* out, size_t capacity, size_t* made) noexcept override {
    *made = 0;
    do {
      if (between_ && !Begin(in)) return !bad_;
      size_t n = 0;
      bool ended = false;
      const bool good = Step(in, out + *made, capacity - *made, &n, &ended);
      *made += n;  // also what a wrong checksum is about
      if (!good) return false;
      empty_ = empty_ && n == 0;
      if (ended && !End()) return false;
      if (!ended) break;
    } while (!in->empty() && *made < capacity);
    return true;
  }

 private:
  static constexpr char kMagic[] = {'\x1f', '\x8b'};

  // Looks for the next member. False: there is none, as far as can be seen.
  bool Begin(std::string_view* in) noexcept {
    for (; matched_ < sizeof kMagic && !in->empty() && !behind_; in->remove_prefix(1))
      in->front() == kMagic[matched_] ? void(matched_++) : void(behind_ = true);
    if (behind_) *in = {};
    if (behind_ || matched_ < sizeof kMagic) return false;
    std::string_view magic(kMagic, sizeof kMagic);
    size_t made = 0;
    bool ended = false;
    char none;
    bad_ = !Step(&magic, &none, 0, &made, &ended) || !magic.empty();
    between_ = false;
    matched_ = 0;
    return !bad_;
  }
  bool End() noexcept {
    between_ = true;
    if (std::exchange(empty_, true) && ++empties_ > kMaxEmptyParts) return false;
    return Again();
  }

  size_t matched_ = 0;    // of kMagic, between two members
  int empties_ = 0;       // members that held nothing
  bool empty_ = true;     // the one that is open has made nothing yet
  bool between_ = false;  // a member has ended, no other has begun
  bool behind_ = false;   // what comes is no member
  bool bad_ = false;
};

// With zlib's header, as the standard says, or without, as some servers do it.
class Deflate : public Inflate {
 public:
  bool Decode(std::string_view* in, char* out, size_t capacity, size_t* made) noexcept override {
    *made = 0;
    while (!opened_ && !in->empty() && seen_ < 2) {
      start_[seen_++] = in->front();
      in->remove_prefix(1);
      if (seen_ == 2 && !OpenBySniffing()) return false;
    }
    if (!opened_ || capacity == 0) return true;
    size_t n = 0;
    while (replayed_ < seen_ && !done_) {
      std::string_view start(start_ + replayed_, seen_ - replayed_);
      const bool good = Step(&start, out + *made, capacity - *made, &n, &done_);
      *made += n;
      if (!good) return false;
      replayed_ = seen_ - start.size();
      if (*made == capacity) return true;
    }
    if (!done_) {
      const bool good = Step(in, out + *made, capacity - *made, &n, &done_);
      *made += n;
      if (!good) return false;
    }
    if (done_) *in = {};
    return true;
  }

 private:
  bool waiting() const noexcept override { return seen_ > 0 && !done_; }

  bool OpenBySniffing() noexcept {
    const unsigned first = static_cast<unsigned char>(start_[0]);
    const unsigned second = static_cast<unsigned char>(start_[1]);
    const bool header =
        (first & 15) == Z_DEFLATED && (first >> 4) <= 7 && (first << 8 | second) % 31 == 0;
    return opened_ = Open(header ? kWindow : -kWindow);
  }

  char start_[2] = {};
  size_t seen_ = 0;
  size_t replayed_ = 0;
  bool opened_ = false;
  bool done_ = false;
};

}  // namespace

std::unique_ptr<Decoder> MakeGzipDecoder() {
  return std::make_unique<Gzip>();
}
std::unique_ptr<Decoder> MakeDeflateDecoder() {
  return std::make_unique<Deflate>();
}

}  // namespace creche::http
