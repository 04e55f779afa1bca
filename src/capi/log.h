// A loop's log: from its options and the environment to what the tree knows of
// it.
#pragma once
#include <creche/log.h>

#include "tasks/log.h"

namespace creche::capi {

// log: may be null. debug: the loop's options want it; CRECHE_DEBUG may, too.
creche_status ReadLog(const creche_log* log, bool debug, tasks::LogTarget* target) noexcept;

}  // namespace creche::capi
