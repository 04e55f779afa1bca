#include "http/session.h"

#include <new>

#include "core/resolver.h"
#include "http/call.h"
#include "http/io_context.h"
#include "http/network_opener.h"

namespace creche::http {

// What an open session has on its loop.
struct Session::Engine {
  Engine(Loop& loop, const SessionSettings& settings, const Layers& layers, Counters& counters,
         TlsContextRef made, Turns* turns, const Object* session)
      : io(loop, counters, settings.defaults),
        resolver(loop, loop.workers(WorkKind::kDns),
                 Resolver::Options{.ttl = settings.dns_ttl,
                                   .missing_ttl = settings.dns_negative_ttl,
                                   .stale = settings.dns_stale,
                                   .lookups = &io.counters.dns_lookups}),
        tls(loop, settings.tls(), std::move(made)),
        proxy_tls(settings.proxy_tls ? std::make_unique<TlsConfig>(settings.proxy_tls) : nullptr),
        opener(io, resolver, settings.routes,
               {.hook = settings.hook.tell ? &settings.hook : nullptr,
                .proxy_tls = proxy_tls.get(),
                .keepalive = settings.limits.keepalive}),
        pool(loop, settings.limits, counters, opener),
        calls{loop, counters, pool, &tls, layers, turns, session} {
    io.max_head = settings.max_header_bytes;
  }

  IoContext io;
  Resolver resolver;
  TlsConfig tls;
  const std::unique_ptr<TlsConfig> proxy_tls;  // or null
  NetworkOpener opener;
  Pool pool;
  Calls calls;
};

Session::Session(Ref<Loop> loop, SessionSettings settings)
    : loop_(std::move(loop)),
      settings_(std::move(settings)),
      defaults_(settings_.defaults, settings_.max_header_bytes),
      retry_budget_(loop_->clock() ? 1 : static_cast<uint64_t>(loop_->now())),
      uses_(*loop_, this, settings_.queue) {
  auth_memory_.session = this;
  AddLayers();
}

// In the order in which they are asked.
void Session::AddLayers() {
  const bool cookies = settings_.cookies.get() != nullptr;
  if (cookies) layers_.Add(receive_cookies_);
  layers_.Add(defaults_);
  layers_.Add(stale_retry_);
  layers_.Add(expectations_);
  layers_.Add(retries_);
  layers_.Add(redirects_);
  if (settings_.middleware.ask) {
    turns_ = std::make_unique<Turns>(settings_.middleware);
    if (settings_.middleware.Wants(Turn::kRequest)) layers_.Add(middleware_);
  }
  if (settings_.host_rate.requests != 0) {
    host_rate_ = std::make_unique<HostRate>(*loop_, settings_.host_rate);
    layers_.Add(pacing_);
  }
  layers_.Add(decoding_);
  layers_.Add(routing_);
  if (cookies) layers_.Add(send_cookies_);
  layers_.Add(auth_);
}

Session::~Session() = default;

Calls* Session::calls() const {
  return engine_ ? &engine_->calls : nullptr;
}

Result<Ref<Session>> Session::Open(Ref<Loop> loop, SessionSettings settings) {
  auto session = Ref<Session>::Adopt(new Session(std::move(loop), std::move(settings)));
  TlsContextRef tls = session->settings_.tls_context;
  if (!session->settings_.ca_file.empty()) {
    auto made = MakeTls(session->settings_.tls());
    if (!made.ok()) return made.error();
    tls = std::move(made).value();
  }
  if (const Status status = tasks::CheckQueue(*session->loop_, session->settings_.queue);
      status != Status::kOk)
    return MakeError(status, Phase::kNone,
                     "creche_session_options.queue is closed, or no queue of this loop");
  session->engine_ = std::make_unique<Engine>(*session->loop_, session->settings_, session->layers_,
                                              session->counters_, std::move(tls),
                                              session->turns_.get(), session.get());
  session->self_ = session;
  if (tasks::AddResident(*session->loop_, session.get()) != Status::kOk) {
    session->engine_.reset();
    session->self_ = nullptr;
    return MakeError(Status::kClosed, Phase::kNone, "the loop is closing");
  }
  return session;
}

Status Session::Close(const tasks::StartArgs& args) {
  const Status status = uses_.Tell(args, id());
  if (status == Status::kOk) Released();
  return status;
}

void Session::Released() noexcept {
  if (closing_.exchange(true)) return;
  close_.Submit(*loop_);  // refused by a loop that has ended: that closed the session before
}

Status Session::GiveToken(uint64_t ask, ErrorRef error, std::string token) {
  const Status status = auth_memory_.asks.Give(ask, std::move(error), std::move(token));
  if (status == Status::kOk) take_tokens_.Submit(*loop_);  // refused: nobody waits any more
  return status;
}

// Those who waited go on, in the order in which they came. Loop's thread.
void Session::TakeTokens() noexcept {
  while (Ref<TokenAsks::Ask> ask = auth_memory_.asks.Take()) {
    try {
      auth_.Given(*ask);
    } catch (const std::bad_alloc&) {
      ask->error = NoMemoryError();
    }
    while (!ask->waiting.empty()) Hold::GoOn(&ask->waiting);
  }
}

Status Session::Decide(uint64_t turn, Decision decision) {
  if (!turns_) return Status::kState;
  const Status status = turns_->Give(turn, std::move(decision));
  if (status == Status::kOk) take_decisions_.Submit(*loop_);  // refused: nobody waits any more
  return status;
}

void Session::TakeDecisions() noexcept {
  turns_->Serve();
}

// Loop's thread.
void Session::CloseHere() noexcept {
  if (!engine_) return;
  const Ref<Session> alive = std::move(self_);
  closing_.store(true);
  uses_.Begin("the session was closed");
  engine_->calls.FailAll(MakeError(Status::kClosed, Phase::kNone, "the session was closed"));
  engine_.reset();
  host_rate_.reset();
  uses_.Closed();
}

void Session::CloseForLoop() noexcept {
  const Ref<Session> alive = Ref<Session>::Share(this);
  CloseHere();
  gone_.store(true);
  ForgetObject(id());
}

}  // namespace creche::http
