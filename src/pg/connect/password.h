// A password that the pool's user gives for one connection, in place of the DSN's.
#pragma once
#include <memory>

#include "core/result.h"
#include "pg/connect/conninfo.h"
#include "pg/pool_calls.h"
#include "platform/secret.h"

namespace creche::pg {

using Password = std::shared_ptr<const platform::Secret>;

// Calls calls.password, so it blocks for as long as that likes. refused: the server has refused the
// last one. Fails with the status that it returns (phase "auth"), or kLimit if it has filled all of
// its room. May throw bad_alloc.
Result<Password> AskPassword(const PoolCalls& calls, const Conninfo& info, const Target& target,
                             bool refused);

}  // namespace creche::pg
