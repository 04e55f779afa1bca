#include "core/connect/step.h"

namespace creche {

namespace {
std::string Seconds(Nanos duration) {
  const Nanos ms = duration / kMillisecond;
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}
}  // namespace

ErrorRef ConnectStep::TimeoutError(const std::string& what, const std::string& hint) const {
  return MakeError(Status::kTimeout, phase_,
                   what + " in " + Seconds(limit_.time) + hint + ", or raise " + limit_.setting);
}

}  // namespace creche
