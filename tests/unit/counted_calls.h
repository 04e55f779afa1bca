// Each system call that may be made for an exchange, counted for its thread
// (core_transport_test.cc).
#pragma once

namespace creche::test {

struct CountedCalls {
  int sends = 0, receives = 0, controls = 0;
  int waits = 0;   // for descriptors,
  int sleeps = 0;  // and those of them that may take their time
};
extern thread_local CountedCalls calls;

}  // namespace creche::test
