// SessionState: what is known of the session at the other end of a connection: what is prepared
// there, whether a transaction is open, what somebody may have left behind, whether it is still of
// the role that it was chosen for. Loop's thread.
#pragma once
#include <cstddef>
#include <memory>
#include <string_view>

#include "core/status.h"
#include "pg/connect/role.h"
#include "pg/sql/statement_cache.h"
#include "pg/sql/verb.h"
#include "pg/type/catalog.h"
#include "pg/wire/endpoint.h"

namespace creche::pg {

class SessionState {
 public:
  struct Settings {
    bool prepare = true;
    size_t statement_cache = 256;
    Nanos statement_lifetime = kNever;
    Role role = Role::kAny;  // that the server was chosen for
  };
  // Who is at the other end, the server or a pooler.
  enum class Peer : uint8_t { kUnknown, kAsked, kServer, kPooler };

  // May throw bad_alloc.
  SessionState(const Endpoint& endpoint, const Settings& settings);

  bool prepares() const noexcept { return prepares_; }
  // A ParameterStatus.
  void OnParameter(std::string_view name, std::string_view value) noexcept;
  // A statement has ended well, with this tag, that leaves something.
  void OnTrace(std::string_view tag) noexcept;
  // A statement has ended well that may have changed what names stand for; kNothing: another one.
  // True if it is so for all sessions.
  bool OnRenamed(Renames renames, std::string_view tag) noexcept;
  // No transaction is open: what renamed did so for good, or has been taken back.
  void OnTransactionOver() noexcept { renamed_ = Renames::kNothing; }
  // True if the server is not, or not any more, of the role that it was chosen for. Settings of the
  // user may make it look so for a while: to be asked when the session has been reset.
  bool unwanted() const noexcept { return role_ != Role::kAny && !HasRole(); }
  // True on a server in recovery (hot standby).
  bool standby() const noexcept { return standby_; }
  // A statement has failed because nothing can be written.
  // implicit: in no transaction of the user's, who may have asked for one that only reads.
  void OnWriteRefused(bool implicit) noexcept {
    if (implicit || !tells_role_) refused_write_ = true;
  }

  StatementCache cache;
  // What is known of types that are not built in. Its own, until it is known who the server is.
  std::shared_ptr<Catalog> catalog;
  const Nanos statement_lifetime;
  Peer peer = Peer::kUnknown;
  size_t widest_forms = 0;            // columns of the widest result that has text forms
  bool maybe_in_transaction = false;  // false: certainly not, behind all that was sent
  uint64_t names = 0;  // how often names may have got another meaning here, beside Shared::names
  bool dirty = false;  // a statement may have left something
  bool foreign_statements = false;  // the user has prepared statements of his own (PREPARE)

 private:
  bool HasRole() const noexcept;
  const Role role_;
  const bool prepares_;
  bool standby_ = false;
  bool reads_only_ = false;  // default_transaction_read_only
  bool refused_write_ = false;
  Renames renamed_ = Renames::kNothing;  // since a transaction has ended
  const bool tells_role_;                // of its own accord (PostgreSQL 14): see OnParameter
};

}  // namespace creche::pg
