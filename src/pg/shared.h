// Shared: what the connections of a pool have in common. Loop's thread, but for the counters.
#pragma once
#include <cstdint>
#include <unordered_set>

#include "pg/catalogs.h"
#include "pg/counters.h"
#include "pg/protocol/server_fields.h"
#include "pg/rows/result_forms.h"
#include "pg/sql/history.h"
#include "pg/sql/text_names.h"
#include "pg/wire/inbox.h"

namespace creche::pg {

// Is told what servers say beside their answers.
class NoticeListener {
 public:
  virtual void OnNotice(const ServerFields& fields) noexcept = 0;

 protected:
  ~NoticeListener() = default;
};

struct Shared {
  History history;
  ResultForms forms;
  TextNames text_names;
  Catalogs catalogs;
  // What names stand for has changed for everybody; types may have been altered.
  void OnRenamed() noexcept {
    names++;
    OnAltered();
  }
  void OnAltered() noexcept {
    catalogs.Outdate();
    forms.ForgetDescribed();
    text_names.Forget();
  }
  uint64_t names = 0;          // how often names may have got another meaning for everybody
  bool tells_backend = false;  // a server has answered a BackendQuestion
  // Statements of resets that a server does not know, by their hashes.
  std::unordered_set<uint64_t> unknown_resets;
  Counters counters;
  NoticeListener* notices = nullptr;  // null: nobody
  ReceiveSpace space;
};

}  // namespace creche::pg
