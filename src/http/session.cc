#include "http/session.h"

#include "core/resolver.h"
#include "http/call.h"
#include "http/io_context.h"
#include "http/network_opener.h"

namespace creche::http {

// What an open session has on its loop.
struct Session::Engine {
  Engine(Loop& loop, const SessionSettings& settings, const Layers& layers, Counters& counters,
         TlsContextRef made)
      : io(loop, counters, settings.defaults),
        resolver(loop, loop.workers(WorkKind::kDns),
                 Resolver::Options{.ttl = settings.dns_ttl,
                                   .missing_ttl = settings.dns_negative_ttl,
                                   .stale = settings.dns_stale,
                                   .lookups = &io.counters.dns_lookups}),
        tls(loop, settings.tls(), std::move(made)),
        proxy_tls(settings.proxy_tls ? std::make_unique<TlsConfig>(settings.proxy_tls) : nullptr),
        opener(io, resolver, settings.routes, settings.hook.tell ? &settings.hook : nullptr,
               proxy_tls.get()),
        pool(loop, settings.limits, counters, opener),
        calls{loop, counters, pool, &tls, layers} {
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
                                              session->counters_, std::move(tls));
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
