// TlsSettings: what a creche_tls names. Immutable; of no loop.
#pragma once
#include "core/connect/tls_config.h"
#include "core/handles.h"

namespace creche {

class TlsSettings final : public Object {
 public:
  explicit TlsSettings(TlsContextRef context) : context_(std::move(context)) {}
  void Released() noexcept override {}
  const TlsContextRef& context() const noexcept { return context_; }

 private:
  const TlsContextRef context_;
};

}  // namespace creche
