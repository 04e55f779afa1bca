// Shared: what the connections of a pool have in common. Loop's thread, but for the counters.
#pragma once
#include "pg/catalogs.h"
#include "pg/counters.h"
#include "pg/rows/result_forms.h"
#include "pg/sql/history.h"
#include "pg/wire/inbox.h"

namespace creche::pg {

struct Shared {
  History history;
  ResultForms forms;
  Catalogs catalogs;
  bool tells_backend = false;  // a server has answered a BackendQuestion
  Counters counters;
  ReceiveSpace space;
};

}  // namespace creche::pg
