#include "http/proxy_step.h"

#include <new>
#include <utility>

namespace creche::http {

namespace {

// What the proxy has not begun with, or a dead connection has taken, is asked for again.
constexpr int kMostTries = 4;

Url UrlOf(const Proxy& proxy) {
  const bool v6 = proxy.host.find(':') != std::string::npos;
  auto url = Url::Parse("https://" + (v6 ? "[" + proxy.host + "]" : proxy.host) + ":" +
                        std::to_string(proxy.port) + "/");
  return url.ok() ? std::move(url).value() : Url();
}

}  // namespace

// Holds the connection while there is a tunnel in it.
struct ProxyStep::Place final : Transport::Below {
  explicit Place(Reservation r) noexcept : reservation(std::move(r)) {}
  Reservation reservation;
};

ProxyStep::ProxyStep(Loop& loop, Pool& pool, ProxyRef proxy, std::string target, TlsConfig& tls,
                     const Timeouts& timeouts, Watch* watch)
    : ConnectStep(Phase::kProxy, {}),  // its own timer knows what it waits for
      loop_(loop),
      pool_(pool),
      proxy_(std::move(proxy)),
      target_(std::move(target)),
      own_tls_(tls.given() ? std::make_unique<TlsConfig>(tls.given()) : nullptr),
      tls_(own_tls_ ? *own_tls_ : tls),
      url_(UrlOf(*proxy_)),
      key_(proxy_->key + "\n" + (own_tls_ ? std::to_string(tls.given()->number()) : "")),
      timeouts_(timeouts),
      watch_(watch ? Ref<Watch>::Share(watch) : nullptr),
      auth_(std::make_shared<TunnelAuth>(proxy_, target_)),
      by_http1_(
          [auth = auth_] { return auth->Opening(); },
          [auth = auth_](int status, std::string_view head) { return auth->Again(status, head); },
          proxy_->shown, target_, Limit{timeouts.proxy, "timeouts.proxy"}),
      timer_(
          loop, [](void* self) noexcept { static_cast<ProxyStep*>(self)->OnTimer(); }, this) {}

ProxyStep::~ProxyStep() {
  Stop();
}

Route ProxyStep::RouteToIt() const noexcept {
  return {.url = url_,
          .tls = &tls_,
          .own_key = key_,
          .protocols = Protocols::kNegotiated,
          .watch = watch_.get()};
}

void ProxyStep::Start(Connecting* so_far, ConnectStep::Listener* listener) {
  so_far_ = so_far;
  listener_ = listener;
  tries_ = 0;
  Reserve();
}

void ProxyStep::Reserve() {
  tries_++;
  pool_.Reserve(RouteToIt(), timeouts_, fresh_, this);
}

void ProxyStep::OnOpenFailed(Phase, ErrorRef error) noexcept {
  Fail(std::move(error));
}

void ProxyStep::OnReserved(Reservation reservation, bool reused) noexcept {
  reservation_ = std::move(reservation);
  attempt_ = {.reused = reused};
  [[maybe_unused]] const bool armed = timer_.Arm(After(loop_.now(), timeouts_.proxy));
  try {
    Ask();
  } catch (const std::bad_alloc&) {
    Fail(NoMemoryError());
  }
}

void ProxyStep::Ask() {
  Connection& connection = reservation_.connection();
  request_ = {};
  request_.connect = auth_->Opening();
  request_.timeouts = {.send = kNever, .first_byte = kNever, .read_gap = kNever};
  exchange_ = connection.Open(&request_, &head_, &attempt_, this);
  if (attempt_.connection->http_major == 2) return exchange_->Start();
  std::string none;
  so_far_->transport = exchange_->Upgrade(&none);
  exchange_ = nullptr;
  reservation_.GiveBack();
  by_http1_.Start(so_far_, this);
}

void ProxyStep::OnStepDone() noexcept {
  timer_.Disarm();
  std::exchange(listener_, nullptr)->OnStepDone();
}

void ProxyStep::OnStepWantsAnew() noexcept {
  timer_.Disarm();
  std::exchange(listener_, nullptr)->OnStepWantsAnew();
}

// The body of another answer than 2xx is nobody's.
BodySink* ProxyStep::OnHead(bool) noexcept {
  return nullptr;
}

bool ProxyStep::OnReceived() noexcept {
  if (!attempt_.granted) return true;
  try {
    std::string none;
    auto place = std::make_unique<Place>(std::move(reservation_));
    auto transport = exchange_->Upgrade(&none);
    exchange_ = nullptr;
    transport->set_below(std::move(place));
    transport->PauseReading();  // what comes is for the next step
    so_far_->transport = std::move(transport);
  } catch (const std::bad_alloc&) {
    Fail(NoMemoryError());
    return false;
  }
  OnStepDone();
  return false;
}

void ProxyStep::OnEnd(ErrorRef error) noexcept {
  exchange_ = nullptr;
  try {
    TakeEnd(error);
  } catch (const std::bad_alloc&) {
    Fail(NoMemoryError());
  }
}

// Whether the same may go well on another connection, or in another stream of this one.
bool ProxyStep::AsksAgain() {
  if (tries_ >= kMostTries) return false;
  if (attempt_.unprocessed) return !attempt_.wants_http1;
  const bool stale = attempt_.reused && attempt_.broken && !attempt_.answered && !fresh_;
  fresh_ = fresh_ || stale;
  return stale;
}

void ProxyStep::TakeEnd(const ErrorRef& error) {
  reservation_.GiveBack();
  if (error) {
    if (AsksAgain()) return Reserve();
    return Fail(MakeError({.status = error->status(),
                           .phase = Phase::kProxy,
                           .message = "the proxy " + proxy_->shown + " made no tunnel to " +
                                      target_ + ": " + std::string(error->message()),
                           .flags = kUnsent,
                           .cause = error}));
  }
  std::string challenges;
  for (size_t i = 0; i < head_.size(); i++)
    if (SameName(head_.at(i).name, "Proxy-Authenticate"))
      challenges.append("Proxy-Authenticate: ").append(head_.at(i).value).append("\r\n");
  if (tries_ < kMostTries && auth_->Again(head_.status, challenges)) return Reserve();
  Fail(TunnelStep::Refused(proxy_->shown, target_, head_.status));
}

void ProxyStep::OnTimer() noexcept {
  ErrorRef error;
  try {
    error = by_http1_.TimedOut(*so_far_);
  } catch (const std::bad_alloc&) {
    error = NoMemoryError();
  }
  Fail(std::move(error));
}

ErrorRef ProxyStep::TimedOut(const Connecting& so_far) {
  return by_http1_.TimedOut(so_far);
}

void ProxyStep::Stop() noexcept {
  Cancel();
  timer_.Disarm();
  if (Exchange* const exchange = std::exchange(exchange_, nullptr)) exchange->Abort();
  reservation_.GiveBack();
}

void ProxyStep::Fail(ErrorRef error) noexcept {
  Stop();
  std::exchange(listener_, nullptr)->OnStepFailed(std::move(error));
}

}  // namespace creche::http
