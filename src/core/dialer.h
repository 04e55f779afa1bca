// Dialer: connects to the first of several addresses that answers (RFC 8305, happy eyeballs):
// families take turns, those that failed lately come last, an attempt that takes long gets company
// after 250 ms (sooner if the time would not do for all), one that fails is followed at once; the
// first success closes all others. Loop's thread only. No timeout of its own: destroy it, or
// Cancel, when time is up.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/address_history.h"
#include "core/error.h"
#include "core/loop.h"
#include "core/socket_settings.h"
#include "platform/address.h"
#include "platform/socket.h"

namespace creche {

class Dialer {
 public:
  static constexpr Nanos kStagger = 250 * kMillisecond;

  // Told once, from the loop, never from inside Start; the dialer may be destroyed inside.
  class Listener {
   public:
    virtual void OnDialed(platform::Socket socket) noexcept = 0;
    // CRECHE_E_CONNECT, or what the user's function has said; names each address tried and why it
    // failed.
    virtual void OnDialFailed(ErrorRef error) noexcept = 0;

   protected:
    ~Listener() = default;
  };

  // history: null: it learns nothing. stagger: see above.
  Dialer(Loop& loop, Listener& listener, AddressHistory* history = nullptr,
         Nanos stagger = kStagger);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // target: for messages, "example.org:443". addresses: at least one, in order of preference.
  // time: how long the caller is going to wait: each address gets a share of it. False without
  // memory: nothing was started. Must not be dialing.
  [[nodiscard]] bool Start(std::string target, const std::vector<platform::Address>& addresses,
                           Nanos time = kNever) noexcept;
  // Closes all attempts; nobody is called. Harmless when not dialing.
  void Cancel() noexcept;
  // Where connections come from; it outlives the dialer. Null, or AF_UNSPEC: anywhere.
  void set_local(const platform::Address* local) noexcept { local_ = local; }
  // What its sockets are; they outlive the dialer, too. Null: nothing out of the ordinary.
  void set_settings(const SocketSettings* settings) noexcept { settings_ = settings; }
  bool dialing() const noexcept { return !attempts_.empty(); }
  // "192.0.2.1:443: Connection refused; 192.0.2.2:443: no answer yet": for the message of a
  // timeout.
  std::string Tried() const;

 private:
  struct Attempt;
  static void OnTimer(void* self) noexcept;
  static void OnReady(void* attempt, unsigned ready) noexcept;
  void TryNext() noexcept;
  // Returns 0 (connected), EINPROGRESS, EAGAIN or why it has failed.
  int Begin(Attempt* attempt) noexcept;
  void NoteFailed(Attempt* attempt, int failed) noexcept;
  void Succeed(Attempt* attempt) noexcept;
  void FailIfAllHave() noexcept;

  Loop& loop_;
  Listener& listener_;
  AddressHistory* const history_;
  const Nanos longest_stagger_;
  Nanos stagger_;
  Timer timer_;  // starts the next attempt
  const platform::Address* local_ = nullptr;
  const SocketSettings* settings_ = nullptr;
  std::string target_;
  std::vector<std::unique_ptr<Attempt>> attempts_;  // in the order they are made
  size_t begun_ = 0;
};

}  // namespace creche
