// Introspection: what a result has that its reader could not understand is asked of the server
// before the result is given to anybody: what types there are that are not built in (once for each
// type, on each server), and the text of what only the server can print (names of its catalog,
// money, types of extensions that nothing is known of). What can be known of a statement's columns
// is remembered, so that the next time they come as they should. What the server does not say stays
// bytes; but if asking has failed in a transaction of the user's, that has failed, and so does the
// result. Loop's thread.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pg/command/query.h"
#include "pg/command/run_of.h"
#include "pg/connection.h"
#include "pg/rows/row_view.h"

namespace creche::pg {

class Introspection {
 public:
  class Owner {
   public:
    // All is understood, as far as it can be: Take. Do not destroy it inside.
    virtual void OnIntrospected() noexcept = 0;

   protected:
    ~Owner() = default;
  };
  // True if this result needs it: it has types that nobody knows yet, or rows of other fields than
  // their types had when that was asked. connection: that it came by; null: nobody could be asked.
  static bool Wanted(const Ending& ending, Connection* connection) noexcept {
    return ending.rows && ending.rows->block()->types_offset != 0 && WantsTypes(ending, connection);
  }

  // statement: whose result it is; outlives this.
  Introspection(Owner& owner, Connection& connection, const Statement& statement, Ending ending);
  // May call back at once. alone: nothing is sent behind what it runs.
  void Begin(bool alone) noexcept {
    run_.alone_ = alone;
    Next();
  }
  // What it runs on the connection.
  Command& command() noexcept { return run_; }
  // Nothing more is asked.
  void GiveUp() noexcept { failed_ = true; }
  // The result's statement has left a transaction open.
  bool inside() const noexcept { return ending_.inside; }
  // The result, as it is now; or what has failed in its transaction since.
  Ending Take() noexcept;

 private:
  struct Said {
    std::string text;
    bool known = false;  // and else to be asked for
  };
  using Texts = std::unordered_map<std::string, Said>;  // by binary form
  class Visitor;
  struct Column {
    bool visited = false;  // its values are looked at
    bool spelled = false;  // and shown as the server says
  };
  static bool WantsTypes(const Ending& ending, Connection* connection) noexcept;
  void Next() noexcept;
  // False: nothing is left to be asked.
  bool AskNext();
  void Look();
  bool AskTypes();
  bool AskTexts();
  void Run(std::string_view sql, uint32_t type, bool text, const std::string& value);
  void OnEnd(Ending ending) noexcept;
  void TakeTypes(const RowView& rows);
  void TakeTexts(const RowView& rows);
  void Rebuild();
  bool known_absent(uint32_t oid) const noexcept;

  Owner& owner_;
  Connection& connection_;
  const Statement& statement_;
  Ending ending_;
  class Asking final : public RunOf<Query, &Introspection::OnEnd> {
   public:
    explicit Asking(Introspection* owner) : RunOf(owner) {}
    bool alone() const noexcept override { return alone_; }
    bool alone_ = false;
  } run_{this};
  std::unique_ptr<Statement> asks_;
  std::vector<Column> columns_;
  std::vector<uint32_t> types_;    // that the result has
  std::vector<uint32_t> unknown_;  // to be asked about
  std::vector<uint32_t> absent_;   // nobody knows them
  std::unordered_map<uint32_t, Texts> texts_;
  std::vector<const std::string*> asked_;  // whose texts were asked for
  uint32_t asked_type_ = 0;                // 0: it was types
  int rounds_ = 0;                         // of questions for types
  bool failed_ = false;
};

}  // namespace creche::pg
