// Upload: sends one request: its head, and a body that is there as a whole or comes piece by piece.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/transport.h"
#include "http/body/source.h"

namespace creche::http {

class H1Upload {
 public:
  enum class Step {
    kDone,     // everything is with the system
    kBlocked,  // OnWritable follows
    kHeld,     // the head is with the system, and the body waits for GoOn
    kPull,     // the next piece, please
    kFailed    // see Transport::Failure
  };

  // head: used up by the first Write, or copied by it. The body must outlive the upload. hold: it
  // waits for GoOn.
  void Begin(std::string_view head, BodySource* body, bool hold) noexcept;
  // The body may be sent.
  void GoOn() noexcept;
  // Its body waits.
  bool held() const { return held_; }
  // Writes what there is, with one send if it fits.
  Step Write(Transport* transport);
  // A piece of a pulled body; `more` will follow. Fails with kBody if that contradicts its size.
  Problem Add(std::string piece, bool more);
  // Lets go of the memory of a large piece.
  void End() noexcept;
  bool done() const { return done_; }
  // The next piece was asked for and has not come.
  bool pulling() const { return pulling_; }
  // Bytes of this request that the system took.
  uint64_t sent() const { return sent_; }

 private:
  BodySource* body_ = nullptr;
  std::string_view first_;   // the head, while it is nobody's copy
  std::string_view second_;  // the body, of body_
  std::string out_;          // what is left of a head, or a framed piece
  uint64_t sent_ = 0;
  bool held_ = false;
  bool done_ = false;
  bool pulling_ = false;
};

}  // namespace creche::http
