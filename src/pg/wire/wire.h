// Wire: the bytes of one connection. What a turn of the loop brings to be sent goes out at once at
// its end; what comes is read as it comes, or not while it is paused, so that the server is held
// back. Loop's thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/buffer.h"
#include "core/loop.h"
#include "pg/wire/endpoint.h"
#include "pg/wire/inbox.h"
#include "pg/wire/libpq_transport.h"
#include "pg/wire/stream_pace.h"
#include "platform/reactor.h"

namespace creche::pg {

class Wire {
 public:
  class Listener {
   public:
    // Bytes have come: takes whole messages off the front of the inbox. True while rows come that
    // somebody takes as they come: such are read in larger pieces.
    virtual bool OnBytes() noexcept = 0;
    // What there was has been read.
    virtual void OnRead() noexcept = 0;
    // It is of no use any more, and is to be stopped: received is 0 at the end, or -errno.
    virtual void OnBroken(ssize_t received) noexcept = 0;
    // The same; why: its descriptor cannot be watched, an errno.
    virtual void OnUnwatched(int why) noexcept = 0;

   protected:
    ~Listener() = default;
  };

  // Waits until what was written has gone out, but for a little.
  class Drain {
   public:
    virtual void OnDrained() noexcept = 0;

   protected:
    ~Drain() = default;
  };

  Wire(Loop& loop, Listener& listener, const Endpoint& endpoint, ReceiveSpace& space);
  // A farewell must not wait on a broken link, and not stand inside a message of which only a part
  // has gone: then nothing more goes out.
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // Begins to read. Returns 0, or an errno: the descriptor cannot be watched.
  [[nodiscard]] int Start() noexcept;
  // For good; nobody is called any more.
  void Stop() noexcept;
  bool stopped() const noexcept { return stopped_; }

  // ---- Out ----
  // Room for so many bytes; null without memory. What was written there goes out at the end of this
  // turn, or at once if it is much.
  char* Reserve(size_t size) noexcept { return outbox_.Reserve(size); }
  void Commit(size_t size) noexcept {
    outbox_.Commit(size);
    FlushSoon();
  }
  void Flush() noexcept;
  // Bytes that were written, and of them those that have gone out, since the beginning.
  uint64_t written() const noexcept { return sent_ + outbox_.size(); }
  uint64_t sent() const noexcept { return sent_; }
  // OnDrained follows once, later; null: not any more.
  void AwaitDrain(Drain* drain) noexcept {
    drain_ = drain;
    if (drain && !flushing_) loop_.AtTurnEnd(&turn_end_);
  }
  bool sends_soon() const noexcept { return !outbox_.empty(); }

  // ---- In ----
  Inbox& inbox() noexcept { return inbox_; }
  // How long the message is whose beginning stands in the inbox, if that is known.
  void set_wanted(size_t bytes) noexcept { wanted_ = bytes; }
  // Does not read, so that the server is held back; or reads again.
  void Pause(bool pause) noexcept;
  bool paused() const noexcept { return paused_; }
  // Reads what the server has said unasked, if anything. (We may be inside of the reading of
  // another connection.)
  void Probe() noexcept;

 private:
  static void OnReady(void* self, unsigned ready) noexcept;
  static void OnTurnEnd(TurnEnd* end) noexcept;
  static void OnPace(void* self) noexcept;
  void Read() noexcept;
  void Receive(bool own) noexcept;
  // What is there already.
  void TakeWhatIsThere() noexcept;
  void FlushSoon() noexcept;
  void UpdateInterest() noexcept;

  Loop& loop_;
  Listener& listener_;
  LibpqTransport transport_;
  platform::Watch watch_;
  struct SendLater : TurnEnd {
    explicit SendLater(Wire* owner) : TurnEnd(OnTurnEnd), wire(owner) {}
    Wire* const wire;
  } turn_end_{this};
  Buffer outbox_;      // whole messages, but for the first one, of which a part may have gone
  uint64_t sent_ = 0;  // bytes, since the beginning
  Drain* drain_ = nullptr;
  Inbox inbox_;
  size_t wanted_ = 0;
  StreamPace pace_;
  bool streams_ = false;  // what OnBytes has said
  bool paused_ = false;
  bool flushing_ = false;   // waits until more can be sent
  bool cut_off_ = false;    // nothing can be sent any more; reading will say why,
  bool no_memory_ = false;  // but for this
  bool stopped_ = false;
};

}  // namespace creche::pg
