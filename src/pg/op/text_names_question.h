// TextNamesQuestion: asks the server for TextNames, on a connection on which a transaction may be
// open: once for a pool, and again when that is old or something was created. Loop's thread.
#pragma once
#include "pg/command/query.h"
#include "pg/connection.h"

namespace creche::pg {

class TextNamesQuestion final : public Query {
 public:
  class Owner {
   public:
    // Well if there is no error. Do not destroy it inside.
    virtual void OnTextNames(Ending ending) noexcept = 0;

   protected:
    ~Owner() = default;
  };
  // True if it is worth a question in front of this statement, which is to run there and cannot be
  // run again if it fails (one in a transaction of its own can).
  static bool Wanted(const Statement& statement, Connection& connection, Nanos now) noexcept;
  // True if this statement is to be described before it runs there. The answer no is kept.
  static bool Suspects(const Statement& statement, Connection& connection) noexcept;

  // May throw bad_alloc.
  TextNamesQuestion(Owner& owner, Connection& connection, Loop& loop);
  // What is to follow it is not overtaken.
  bool alone() const noexcept override { return true; }

 private:
  void OnEnd(Ending ending) noexcept override;
  Owner& owner_;
  Connection& connection_;
  Loop& loop_;
  const Statement statement_;
};

}  // namespace creche::pg
