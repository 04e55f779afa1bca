#include "pg/cancel.h"

#include <libpq-fe.h>

#include <new>

#include "core/worker_call.h"
#include "platform/reactor.h"

namespace creche::pg {

namespace {

// ---- On a worker ----

// Until libpq 16 there is only PQcancel, which blocks, and does not encrypt. From 17 on a request
// may be made step by step, but where it is encrypted each is a handshake of its own: it reads
// files (certificates, keys, lists of what was revoked) and makes signatures, on the thread that
// asks for the step. That is nothing for the loop either.
#if CRECHE_HAVE_PQCANCELSTART
using Request = PGcancelConn;
Request* MakeRequest(PGconn* connection) noexcept {
  return PQcancelCreate(connection);
}
void Send(Request* request) noexcept {
  (void)PQcancelBlocking(request);
}
void Free(Request* request) noexcept {
  PQcancelFinish(request);
}
#else
using Request = PGcancel;
Request* MakeRequest(PGconn* connection) noexcept {
  return PQgetCancel(connection);
}
void Send(Request* request) noexcept {
  char why[256];
  (void)PQcancel(request, why, sizeof why);
}
void Free(Request* request) noexcept {
  PQfreeCancel(request);
}
#endif

class BlockingCancel;

class CancelCall : public WorkerCall {
 public:
  CancelCall(Loop& loop, Request* request, BlockingCancel* cancel)
      : WorkerCall(loop, WorkKind::kCancel), request_(request), cancel_(cancel) {}
  ~CancelCall() override { Free(request_); }

 private:
  // If it fails nothing is hit; what is to be cancelled is then bounded by its time limit.
  void Work() noexcept override { Send(request_); }
  void Done() noexcept override;

  Request* request_;
  BlockingCancel* cancel_;
};

class BlockingCancel : public Cancel {
 public:
  explicit BlockingCancel(Listener* listener) : listener_(listener) {}
  bool Start(Loop& loop, Request* request) noexcept {
    auto* call = new (std::nothrow) CancelCall(loop, request, this);
    if (!call) {
      Free(request);
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

#if CRECHE_HAVE_PQCANCELSTART
// ---- On the loop ----

// Of a connection that is not encrypted: a few bytes, as soon as there is a socket.
class PolledCancel : public Cancel {
 public:
  PolledCancel(Loop& loop, Request* request, Listener* listener)
      : loop_(loop), request_(request), listener_(listener) {}
  ~PolledCancel() override { Free(request_); }

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
  Request* request_;
  Listener* listener_;
  platform::Watch watch_;
};

#endif

}  // namespace

Ref<Cancel> Cancel::Send(Loop& loop, PGconn* connection, Listener* listener) noexcept {
  Request* request = MakeRequest(connection);
  if (!request) return nullptr;
#if CRECHE_HAVE_PQCANCELSTART
  if (!PQsslInUse(connection)) {
    auto* polled = new (std::nothrow) PolledCancel(loop, request, listener);
    if (!polled) {
      Free(request);
      return nullptr;
    }
    auto sent = Ref<PolledCancel>::Adopt(polled);
    if (!sent->Start()) return nullptr;
    return sent;
  }
#endif
  auto* cancel = new (std::nothrow) BlockingCancel(listener);
  if (!cancel) {
    Free(request);
    return nullptr;
  }
  auto sent = Ref<BlockingCancel>::Adopt(cancel);
  if (!sent->Start(loop, request)) return nullptr;
  return sent;
}

}  // namespace creche::pg
