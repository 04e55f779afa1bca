#include "pg/connect/libpq_connector.h"

#include <libpq-fe.h>
#include <netdb.h>

#include <algorithm>
#include <new>
#include <random>
#include <utility>

#include "pg/connect/connect_calls.h"
#include "pg/connect/handshake.h"
#include "pg/connect/libpq_endpoint.h"
#include "platform/random.h"

namespace creche::pg {

namespace {

// Notices of the handshake; libpq would print them.
void IgnoreNotice(void*, const PGresult*) {}

constexpr Nanos kLeastPatience = kMillisecond;
constexpr Nanos kMostPatience = 50 * kMillisecond;

// "192.0.2.1" or "fe80::1%eth0"; empty if it has none.
std::string Numeric(const platform::Address& address) {
  char text[NI_MAXHOST];
  const int failed =
      getnameinfo(address.get(), address.size(), text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return failed ? std::string() : text;
}

template <class T>
void Shuffle(T begin, T end) {
  std::minstd_rand random(static_cast<uint32_t>(platform::Random64()));
  std::shuffle(begin, end, random);
}

}  // namespace

void KnownAddresses::Keep(const std::string& host, const std::string& address) noexcept {
  try {
    for (Known& known : all) {
      if (known.host != host) continue;
      if (known.address != address) known.address = address;
      return;
    }
    all.push_back({host, address});
  } catch (const std::bad_alloc&) {
  }
}

LibpqConnector::LibpqConnector(Loop& loop, const Shared& shared, Listener& listener,
                               std::shared_ptr<const std::string> dsn, std::string application_name,
                               Nanos timeout)
    : loop_(loop),
      shared_(shared),
      listener_(listener),
      dsn_(std::move(dsn)),
      application_name_(std::move(application_name)),
      began_(loop.now()),
      deadline_(After(began_, timeout)),
      timer_(loop, OnTimer, this),
      look_again_(loop, OnLookAgain, this) {}

LibpqConnector::~LibpqConnector() {
  Drop();
}

void LibpqConnector::Drop() noexcept {
  Cancel();
  if (reading_) reading_->Abandon();
  if (asking_) asking_->Abandon();
  if (beginning_) beginning_->Abandon();
  if (polling_) polling_->Abandon();
  reading_ = nullptr;
  asking_ = nullptr;
  beginning_ = nullptr;
  polling_ = nullptr;
  watch_.Stop();
  timer_.Disarm();
  look_again_.Disarm();
  if (connection_) PQfinish(connection_);
  connection_ = nullptr;
  settled_ = false;
  patience_ = 0;
}

ErrorRef LibpqConnector::Start() noexcept {
  try {
    if (!timer_.Arm(deadline_)) return NoMemoryError();
    auto reading = MakeRef<Reading>(loop_, this);
    if (!reading->Start())
      return NoThreadError(phase_, "read the DSN", reading->start_errno(), kUnsent);
    reading_ = std::move(reading);
    return nullptr;
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

void LibpqConnector::OnRead(Result<Conninfo> info) noexcept {
  reading_ = nullptr;
  if (!info.ok()) return Fail(info.error());
  try {
    auto read = std::make_shared<Conninfo>(std::move(info).value());
    if (read->balance) Shuffle(read->targets.begin(), read->targets.end());
    info_ = std::move(read);
    const auto add = [this](const char* session_attrs) {
      for (size_t t = 0; t < info_->targets.size(); t++)
        tries_.push_back({t, session_attrs, {}, !info_->targets[t].is_name()});
    };
    // libpq would go twice over all hosts; it sees one at a time, so that is done here.
    if (info_->session_attrs == "prefer-standby") {
      add("standby");
      add("any");
    } else {
      add(info_->session_attrs.c_str());
    }
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  TryNext();
}

void LibpqConnector::Fail(ErrorRef error) noexcept {
  Drop();
  // They may have moved.
  for (size_t t = 0; info_ && t < info_->targets.size(); t++)
    shared_.resolver.Forget(info_->targets[t].host);
  listener_.OnConnectFailed(this, std::move(error));
}

void LibpqConnector::Next(ErrorRef why, bool final) noexcept {
  Drop();
  error_ = std::move(why);
  if (final) return Fail(error_);
  if (!furthest_ || GotFurther(error_, furthest_)) furthest_ = error_;
  if (next_try_ == tries_.size() || loop_.now() >= deadline_) return Fail(furthest_);
  TryNext();
}

// Each has its share of what is left, the DSN's connect_timeout at the most.
void LibpqConnector::TryNext() noexcept {
  const Nanos now = loop_.now();
  const auto left = static_cast<Nanos>(tries_.size() - next_try_);
  const Nanos share = deadline_ == kNever ? kNever : (deadline_ - now) / left;
  const Try& next = tries_[next_try_++];
  phase_ = Phase::kDns;
  asked_again_ = false;
  try_until_ = std::min(deadline_, After(now, std::min(share, info_->host_timeout)));
  if (!timer_.Arm(try_until_)) return Fail(NoMemoryError());
  if (next.resolved) return Ask(false);
  if (auto known = shared_.resolver.Resolve(info_->targets[next.target].host, 0, this))
    OnResolved(std::move(*known));
}

// A host becomes its addresses, in the order of the system's preference.
void LibpqConnector::OnResolved(Result<Addresses> answer) noexcept {
  const size_t at = next_try_ - 1;
  if (!answer.ok()) return Next(DnsError(answer.error()));
  try {
    const std::string& host = info_->targets[tries_[at].target].host;
    std::vector<std::string> texts;
    for (const platform::Address& address : answer.value())
      if (std::string text = Numeric(address); !text.empty()) texts.push_back(std::move(text));
    if (texts.empty()) return Next(NoMemoryError());
    if (info_->balance) Shuffle(texts.begin(), texts.end());
    for (const auto& known : shared_.known.all) {
      const auto it = std::find(texts.begin(), texts.end(), known.address);
      if (!info_->balance && known.host == host && it != texts.end())
        std::rotate(texts.begin(), it, it + 1);
    }
    std::vector<Try> resolved;
    for (std::string& text : texts)
      resolved.push_back({tries_[at].target, tries_[at].session_attrs, std::move(text), true});
    tries_.insert(tries_.begin() + static_cast<ptrdiff_t>(at) + 1, resolved.begin(),
                  resolved.end());
    tries_.erase(tries_.begin() + static_cast<ptrdiff_t>(at));
  } catch (const std::bad_alloc&) {
    return Fail(NoMemoryError());
  }
  next_try_ = at;
  Drop();
  TryNext();
}

void LibpqConnector::Ask(bool refused) noexcept {
  password_ = nullptr;
  if (!shared_.calls.password) return Begin();
  phase_ = Phase::kAuth;
  ErrorRef why = NoMemoryError();
  try {
    asking_ = MakeRef<Asking>(loop_, this, info_, tries_[next_try_ - 1].target, refused);
    if (asking_->Start()) return;
    why = NoThreadError(phase_, "ask for a password", asking_->start_errno(), kUnsent);
  } catch (const std::bad_alloc&) {
  }
  asking_ = nullptr;
  Fail(std::move(why));
}

void LibpqConnector::OnAsked(Result<Password> password) noexcept {
  asking_ = nullptr;
  if (!password.ok()) return Next(password.error());
  password_ = std::move(password).value();
  Begin();
}

void LibpqConnector::Begin() noexcept {
  ErrorRef why = NoMemoryError();
  try {
    const Try& now = tries_[next_try_ - 1];
    beginning_ = MakeRef<Beginning>(loop_, this, info_, now.target, now.address, now.session_attrs,
                                    password_);
    if (beginning_->Start()) return;
    why = NoThreadError(Phase::kConnect, "begin a connection", beginning_->start_errno(), kUnsent);
  } catch (const std::bad_alloc&) {
  }
  beginning_ = nullptr;
  Fail(std::move(why));
}

void LibpqConnector::OnBegun(Result<PGconn*> begun) noexcept {
  beginning_ = nullptr;
  if (!begun.ok()) return Next(begun.error());
  connection_ = begun.value();
  phase_ = Phase::kConnect;
  if (PQstatus(connection_) == CONNECTION_BAD) return Next(Failure());
  PQsetErrorVerbosity(connection_, PQERRORS_VERBOSE);
  PQsetNoticeReceiver(connection_, IgnoreNotice, nullptr);
  // "Begin as if PQconnectPoll had said PGRES_POLLING_WRITING."
  Watch(platform::kWrite);
}

void LibpqConnector::Watch(unsigned interest) noexcept {
  const int failed = watch_.Start(loop_.reactor(), PQsocket(connection_), interest, OnReady, this);
  if (failed != 0) Next(Unwatched(failed));
}

void LibpqConnector::OnReady(void* self, unsigned) noexcept {
  static_cast<LibpqConnector*>(self)->Poll();
}

void LibpqConnector::OnLookAgain(void* self) noexcept {
  static_cast<LibpqConnector*>(self)->Poll();
}

void LibpqConnector::Poll() noexcept {
  // The socket may be another one afterwards, even under the same number.
  watch_.Stop();
  phase_ = PhaseNow();
  // Without TLS, after it was refused with it, libpq begins anew.
  if (phase_ != Phase::kAuth) settled_ = false;
  const NextStep step = settled_ ? NextStep{} : LookAhead(connection_);
  settled_ |= step.settled;
  switch (step.kind) {
    case NextStep::kHere:
      return PollHere();
    case NextStep::kAway:
      return PollAway();
    case NextStep::kLater:
      // The socket stays readable until libpq has read it.
      patience_ = std::clamp(2 * patience_, kLeastPatience, kMostPatience);
      if (!look_again_.Arm(After(loop_.now(), patience_))) Next(NoMemoryError());
      return;
    case NextStep::kTooLong:
    case NextStep::kGarbled:
      return Next(RefusedStep(step.kind == NextStep::kTooLong, step.iterations), true);
  }
}

void LibpqConnector::PollHere() noexcept {
  int polled;
  {
    const platform::ExitHold::Inside inside(exit_hold_);
    if (!inside.ok())
      return Fail(MakeError(Status::kClosed, phase_, "the process is exiting", kUnsent));
    polled = PQconnectPoll(connection_);
  }
  OnPolled(connection_, polled);
}

void LibpqConnector::PollAway() noexcept {
  ErrorRef why = NoMemoryError();
  try {
    polling_ = MakeRef<Polling>(loop_, this, connection_);
    if (polling_->Start()) {
      connection_ = nullptr;
      return;
    }
    polling_->GiveBack();
    why = NoThreadError(Phase::kAuth, "derive a key", polling_->start_errno(), kUnsent);
  } catch (const std::bad_alloc&) {
  }
  polling_ = nullptr;
  Next(std::move(why));
}

void LibpqConnector::OnPolled(PGconn* connection, int polled) noexcept {
  polling_ = nullptr;
  connection_ = connection;
  unsigned interest = platform::kRead;
  switch (polled) {
    case PGRES_POLLING_OK:
      return Finish();
    case PGRES_POLLING_FAILED: {
      const ErrorRef failure = Failure();
      if (!MayAskAgain(failure)) return Next(failure, IsFinal(failure));
      Drop();
      asked_again_ = true;
      return timer_.Arm(try_until_) ? Ask(true) : Fail(NoMemoryError());
    }
    case PGRES_POLLING_WRITING:
      interest = platform::kWrite;
      break;
    default:
      break;
  }
  phase_ = PhaseNow();
  Watch(interest);
}

void LibpqConnector::Finish() noexcept {
  timer_.Disarm();
  PQsetErrorVerbosity(connection_, PQERRORS_DEFAULT);
  if (PQgssEncInUse(connection_))
    return Next(MakeError(Status::kUnsupported, Phase::kOptions,
                          "the server wants GSS encryption, which is not supported: set "
                          "gssencmode=disable, and sslmode=require for TLS",
                          kUnsent));
  if (PQsetnonblocking(connection_, 1) != 0) return Next(NoMemoryError());
  const Try& good = tries_[next_try_ - 1];
  if (!good.address.empty()) shared_.known.Keep(info_->targets[good.target].host, good.address);
  auto endpoint = LibpqEndpoint::Make(std::exchange(connection_, nullptr));
  if (!endpoint) return Fail(NoMemoryError());
  listener_.OnConnected(this, std::move(endpoint));
}

void LibpqConnector::OnTimer(void* self) noexcept {
  auto* c = static_cast<LibpqConnector*>(self);
  c->Next(c->TimeoutError());
}

}  // namespace creche::pg
