#include "pg/connector.h"

#include <libpq-fe.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "core/errand.h"
#include "pg/server_error.h"

namespace creche::pg {

namespace {

// Notices of the handshake; libpq would print them.
void IgnoreNotice(void*, const PGresult*) {}

// "FATAL:  28P01: password ..." has the state that libpq does not tell otherwise while connecting.
std::string StateIn(const std::string& message) {
  for (size_t at = message.find(": "); at != message.npos; at = message.find(": ", at + 1)) {
    const size_t end = at + 7;
    if (end >= message.size() || message[end] != ':') continue;
    const std::string state = message.substr(at + 2, 5);
    // The severity in front may have five letters, too ("FATAL"); a state has digits.
    if (state.find_first_of("0123456789") == state.npos) continue;
    if (std::all_of(state.begin(), state.end(),
                    [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); }))
      return state;
  }
  return {};
}

}  // namespace

class Connector::Reading : public Errand {
 public:
  Reading(Loop& loop, Connector* connector)
      : Errand(loop, WorkKind::kFile),
        connector_(connector),
        dsn_(connector->dsn_),
        application_name_(connector->application_name_),
        found_(NoMemoryError()) {}

 private:
  void Work() noexcept override {
    try {
      found_ = ReadConninfo(dsn_ ? dsn_->c_str() : nullptr, application_name_);
    } catch (const std::bad_alloc&) {
    }
  }
  void Done() noexcept override { connector_->OnRead(std::move(found_)); }

  Connector* connector_;
  const std::shared_ptr<const std::string> dsn_;
  const std::string application_name_;
  Result<Conninfo> found_;
};

class Connector::Beginning : public Errand {
 public:
  Beginning(Loop& loop, Connector* connector, const Try& attempt)
      : Errand(loop, WorkKind::kDns),
        connector_(connector),
        info_(connector->info_),
        try_(attempt),
        begun_(NoMemoryError()) {}
  ~Beginning() override {
    if (begun_.ok()) PQfinish(begun_.value());
  }

 private:
  void Work() noexcept override {
    try {
      begun_ = BeginConnect(*info_, info_->targets[try_.target], try_.session_attrs);
    } catch (const std::bad_alloc&) {
    }
  }
  void Done() noexcept override {
    Result<PGconn*> begun = std::move(begun_);
    begun_ = NoMemoryError();  // it is the connector's now
    connector_->OnBegun(std::move(begun));
  }

  Connector* connector_;
  const std::shared_ptr<const Conninfo> info_;
  const Try try_;
  Result<PGconn*> begun_;
};

Connector::Connector(Loop& loop, Listener& listener, std::shared_ptr<const std::string> dsn,
                     std::string application_name, Nanos timeout)
    : loop_(loop),
      listener_(listener),
      dsn_(std::move(dsn)),
      application_name_(std::move(application_name)),
      deadline_(After(loop.now(), timeout)),
      timer_(loop, OnTimer, this) {}

Connector::~Connector() {
  Drop();
}

void Connector::Drop() noexcept {
  if (reading_) reading_->Abandon();
  if (beginning_) beginning_->Abandon();
  reading_ = nullptr;
  beginning_ = nullptr;
  watch_.Stop();
  timer_.Disarm();
  if (connection_) PQfinish(connection_);
  connection_ = nullptr;
}

