#include "core/connect/tls_config.h"

#include <new>

namespace creche {

Result<TlsContextRef> MakeTls(const platform::TlsOptions& options) {
  platform::TlsFailure failure;
  TlsContextRef made = platform::TlsContext::Create(options, &failure);
  if (made) return made;
  if (failure.no_memory) return NoMemoryError();
  return MakeError({.status = failure.system_errno != 0 ? Status::kSystem : Status::kTls,
                    .phase = Phase::kTls,
                    .message = failure.text,
                    .system_errno = failure.system_errno});
}

class TlsConfig::Making final : public WorkerCall {
 public:
  Making(Loop& loop, TlsConfig* source)
      : WorkerCall(loop, WorkKind::kFile),
        source_(source),
        options_(source->options_),
        made(NoMemoryError()) {}

 private:
  void Work() noexcept override {
    try {
      made = MakeTls(options_);
    } catch (const std::bad_alloc&) {
    }
  }
  void Done() noexcept override { source_->Finish(this); }

  TlsConfig* const source_;
  const platform::TlsOptions options_;

 public:
  Result<TlsContextRef> made;  // the worker's until Done
  List<Waiter> waiting;        // loop's thread
};

TlsConfig::TlsConfig(Loop& loop, platform::TlsOptions options, TlsContextRef made)
    : loop_(&loop), options_(std::move(options)), made_(std::move(made)) {}

TlsConfig::TlsConfig(TlsContextRef made) : loop_(nullptr), made_(std::move(made)) {}

TlsConfig::~TlsConfig() {
  if (!making_) return;
  making_->Abandon();
  while (making_->waiting.PopFront()) continue;
}

Result<TlsContextRef> TlsConfig::Get(Waiter* waiter) {
  if (made_) return made_;
  if (!making_) {
    auto making = MakeRef<Making>(*loop_, this);
    if (!making->Start())
      return NoThreadError(Phase::kTls, "read the trusted CAs", making->start_errno(), kUnsent);
    making_ = std::move(making);
  }
  making_->waiting.PushBack(waiter);
  return TlsContextRef();
}

void TlsConfig::Finish(Making* making) noexcept {
  const Ref<Making> keep = std::move(making_);
  if (making->made.ok()) made_ = making->made.value();
  // From here on `this` may go: those who wait hang on `making` alone.
  while (Waiter* waiter = making->waiting.PopFront()) waiter->OnTls(making->made);
}

}  // namespace creche
