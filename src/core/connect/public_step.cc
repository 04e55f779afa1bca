#include "core/connect/public_step.h"

#include <algorithm>

#include "platform/public_address.h"

namespace creche {

void PublicStep::Start(Connecting* so_far, Listener* listener) {
  Addresses& all = so_far->addresses;
  all.erase(std::remove_if(all.begin(), all.end(),
                           [](const platform::Address& a) { return !platform::IsPublic(a); }),
            all.end());
  if (!all.empty()) return listener->OnStepDone();
  listener->OnStepFailed(MakeError(
      Status::kUrl, Phase::kConnect,
      so_far->authority + " has private addresses only, which CRECHE_SESSION_PUBLIC_ONLY refuses",
      kUnsent));
}

}  // namespace creche
