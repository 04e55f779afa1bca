// One statement with a whole result (creche_pool_query, creche_connection_query).
#pragma once
#include <memory>

#include "pg/command/preview.h"
#include "pg/command/query.h"
#include "pg/op/pg_operation.h"
#include "pg/op/text_names_question.h"

namespace creche::pg {

struct QueryOptions {
  bool prepare = true;
  bool alone = false;
  bool collect = false;  // execute_many: the rows that it returns are wanted
  uint64_t max_bytes = uint64_t{256} << 20;
  uint32_t block_rows = 4096;
  uint32_t block_bytes = 256 << 10;
  uint32_t blocks = 4;
  uint32_t max_rows = 0;               // 0: all
  const char* const* names = nullptr;  // of the parameters, for the time of the call
};

// Null if it can be run.
ErrorRef CheckStatement(const Statement& statement) noexcept;
// The same for what is all or nothing.
ErrorRef CheckAllOrNothing(const Statement& statement) noexcept;
ErrorRef CopyError() noexcept;
// Rows affected, for creche_completion.code.
uint32_t AffectedCode(int64_t affected) noexcept;

// If it may end a transaction, the lease's is the user's own from now on.
void NoteByHand(ConnectionLease* lease, const Statement& statement) noexcept;

class QueryOperation final : public PgOperation, private TextNamesQuestion::Owner {
 public:
  QueryOperation(Connectable on, Statement&& statement, const QueryOptions& options)
      : PgOperation(std::move(on)), statement_(std::move(statement)), options_(options) {}

 private:
  Command& command() noexcept override {
    if (ahead_ && ahead_->question) return *ahead_->question;
    if (ahead_ && ahead_->preview) return *ahead_->preview;
    return query_;
  }
  void OnTextNames(Ending ending) noexcept override;
  // May throw bad_alloc.
  void BeginPreview();
  void OnPreview(Ending ending) noexcept;
  void Understood(Ending ending) noexcept override;
  // What its columns are is known.
  void AfterPreview() noexcept;
  ErrorRef Prepare() noexcept override;
  void Finish(Ending ending) noexcept override;
  bool Shareable(uint64_t* hash) const noexcept override {
    *hash = statement_.hash();
    const Verb verb = statement_.verb();
    return !options_.alone && (verb == Verb::kQuery || verb == Verb::kOther);
  }

  const Statement statement_;
  const QueryOptions options_;
  RunOf<Query, &PgOperation::OnEnd> query_{this};
  // What is seen to before it, where it cannot be run again if it fails for its columns' forms.
  struct Ahead {
    std::unique_ptr<TextNamesQuestion> question;
    std::unique_ptr<Preview> preview;
    // Those that were: they may still be about to tell.
    std::unique_ptr<TextNamesQuestion> asked;
    std::unique_ptr<Preview> seen;
    Connection* on = nullptr;  // while what was seen is being understood
  };
  std::unique_ptr<Ahead> ahead_;  // null for nearly all
};

}  // namespace creche::pg
