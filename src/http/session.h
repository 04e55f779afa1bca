// Session: what a creche_session names: settings, layers, counters, and, until it is closed, what
// does the work on the loop.
#pragma once
#include <atomic>
#include <memory>

#include "core/handles.h"
#include "core/loop_job.h"
#include "core/result.h"
#include "http/calls.h"
#include "http/layer/auth.h"
#include "http/layer/cookies.h"
#include "http/layer/decoding.h"
#include "http/layer/defaults.h"
#include "http/layer/expectations.h"
#include "http/layer/middleware.h"
#include "http/layer/pacing.h"
#include "http/layer/redirects.h"
#include "http/layer/retries.h"
#include "http/layer/routing.h"
#include "http/layer/stale_retry.h"
#include "http/session_settings.h"
#include "http/url.h"
#include "tasks/closing.h"

namespace creche::http {

class Session final : public Object, public tasks::Resident {
 public:
  // Any thread. Fails with kSystem or kTls (the CA file), kClosed (the loop), kNoMemory.
  static Result<Ref<Session>> Open(Ref<Loop> loop, SessionSettings settings);

  // Any thread.
  Loop& loop() const { return *loop_; }
  const SessionSettings& settings() const { return settings_; }
  const Counters& counters() const { return counters_; }
  bool closing() const { return closing_.load(); }
  LastUrl& urls() { return urls_; }
  // args: the route of its completion. Fails if nobody could be told, as Closing::Tell.
  Status Close(const tasks::StartArgs& args);
  // The answer to Login::ask: a token, "" for none, or why there is none. kState: that was not
  // asked, or has been answered. May throw bad_alloc.
  Status GiveToken(uint64_t ask, ErrorRef error, std::string token);
  // What its middleware decides. kState: that was not asked. May throw bad_alloc.
  Status Decide(uint64_t turn, Decision decision);
  void Released() noexcept override;

  // Loop's thread. Null once closed.
  Calls* calls() const;
  void CloseForLoop() noexcept override;
  tasks::Closing& uses() { return uses_; }
  // Whether the loop has ended, so that the handle ends too.
  bool gone() const { return gone_.load(); }

 private:
  struct Engine;
  Session(Ref<Loop> loop, SessionSettings settings);
  ~Session() override;
  void CloseHere() noexcept;
  void TakeTokens() noexcept;
  void TakeDecisions() noexcept;
  void AddLayers();

  const Ref<Loop> loop_;
  const SessionSettings settings_;
  const DefaultsLayer defaults_;
  const StaleRetryLayer stale_retry_;
  Counters counters_;
  RetryBudget retry_budget_;  // the loop's thread's
  const RetriesLayer retries_{counters_, retry_budget_};
  const ExpectationsLayer expectations_;
  const RedirectsLayer redirects_;
  const DecodingLayer decoding_;
  std::unique_ptr<HostRate> host_rate_;  // until it is closed, if there is a limit
  const PacingLayer pacing_{host_rate_};
  const RoutingLayer routing_{settings_.routes};
  const ReceiveCookiesLayer receive_cookies_{settings_.cookies.get()};
  const SendCookiesLayer send_cookies_{settings_.cookies.get()};
  AuthMemory auth_memory_;  // the loop's thread's
  const AuthLayer auth_{auth_memory_, settings_.netrc};
  const MiddlewareLayer middleware_;
  std::unique_ptr<Turns> turns_;  // if it has middleware
  Layers layers_;
  LastUrl urls_;
  std::unique_ptr<Engine> engine_;
  Ref<Session> self_;  // while it is the loop's resident
  LoopJob<&Session::CloseHere> close_{this};
  LoopJob<&Session::TakeTokens> take_tokens_{this};
  LoopJob<&Session::TakeDecisions> take_decisions_{this};
  std::atomic<bool> closing_{false};
  std::atomic<bool> gone_{false};
  tasks::Closing uses_;
};

}  // namespace creche::http
