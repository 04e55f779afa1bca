// What a connector has worker threads do for it: files are read, libpq may think for a while.
#pragma once
#include <libpq-fe.h>

#include <memory>
#include <new>
#include <string>

#include "core/worker_call.h"
#include "pg/connect/libpq_connector.h"
#include "tasks/trace.h"

namespace creche::pg {

class LibpqConnector::Reading : public WorkerCall {
 public:
  Reading(Loop& loop, LibpqConnector* connector)
      : WorkerCall(loop, WorkKind::kFile),
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

  LibpqConnector* connector_;
  const std::shared_ptr<const std::string> dsn_;
  const std::string application_name_;
  Result<Conninfo> found_;
};

class LibpqConnector::Asking : public WorkerCall {
 public:
  Asking(Loop& loop, LibpqConnector* connector, std::shared_ptr<const Conninfo> info, size_t target,
         bool refused)
      : WorkerCall(loop, WorkKind::kAsk),
        connector_(connector),
        calls_(connector->shared_.calls),
        hold_(connector->listener_.OnAsking()),
        info_(std::move(info)),
        target_(target),
        refused_(refused),
        answer_(NoMemoryError()) {}

 private:
  void Work() noexcept override {
    try {
      answer_ = AskPassword(calls_, *info_, info_->targets[target_], refused_);
    } catch (const std::bad_alloc&) {
    }
    hold_ = nullptr;
    // That may have been the end of the pool: what hooks are to be told of it is told here.
    if (tasks::Trace::Any()) tasks::Trace::DeliverMine();
  }
  void Done() noexcept override { connector_->OnAsked(std::move(answer_)); }

  LibpqConnector* connector_;
  const PoolCalls calls_;
  std::shared_ptr<void> hold_;  // until the user's function has returned
  const std::shared_ptr<const Conninfo> info_;
  const size_t target_;
  const bool refused_;
  Result<Password> answer_;
};

class LibpqConnector::Beginning : public WorkerCall {
 public:
  Beginning(Loop& loop, LibpqConnector* connector, std::shared_ptr<const Conninfo> info,
            size_t target, const std::string& address, const char* session_attrs, Password password)
      : WorkerCall(loop, WorkKind::kFile),
        connector_(connector),
        info_(std::move(info)),
        target_(target),
        address_(address),
        session_attrs_(session_attrs),
        password_(std::move(password)),
        begun_(NoMemoryError()) {}
  ~Beginning() override {
    if (begun_.ok()) PQfinish(begun_.value());
  }

 private:
  void Work() noexcept override {
    try {
      begun_ = BeginConnect(*info_, info_->targets[target_], address_, session_attrs_,
                            password_ ? &password_->bytes : nullptr);
    } catch (const std::bad_alloc&) {
    }
  }
  void Done() noexcept override {
    Result<PGconn*> begun = std::move(begun_);
    begun_ = NoMemoryError();  // it is the connector's now
    connector_->OnBegun(std::move(begun));
  }

  LibpqConnector* connector_;
  const std::shared_ptr<const Conninfo> info_;
  const size_t target_;
  const std::string address_;
  const std::string session_attrs_;
  const Password password_;
  Result<PGconn*> begun_;
};

// Has the connection until it is done; if nobody waits any more it ends it.
class LibpqConnector::Polling : public WorkerCall {
 public:
  Polling(Loop& loop, LibpqConnector* connector, PGconn* connection)
      : WorkerCall(loop, WorkKind::kCrypto), connector_(connector), connection_(connection) {}
  ~Polling() override {
    if (connection_) PQfinish(connection_);
  }
  // It was not sent.
  void GiveBack() noexcept { connection_ = nullptr; }

 private:
  void Work() noexcept override { polled_ = PQconnectPoll(connection_); }
  void Done() noexcept override {
    PGconn* connection = connection_;
    connection_ = nullptr;  // it is the connector's now
    connector_->OnPolled(connection, polled_);
  }

  LibpqConnector* connector_;
  PGconn* connection_;
  int polled_ = PGRES_POLLING_FAILED;
};

}  // namespace creche::pg
