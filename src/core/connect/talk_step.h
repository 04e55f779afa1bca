// TalkStep: a conversation with a proxy on the transport that is there, before what is behind the
// proxy can be spoken to. Derived classes know its language.
#pragma once
#include <string>
#include <string_view>
#include <utility>

#include "core/connect/step.h"

namespace creche {

class TalkStep : public ConnectStep, private Transport::Listener {
 public:
  void Start(Connecting* so_far, ConnectStep::Listener* listener) override;
  ErrorRef TimedOut(const Connecting& so_far) override;

 protected:
  enum class Verdict : uint8_t { kMore, kDone, kAnew };
  // proxy, target: who is spoken to, and who is wanted, for messages.
  TalkStep(std::string proxy, std::string target, Limit limit)
      : ConnectStep(Phase::kProxy, limit), proxy_(std::move(proxy)), target_(std::move(target)) {}

  // At the start, perhaps again on a new connection: what to say first. May throw bad_alloc.
  virtual std::string Opening() = 0;
  // Some bytes of the proxy's, at most Wanted(): null and what follows of them, or what is wrong.
  // May Say something. May throw bad_alloc.
  virtual ErrorRef Take(std::string_view bytes, Verdict* verdict) = 0;
  // How many bytes to read now, 1 to 4096: no more than the proxy's own, if that is known.
  virtual size_t Wanted() const noexcept = 0;

  void Say(std::string_view bytes) { unsent_.append(bytes); }
  // "the proxy 127.0.0.1:3128 <what>": of phase proxy.
  ErrorRef Wrong(Status status, const std::string& what, uint32_t http_status = 0,
                 uint32_t flags = 0) const;
  const std::string& proxy() const noexcept { return proxy_; }
  const std::string& target() const noexcept { return target_; }

 private:
  void OnReadable() noexcept override;
  void OnWritable() noexcept override;
  // False: the listener was told that it has failed.
  bool Send() noexcept;
  void Broke(Io how) noexcept;
  void Fail(ErrorRef error) noexcept;

  const std::string proxy_;
  const std::string target_;
  std::string unsent_;
  Connecting* so_far_ = nullptr;
  ConnectStep::Listener* listener_ = nullptr;  // while it talks
};

}  // namespace creche
