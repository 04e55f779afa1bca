// creche_pool_copy_rows, creche_connection_copy_rows: COPY ... FROM STDIN of rows that the user is
// asked for. What columns there are is asked first; if all have a binary form that values can be
// brought into, it is binary.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pg/command/copy_rows.h"
#include "pg/command/describe.h"
#include "pg/op/copy_operation.h"
#include "pg/sql/copy_statement.h"
#include "pg/type/fit.h"

namespace creche::pg {

class CopyRowsOperation final : public CopyOperation {
 public:
  // unfit: why it cannot be run; null: it can.
  CopyRowsOperation(Connectable on, const CopyStatement& copy, ErrorRef unfit);
  void Answer(Status status, std::string bytes, bool more, ErrorRef error) noexcept override;

 private:
  class Asking final : public Describe {
   public:
    explicit Asking(CopyRowsOperation* operation) : operation_(*operation) {}
    // Nothing comes between it and the COPY.
    bool alone() const noexcept override { return true; }

   private:
    void OnEnd(Ending ending) noexcept override { operation_.OnDescribed(std::move(ending)); }
    CopyRowsOperation& operation_;
  };
  class Copying final : public CopyRows {
   public:
    explicit Copying(CopyRowsOperation* operation) : operation_(*operation) {}

   private:
    void OnWanted() noexcept override { operation_.OnWanted(); }
    void OnEnd(Ending ending) noexcept override { operation_.OnCopied(std::move(ending)); }
    CopyRowsOperation& operation_;
  };
  Command& command() noexcept override {
    if (described_) return copying_;
    return asking_;
  }
  ErrorRef Prepare() noexcept override;
  void OnDescribed(Ending ending) noexcept;
  void Understood(Ending ending) noexcept override;
  // The COPY itself.
  void Begin(Connection* connection) noexcept;
  void OnWanted() noexcept;
  void OnCopied(Ending ending) noexcept;
  // Why its columns are not those that were asked for; null: they are.
  const char* Altered() noexcept;
  // May throw bad_alloc.
  ErrorRef TakeRows(std::string_view bytes, bool more, std::string* out);
  ErrorRef AppendRow(const std::vector<Value>& values, std::string* out) const;
  std::string Place(size_t column) const;
  void GiveUp(ErrorRef why) noexcept;
  void Finish(Ending ending) noexcept override;
  void FinishCancelled(Phase phase, const Ending& ending) noexcept override;
  void BeginAgain() noexcept override;
  // What was pulled is gone.
  bool Repeatable(const Ending&) const noexcept override { return !pulled_; }

  const Statement describe_, binary_, text_;
  const ErrorRef unfit_;
  Asking asking_{this};
  Copying copying_{this};
  const Statement* copies_[2] = {&describe_, &text_};
  Connection* on_connection_ = nullptr;
  std::vector<Fit> fits_;  // one for each column; none: it is text
  std::string part_;       // of a row that has not come to its end
  uint64_t rows_ = 0;      // that have come
  int rounds_ = 0;
  bool described_ = false;
  bool altered_ = false;
  bool headed_ = false;  // what stands in front of all rows was sent
  bool pulled_ = false;
};

}  // namespace creche::pg
