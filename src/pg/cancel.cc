#include "pg/cancel.h"

#include <libpq-fe.h>

#include <new>

#include "core/worker_call.h"
#include "platform/reactor.h"

namespace creche::pg {

#if CRECHE_HAVE_PQCANCELSTART

namespace {

// libpq 17 and later: non-blocking, and encrypted if the connection is.
class PolledCancel : public Cancel {
 public:
  PolledCancel(Loop& loop, PGcancelConn* request, Listener* listener)
      : loop_(loop), request_(request), listener_(listener) {}
  ~PolledCancel() override { PQcancelFinish(request_); }

  bool Start() noexcept {
    if (!PQcancelStart(request_)) return false;
    return Watch(platform::kWrite);
  }
  void Forget() noexcept override {
    watch_.Stop();
    listener_ = nullptr;
  }

 private:
  bool Watch(unsigned interest) noexcept {
    return watch_.Start(loop_.reactor(), PQcancelSocket(request_), interest, OnReady, this) == 0;
  }
  static void OnReady(void* arg, unsigned) noexcept {
    auto* self = static_cast<PolledCancel*>(arg);
    const auto keep = Ref<PolledCancel>::Share(self);
    self->watch_.Stop();
    bool waits = false;
    switch (PQcancelPoll(self->request_)) {
      case PGRES_POLLING_READING:
        waits = self->Watch(platform::kRead);
        break;
      case PGRES_POLLING_WRITING:
        waits = self->Watch(platform::kWrite);
        break;
      default:
        break;
    }
    if (!waits && self->listener_) self->listener_->CancelDone();
  }

  Loop& loop_;
  PGcancelConn* request_;
  Listener* listener_;
  platform::Watch watch_;
};

}  // namespace

Ref<Cancel> Cancel::Send(Loop& loop, PGconn* connection, Listener* listener) noexcept {
  PGcancelConn* request = PQcancelCreate(connection);
  if (!request) return nullptr;
  auto* cancel = new (std::nothrow) PolledCancel(loop, request, listener);
  if (!cancel) {
    PQcancelFinish(request);
    return nullptr;
  }
  auto sent = Ref<PolledCancel>::Adopt(cancel);
  if (!sent->Start()) return nullptr;
  return sent;
}

#else

namespace {

// Until libpq 16 there is only PQcancel, which blocks (and does not encrypt).
class BlockingCancel;

class CancelCall : public WorkerCall {
 public:
  CancelCall(Loop& loop, PGcancel* request, BlockingCancel* cancel)
      : WorkerCall(loop, WorkKind::kCancel), request_(request), cancel_(cancel) {}
  ~CancelCall() override { PQfreeCancel(request_); }

 private:
  void Work() noexcept override {
    char why[256];
    // If it fails nothing is hit; what is to be cancelled is then bounded by its time limit.
    (void)PQcancel(request_, why, sizeof why);
  }
  void Done() noexcept override;

  PGcancel* request_;
  BlockingCancel* cancel_;
};

class BlockingCancel : public Cancel {
 public:
  explicit BlockingCancel(Listener* listener) : listener_(listener) {}
  bool Start(Loop& loop, PGcancel* request) noexcept {
    auto* call = new (std::nothrow) CancelCall(loop, request, this);
    if (!call) {
      PQfreeCancel(request);
      return false;
    }
    call_ = Ref<CancelCall>::Adopt(call);
    return call_->Start();
  }
  void Forget() noexcept override {
    if (call_) call_->Abandon();
    call_ = nullptr;
  }
  void Done() noexcept {
    call_ = nullptr;
    listener_->CancelDone();
  }

 private:
  Listener* listener_;
  Ref<CancelCall> call_;
};

void CancelCall::Done() noexcept {
  const auto keep = Ref<BlockingCancel>::Share(cancel_);
  cancel_->Done();
}

}  // namespace

Ref<Cancel> Cancel::Send(Loop& loop, PGconn* connection, Listener* listener) noexcept {
  PGcancel* request = PQgetCancel(connection);
  if (!request) return nullptr;
  auto* cancel = new (std::nothrow) BlockingCancel(listener);
  if (!cancel) {
    PQfreeCancel(request);
    return nullptr;
  }
  auto sent = Ref<BlockingCancel>::Adopt(cancel);
  if (!sent->Start(loop, request)) return nullptr;
  return sent;
}

#endif

}  // namespace creche::pg
