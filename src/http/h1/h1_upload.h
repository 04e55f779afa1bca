// Upload: sends one request: its head, and a body that is there as a whole or comes piece by piece.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/transport.h"
#include "http/problem.h"
#include "http/request.h"

namespace creche::http {

class H1Upload {
 public:
  enum class Step {
    kDone,     // everything is with the system
    kBlocked,  // OnWritable follows
    kPull,     // the next piece, please
    kFailed    // see Transport::Failure
  };

  // head: used up by the first Write, or copied by it. The request must outlive the upload.
  void Begin(const Request& request, std::string_view head);
  // Writes what there is, with one send if it fits.
  Step Write(Transport* transport);
  // A piece of a pulled body; `more` will follow. Fails with kBody if that contradicts its size.
  Problem Add(std::string piece, bool more);
  bool done() const { return done_; }
  // The next piece was asked for and has not come.
  bool pulling() const { return pulling_; }
  // Some of the body was pulled, so it cannot be sent again.
  bool pulled_any() const { return pulled_any_; }
  // Bytes of this request that the system took.
  uint64_t sent() const { return sent_; }

 private:
  const Request* request_ = nullptr;
  std::string_view first_;   // the head, while it is nobody's copy
  std::string_view second_;  // the body, of request_
  std::string out_;          // what is left of a head, or a framed piece
  uint64_t sent_ = 0;
  uint64_t pulled_ = 0;  // bytes of the body
  bool last_ = false;    // no piece follows what is there
  bool done_ = false;
  bool pulling_ = false;
  bool pulled_any_ = false;
};

}  // namespace creche::http
