// BodySink: where the body of a response goes, whatever protocol brings it. Loop's thread only.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/buffer.h"
#include "core/status.h"
#include "http/problem.h"

namespace creche::http {

class BodySink {
 public:
  // First. expected: bytes that are known to come, still coded; or 0.
  virtual Problem Begin(uint64_t expected) noexcept = 0;
  // So many more bytes are announced, for certain.
  virtual Problem Expect(uint64_t /*size*/) noexcept { return {}; }
  virtual Problem Append(const char* data, size_t size) noexcept = 0;
  // The same for bytes that are alone in memory of their own: true if it keeps that rather than a
  // copy of them, and has left in *memory what it needs no longer; else nothing has happened.
  virtual bool Keep(Buffer* /*memory*/) noexcept { return false; }
  // Memory to receive the next bytes in, so that Append need not copy them; null if there is none.
  // left: bytes that are known to come.
  virtual char* Room(uint64_t /*left*/, size_t* /*room*/) noexcept { return nullptr; }
  // More than this need not be received at once.
  virtual size_t most() const noexcept { return SIZE_MAX; }
  // It holds enough: the server is to be held back, until it is low.
  virtual bool full() const noexcept { return false; }
  virtual bool low() const noexcept { return true; }
  // Somebody waits for what comes next; else no time is too long.
  virtual bool awaited() const noexcept { return true; }
  // Not 0: the exchange ends without the rest of the body once this is full, or after this time,
  // unless the rest is soon read over.
  virtual Nanos patience() const noexcept { return 0; }

 protected:
  ~BodySink() = default;
};

}  // namespace creche::http
