// IoContext: what the connections of a session share while one of them is at work: it is one
// thread's. It lives until the session is closed. Loop's thread only.
#pragma once
#include <string>

#include "core/blocks.h"
#include "core/buffer.h"
#include "core/loop.h"
#include "http/counters.h"
#include "http/h1/h1_writer.h"

namespace creche::http {

struct IoContext {
  static constexpr size_t kScratch = Blocks::kReceive;

  IoContext(Loop& l, Counters& c, const RequestDefaults& session)
      : loop(l), counters(c), usual(session) {}
  // Room for kScratch bytes in `scratch`, which is empty then; null without memory.
  char* Scratch() noexcept {
    if (scratch.capacity() < kScratch) scratch.Release();  // a body has taken what was there
    scratch.Clear();
    return scratch.Reserve(kScratch);
  }

  Loop& loop;
  Counters& counters;
  const UsualFields usual;
  uint32_t max_head = 64 << 10;  // of an answer, as HTTP/2 tells the server
  Buffer scratch;                // what was received, until it has been read
  std::string head;              // a request's, while it is written
};

}  // namespace creche::http
