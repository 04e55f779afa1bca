// IoContext: what the connections of a session share while one of them is at work: it is one
// thread's. It lives until the session is closed. Loop's thread only.
#pragma once
#include <memory>
#include <string>

#include "core/loop.h"
#include "http/counters.h"

namespace creche::http {

struct IoContext {
  // Room for what is received and used at once.
  static constexpr size_t kScratch = 64 << 10;

  IoContext(Loop& l, Counters& c) : loop(l), counters(c), scratch(new char[kScratch]) {}

  Loop& loop;
  Counters& counters;
  const std::unique_ptr<char[]> scratch;
  std::string head;  // a request's, while it is written
};

}  // namespace creche::http
