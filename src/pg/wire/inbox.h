// Inbox: what a connection has received and not yet read. All connections of a pool receive into
// one large piece of memory; only what is left of it when its turn is over, the beginning of a
// message as a rule, is a connection's own. So an idle one needs none. Loop's thread.
#pragma once
#include <cstddef>
#include <memory>
#include <string_view>

#include "core/buffer.h"

namespace creche::pg {

// The piece that is shared: used by one connection at a time, while it reads.
class ReceiveSpace {
 public:
  static constexpr size_t kSize = 128 * 1024;
  // Null without memory.
  char* get() noexcept;

 private:
  std::unique_ptr<char[]> memory_;
};

class Inbox {
 public:
  explicit Inbox(ReceiveSpace& space) noexcept : space_(space) {}

  // Where to receive to: *room bytes, at least one. wanted: how long the message is whose beginning
  // stands here, if that is known: there is no room for all of it before it comes, or anybody could
  // make us reserve as much as he says. Null without memory.
  // own: not into the space, in which another connection may be reading just now.
  char* Open(size_t wanted, size_t* room, bool own = false) noexcept;
  // So many came.
  void Add(size_t size) noexcept;
  // What there is; to be taken off its front by Consume.
  std::string_view bytes() const noexcept { return bytes_; }
  void Consume(size_t size) noexcept { bytes_.remove_prefix(size); }
  bool empty() const noexcept { return bytes_.empty(); }
  // The space is somebody else's from now on: keeps what is left. False without memory.
  [[nodiscard]] bool Close() noexcept;

 private:
  ReceiveSpace& space_;
  Buffer own_;              // what is kept between reads, unless bytes_ is in the space
  std::string_view bytes_;  // in own_ or in the space
  char* opened_ = nullptr;  // where bytes are being received; null: into own_
};

}  // namespace creche::pg
