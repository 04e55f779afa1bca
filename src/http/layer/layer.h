// Layer: one policy of a session: what is done to each request, and what an answer or a failure
// leads to. A session has its layers in a fixed order (session.cc); each is asked in turn, until
// one says something else than kGo. Immutable, and the same for all calls: what is kept of one call
// lies in its CallState. Loop's thread only.
#pragma once
#include <cstdint>
#include <memory>

#include "core/error.h"
#include "http/auth/token_asks.h"
#include "http/body/decoder.h"
#include "http/exchange.h"
#include "http/hold.h"
#include "http/request.h"
#include "http/response_head.h"

namespace creche::http {

// What the layers see of a call, and what they keep of it.
struct CallState {
  Request request = {};
  ResponseHead head = {};
  Attempt attempt = {};              // the one under way, or the last
  bool has_body = false;             // of the head
  ErrorRef failure = {};             // of a verdict kFail
  Nanos again_at = 0;                // of kAgain: not before this point of the loop's clock
  Held* held = nullptr;              // of kHold: the call (null: of none), for who lets it go on,
  std::unique_ptr<Hold> hold = {};   // and its place in line
  bool passed = false;               // it has waited for its turn, and has had it
  Phase hold_phase = Phase::kLimit;  // what it waits in
  // Of `middleware`: it is to be asked about this attempt; it has been.
  bool undecided = false;
  bool decided = false;

  // Of `decoding`: undoes the coding of the answer's body; null for none.
  std::unique_ptr<Decoder> decoder = {};
  // Some of a body that is gone once it was pulled has been asked for: it cannot be sent again.
  bool body_gone = false;
  // Of `redirects`: the head says where to go. And: what was sent before could be sent twice.
  bool redirected = false;
  bool repeatable = true;
  // Of `auth`: what was asked at this hop, and answered.
  struct Asked {
    struct Of {
      bool once = false;
      bool stale = false;  // a second time, as the nonce had become old
    };
    Of server = {}, proxy = {};
    bool basic = false;  // the server wants Basic
  };
  Asked asked = {};
  uint32_t asked_hop = 0;
  Ref<TokenAsks::Ask> token_ask = {};  // that it waits for
  // Of `stale_retry`: the next attempt takes no kept connection.
  bool fresh = false;
  uint8_t refused = 0;  // how often a server has said that it did nothing of it
  // Of `retries`: attempts that its policy has let be made, 0 without one. And for it, where there
  // is one: the time, the deadline of the task, and whether the user has the head of a stream.
  uint32_t attempts = 0;
  Nanos now = 0;
  Nanos deadline = kNever;
  bool announced = false;
  bool retry_denied = false;  // it would be made again, had the session's budget a retry left
};

enum class Next : uint8_t {
  kGo,     // nothing to say: the next layer is asked; after the last one it goes its way
  kAgain,  // another attempt; if it has a body the answer is read over
  kFail,   // the call ends with CallState::failure
  kHold    // not yet: CallState::held goes on, and all layers are asked anew
};

class Layer {
 public:
  // Before each attempt. kGo, kFail or kHold. May throw bad_alloc.
  virtual Next OnRequest(CallState&) const { return Next::kGo; }
  // The head of an answer has come. May throw bad_alloc.
  virtual Next OnResponse(CallState&) const { return Next::kGo; }
  // An attempt has failed: CallState::attempt says how far it had come. kGo: so does the call.
  virtual Next OnFailure(CallState&, const Error&) const noexcept { return Next::kGo; }

 protected:
  ~Layer() = default;
};

}  // namespace creche::http