bool Connector::Start() noexcept {
  try {
    reading_ = MakeRef<Reading>(loop_, this);
    return timer_.Arm(deadline_) && reading_->Go();
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void Connector::OnRead(Result<Conninfo> info) noexcept {
  reading_ = nullptr;
  if (!info.ok()) return listener_.OnConnectFailed(this, info.error());
  try {
    info_ = std::make_shared<const Conninfo>(std::move(info).value());
    const auto add = [this](const char* session_attrs) {
      for (size_t t = 0; t < info_->targets.size(); t++) tries_.push_back({t, session_attrs});
    };
    // libpq would go twice over all hosts; it sees one at a time, so that is done here.
    if (info_->session_attrs == "prefer-standby") {
      add("standby");
      add("any");
    } else {
      add(info_->session_attrs.c_str());
    }
  } catch (const std::bad_alloc&) {
    return listener_.OnConnectFailed(this, NoMemoryError());
  }
  Next(nullptr);
}

void Connector::Next(ErrorRef why) noexcept {
  Drop();
  if (why) error_ = std::move(why);
  const Nanos now = loop_.now();
  if (next_try_ == tries_.size() || now >= deadline_) {
    if (!error_) error_ = NoMemoryError();
    return listener_.OnConnectFailed(this, error_);
  }
  try {
    const Nanos left = deadline_ == kNever ? kNever : deadline_ - now;
    const auto hosts = static_cast<Nanos>(tries_.size() - next_try_);
    const Nanos share = info_->host_timeout != kNever ? info_->host_timeout
                        : left == kNever              ? left
                                                      : left / hosts;
    phase_ = Phase::kDns;
    beginning_ = MakeRef<Beginning>(loop_, this, tries_[next_try_++]);
    if (timer_.Arm(std::min(deadline_, After(now, share))) && beginning_->Go()) return;
  } catch (const std::bad_alloc&) {
  }
  Drop();
  listener_.OnConnectFailed(this, NoMemoryError());
}

void Connector::OnBegun(Result<PGconn*> begun) noexcept {
  beginning_ = nullptr;
  if (!begun.ok()) return Next(begun.error());
  connection_ = begun.value();
  phase_ = Phase::kConnect;
  if (PQstatus(connection_) == CONNECTION_BAD) return Next(Failure());
  PQsetErrorVerbosity(connection_, PQERRORS_VERBOSE);
  PQsetNoticeReceiver(connection_, IgnoreNotice, nullptr);
  // "Begin as if PQconnectPoll had said PGRES_POLLING_WRITING."
  if (watch_.Start(loop_.reactor(), PQsocket(connection_), platform::kWrite, OnReady, this) != 0)
    Next(NoMemoryError());
}

void Connector::OnReady(void* self, unsigned) noexcept {
  static_cast<Connector*>(self)->Poll();
}

Phase Connector::PhaseNow() const noexcept {
  switch (PQstatus(connection_)) {
    case CONNECTION_NEEDED:
    case CONNECTION_STARTED:
    case CONNECTION_MADE:
      return Phase::kConnect;
    case CONNECTION_SSL_STARTUP:
      return Phase::kTls;
    default:
      return Phase::kAuth;
  }
}

void Connector::Poll() noexcept {
  // The socket may be another one afterwards, even under the same number.
  watch_.Stop();
  phase_ = PhaseNow();
  const PostgresPollingStatusType polled = PQconnectPoll(connection_);
  unsigned interest = platform::kRead;
  switch (polled) {
    case PGRES_POLLING_OK:
      return Finish();
    case PGRES_POLLING_FAILED:
      return Next(Failure());
    case PGRES_POLLING_WRITING:
      interest = platform::kWrite;
      break;
    default:
      break;
  }
  phase_ = PhaseNow();
  if (watch_.Start(loop_.reactor(), PQsocket(connection_), interest, OnReady, this) != 0)
    Next(NoMemoryError());
}

void Connector::Finish() noexcept {
  timer_.Disarm();
  PQsetErrorVerbosity(connection_, PQERRORS_DEFAULT);
  if (PQgssEncInUse(connection_))
    return Next(MakeError(
        ErrorInfo{.status = Status::kUnsupported,
                  .phase = Phase::kOptions,
                  .message = "the server wants GSS encryption, which is not supported: set "
                             "gssencmode=disable, and sslmode=require for TLS",
                  .flags = kUnsent}));
  if (PQsetnonblocking(connection_, 1) != 0) return Next(NoMemoryError());
  PGconn* connection = connection_;
  connection_ = nullptr;
  listener_.OnConnected(this, connection);
}

void Connector::OnTimer(void* self) noexcept {
  auto* c = static_cast<Connector*>(self);
  try {
    const std::string target = c->next_try_ > 0 && c->info_
                                   ? c->info_->targets[c->tries_[c->next_try_ - 1].target].Text()
                                   : std::string("the server");
    c->Next(MakeError(
        ErrorInfo{.status = Status::kTimeout,
                  .phase = c->phase_,
                  .message = "no connection to " + target +
                             " in time; check that it is reachable, or raise connect_timeout",
                  .flags = kRetryable | kUnsent,
                  .cause = c->error_}));
  } catch (const std::bad_alloc&) {
    c->Next(NoMemoryError());
  }
}

ErrorRef Connector::Failure() const noexcept {
  try {
    ErrorInfo info;
    info.message = OneLine(PQerrorMessage(connection_));
    info.flags = kUnsent;
    info.cause = error_;
    info.phase = phase_;
    info.sqlstate = StateIn(info.message);
    const size_t location = info.message.find(" LOCATION: ");
    if (location != info.message.npos) info.message.resize(location);
    const auto says = [&info](const char* text) {
      return info.message.find(text) != info.message.npos;
    };
    if (!info.sqlstate.empty()) {
      info.status = Status::kPg;
      info.phase = Phase::kAuth;
      if (IsRetryable(info.sqlstate.c_str())) info.flags |= kRetryable;
      const char* advice = Advice(info.sqlstate.c_str());
      if (*advice) info.message += std::string("; ") + advice;
    } else if (says("certificate verify failed") || says("does not match host name")) {
      info.status = Status::kTlsVerify;
      info.phase = Phase::kTls;
    } else if (says("SSL error") || says("does not support SSL") ||
               (phase_ == Phase::kTls && says("SSL"))) {  // not a server that just went away
      info.status = Status::kTls;
      info.phase = Phase::kTls;
    } else {
      info.status = Status::kConnect;
      if (phase_ != Phase::kAuth) info.flags |= kRetryable;
    }
    return MakeError(std::move(info));
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace creche::pg
