// H2Connection: a connection that speaks HTTP/2: as many exchanges at a time as the server allows.
//
//   readable -> frames (H2Session) -> written down by the exchanges -> told, when all of it is read
//   end of the turn -> what all of them have to send, in one write
//
// Whoever is told may abort exchanges, begin others, and have the connection destroyed, so nobody
// is told while frames are read or written.
#pragma once
#include <memory>
#include <string>

#include "core/transport.h"
#include "http/connection.h"
#include "http/h2/h2_exchange.h"
#include "http/h2/h2_session.h"
#include "http/io_context.h"
#include "http/lazy_timer.h"

namespace creche::http {

class H2Connection final : public Connection,
                           private Transport::Listener,
                           private H2Session::Listener {
 public:
  // May throw bad_alloc.
  H2Connection(IoContext& io, std::unique_ptr<Transport> transport);
  // Says goodbye if that is possible at once.
  ~H2Connection() override;

  size_t capacity() const noexcept override;
  Exchange* Open(Request* request, ResponseHead* head, Attempt* attempt,
                 Exchange::Listener* listener) override;
  // Not without a place for another exchange: it may have no numbers left for streams.
  Nanos keep_for() const noexcept override { return capacity() == 0 ? 0 : kNever; }
  bool IdleIsSound() noexcept override;

  // Its streams'.
  IoContext& io() noexcept { return io_; }
  H2Session& session() noexcept { return session_; }
  // Bytes of all frames so far, those that wait to be written, too.
  uint64_t filled() const noexcept { return written_ + out_.size(); }
  // When something came last.
  Nanos heard() const noexcept { return heard_; }
  // How long the server took to confirm the settings; kNever: it has not yet.
  Nanos round_trip() const noexcept { return round_trip_; }
  // One more would have to wait until the server allows it.
  bool crowded() const noexcept { return open_ > session_.max_streams(); }
  // What the server allows has come.
  bool settled() const noexcept { return settled_; }
  // A message, and what the server said when it went away. May throw bad_alloc.
  std::string Said(std::string text) const;
  const Transport& transport() const noexcept { return *transport_; }
  void ToTell(H2Stream* stream) noexcept;
  // It has filled its last frame.
  void ToWrite(H2Stream* stream) noexcept;
  // OnTime is to be called then.
  void Due(Nanos at) noexcept;
  // At the end of this turn.
  void FlushSoon() noexcept { io_.loop.AtTurnEnd(&flush_); }
  // What has come, now: not while the session is at work. It is told at the end of this turn.
  void ReadNow() noexcept;
  // What there is to send, the same way.
  void SendNow() noexcept;
  // Another one has its stream from now on; the first is destroyed.
  void Replace(H2Stream* stream, H2Stream* by) noexcept;
  // It is destroyed, and reset if it is not over.
  void Remove(H2Stream* stream, uint32_t code) noexcept;
  // Something that should have come did not: if nothing has for a while, the server is asked
  // whether it is there.
  void Doubt() noexcept;

 private:
  struct Flushing : TurnEnd {
    explicit Flushing(H2Connection* of) : TurnEnd(OnTurnEnd), connection(of) {}
    static void OnTurnEnd(TurnEnd* end) noexcept {
      static_cast<Flushing*>(end)->connection->Flush();
    }
    H2Connection* const connection;
  };

  // Outlives it, for who tells others, inside which it may be destroyed.
  struct Life : RefCounted {
    bool over = false;
  };

  void OnReadable() noexcept override;
  void OnWritable() noexcept override;
  void OnSettings() noexcept override;
  void OnSettingsTaken() noexcept override { round_trip_ = heard_ - opened_; }
  void OnGoAway(uint32_t code, std::string_view text) noexcept override;
  void OnPong() noexcept override {}  // whatever comes says that the server is there
  void OnTerminated(uint32_t code, std::string_view why) noexcept override;

  bool ReadOnce() noexcept;
  void Flush() noexcept;
  bool Write() noexcept;
  void OnTimer() noexcept;
  void Broke(ErrorRef error) noexcept;
  ErrorRef SessionError() const noexcept;
  ErrorRef WithLastWords(ErrorRef error) const noexcept;
  bool Deliver() noexcept;
  void Settle() noexcept;

  IoContext& io_;
  const std::unique_ptr<Transport> transport_;
  const Ref<Life> life_ = MakeRef<Life>();
  H2Session session_;
  List<H2Stream> streams_;
  List<H2Stream, struct ToTell> to_tell_;
  List<H2Stream, struct ToWrite> to_write_;  // in the order of filled_to
  size_t open_ = 0;                          // streams
  Buffer out_;                               // frames, not written yet
  uint64_t written_ = 0;
  size_t answers_ = 0;  // frames that what was received has caused, since all were written
  Flushing flush_{this};
  LazyTimer timer_;
  Nanos timer_at_ = kNever;
  Nanos opened_ = 0;  // the settings were sent
  Nanos heard_ = 0;   // something came last
  Nanos round_trip_ = kNever;
  Nanos ping_by_ = kNever;  // something is to come, or the server is not there any more
  ErrorRef terminated_;     // why the session was
  bool settled_ = false;    // the server's settings have come
  bool blocked_ = false;    // OnWritable follows
  bool draining_ = false;   // takes no more exchanges
  bool broken_ = false;     // and carries none
  bool changed_ = false;    // the pool is to be told
};

}  // namespace creche::http
