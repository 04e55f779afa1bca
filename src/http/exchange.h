// Exchange: one request and its response on one connection, in whatever protocol. The connection
// makes it (Connection::Open) and owns it. Loop's thread only.
//
// It knows nothing of redirects, retries and other connections: it says what has happened to this
// one, and Call says what is to be done. It owns the times of its phases (send, first_byte,
// read_gap), for it alone knows what it waits for.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "core/error.h"
#include "core/transport.h"
#include "http/body/sink.h"
#include "http/connection_info.h"
#include "http/response_head.h"

namespace creche::http {

// What is known of an attempt to have a request answered. Its exchange writes it down as it goes.
struct Attempt {
  Phase phase = Phase::kNone;
  bool reused = false;       // over a connection that has carried others
  bool broken = false;       // the connection broke, or had done so before
  bool answered = false;     // a byte of an answer has come
  bool pulled = false;       // the user was asked for some of a body that is gone with it
  bool unprocessed = false;  // the server says that it has done nothing of it,
  bool wants_http1 = false;  // and that it would by HTTP/1.1
  bool granted = false;      // what follows the head is the protocol that was asked for
  uint64_t sent = 0;         // bytes of the request that went out
  uint64_t body_bytes = 0;   // of the answer's body, still coded
  Nanos sent_at = 0;         // all of it; 0 for not yet
  Nanos first_byte = 0;
  ConnectionInfoRef connection = {};           // that it is made on
  std::unique_ptr<ResponseHead> trailer = {};  // fields behind the body, at its end
};

class Exchange {
 public:
  // Told from the loop; perhaps inside Start, Answer or ReadOn. Where false may be returned, it
  // means that the exchange was aborted inside, and may be gone.
  class Listener {
   public:
    // The final head has come. Says where the body goes; null: nowhere. Then the exchange ends at
    // once, or reads over the body if that is soon done and lets the connection be used again.
    // Nothing may be aborted inside.
    virtual BodySink* OnHead(bool has_body) noexcept = 0;
    // After OnHead: what had come with the head, or some of the body, is in the sink. Not for what
    // the end comes with.
    [[nodiscard]] virtual bool OnReceived() noexcept = 0;
    // A piece of the request's body, please: Answer. False without memory.
    [[nodiscard]] virtual bool OnPull(uint64_t hint) noexcept = 0;
    // After OnHead: nothing is left of the request to be sent, or it will not be sent any more.
    [[nodiscard]] virtual bool OnSent() noexcept = 0;
    // The last call: the response is complete (null), or why not. After OnHead has said null, that
    // it has been read over, or not. The connection may be given back inside.
    virtual void OnEnd(ErrorRef error) noexcept = 0;

   protected:
    ~Listener() = default;
  };

  // Sends the request.
  virtual void Start() noexcept = 0;
  // The answer to OnPull, if it is still awaited: a piece, and whether more will follow.
  virtual void Answer(std::string piece, bool more) noexcept = 0;
  // The sink is awaited, or is not any more; it may be low again.
  virtual void ReadOn() noexcept = 0;
  // OnPull was said, and Answer is awaited.
  virtual bool pulling() const noexcept = 0;
  // Something is left of the request that is to be sent.
  virtual bool sending() const noexcept = 0;
  // In OnReceived of an answer with Attempt::granted: the connection, or its stream, open and
  // reading, and what came behind the answer. The exchange is over. May throw bad_alloc.
  virtual std::unique_ptr<Transport> Upgrade(std::string* /*rest*/) { return nullptr; }
  // Gives it up; the listener is told nothing more.
  virtual void Abort() noexcept = 0;

 protected:
  ~Exchange() = default;
};

}  // namespace creche::http
