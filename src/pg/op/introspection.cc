#include "pg/op/introspection.h"

#include <algorithm>
#include <new>
#include <utility>

#include "pg/protocol/bytes.h"
#include "pg/rows/row_rewrite.h"
#include "pg/rows/row_shapes.h"
#include "pg/type/print.h"
#include "pg/type/type.h"

namespace creche::pg {

namespace {

// One row of the catalog for each, by its key. No column that older servers lack is named, and no
// operator that somebody could have put into the search path.
#define EQ "OPERATOR(pg_catalog.=)"
#define NE "OPERATOR(pg_catalog.<>)"
constexpr std::string_view kTypesSql =
    "SELECT t.oid, t.typname, t.typtype, t.typdelim,"
    " CASE WHEN t.typreceive::pg_catalog.oid " NE
    " 0 THEN t.typarray ELSE 0 END,"
    " CASE WHEN t.typtype " EQ " 'd' THEN t.typbasetype WHEN t.typtype " EQ
    " 'r' THEN (SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid " EQ
    " t.oid) WHEN t.typtype " EQ
    " 'm' THEN (SELECT r.rngtypid FROM pg_catalog.pg_range r"
    " WHERE (pg_catalog.to_jsonb(r) OPERATOR(pg_catalog.->>) 'rngmultitypid') " EQ
    " t.oid::pg_catalog.text)"
    " ELSE t.typelem END,"
    " (SELECT p.prosrc FROM pg_catalog.pg_proc p WHERE p.oid " EQ
    " t.typsend::pg_catalog.oid),"
    " ARRAY(SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE t.typrelid " NE
    " 0 AND a.attrelid " EQ
    " t.typrelid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped ORDER BY a.attnum),"
    " pg_catalog.pg_postmaster_start_time(), (SELECT d.oid FROM pg_catalog.pg_database d WHERE"
    " d.datname " EQ
    " pg_catalog.current_database())"
    " FROM pg_catalog.pg_type t WHERE t.oid " EQ " ANY ($1)";
#undef EQ
#undef NE
constexpr std::string_view kTextsSql = "SELECT $1::pg_catalog.text[]";
constexpr uint32_t kOidArray = 1028;
constexpr int kMostRounds = 32;              // types may hold others, but not without end
constexpr uint64_t kMostSaid = 64ull << 20;  // of one answer

UserKind KindOf(char type, std::string_view name, std::string_view send) {
  constexpr std::string_view kSendText[] = {"textsend",  "varcharsend", "bpcharsend",
                                            "namesend",  "unknownsend", "xml_send",
                                            "json_send", "cstring_send"};
  switch (type) {
    case 'e':
      return UserKind::kEnum;
    case 'd':
      return UserKind::kDomain;
    case 'c':
      return UserKind::kComposite;
    case 'r':
      return UserKind::kRange;
    case 'm':
      return UserKind::kMultirange;
    default:
      break;
  }
  if (send == "array_send") return UserKind::kArray;
  if (std::find(std::begin(kSendText), std::end(kSendText), send) != std::end(kSendText))
    return UserKind::kText;
  if (send == "ltree_send" || send == "lquery_send" || send == "ltxtq_send")
    return UserKind::kVersionedText;
  if (send == "hstore_send") return UserKind::kHstore;
  if (name == "vector" && !send.empty()) return UserKind::kVector;
  return UserKind::kOther;
}

std::string_view TextOf(const RowView& rows, uint64_t row, uint32_t column) {
  size_t size;
  const char* text = rows.Text(row, column, &size);
  return text ? std::string_view(text, size) : std::string_view();
}

// Calls take(value) for each element of an array without NULLs, in the order in which they stand.
template <class Take>
void EachElement(const RowView& rows, uint64_t row, uint32_t column, Take take) {
  size_t size;
  const void* bytes = rows.Bytes(row, column, &size);
  if (!bytes || size < 20) return;
  std::string_view rest(static_cast<const char*>(bytes), size), value;
  if (Load32(rest.data()) != 1) return;
  rest.remove_prefix(20);
  for (bool null; TakeValue(&rest, &value, &null) && !null;) take(value);
}

// The binary form of an array.
void AppendBig(std::string* out, size_t number) {
  char bytes[4];
  Store32(bytes, static_cast<uint32_t>(number));
  out->append(bytes, sizeof bytes);
}

bool Has(const std::vector<uint32_t>& oids, uint32_t oid) {
  return std::find(oids.begin(), oids.end(), oid) != oids.end();
}

void AddTo(std::vector<uint32_t>* oids, uint32_t oid) {
  if (!Has(*oids, oid)) oids->push_back(oid);
}

}  // namespace

// Prints a value: notes on the way which types it has, and which texts are missing.
class Introspection::Visitor final : public UserTypes {
 public:
  // rebuilds: all is known by now that ever will be.
  Visitor(Introspection* of, bool rebuilds) : of_(*of), rebuilds_(rebuilds) {}
  bool Find(uint32_t oid, UserType* type) const override {
    const CatalogType* known = of_.connection_.session().catalog->Find(oid);
    if (known) {
      AddTo(&of_.types_, oid);
      *type = *known;
      return true;
    }
    if (of_.known_absent(oid)) return false;
    AddTo(&of_.unknown_, oid);
    *type = {.oid = oid};
    return true;
  }
  bool Spell(uint32_t oid, std::string_view bytes, std::string* out) const override {
    if (Has(of_.unknown_, oid)) return true;
    spelled = true;
    const auto [it, added] = of_.texts_[oid].try_emplace(std::string(bytes));
    if (!added) out->append(it->second.text);
    return !rebuilds_ || it->second.known;
  }
  mutable bool spelled = false;

 private:
  Introspection& of_;
  const bool rebuilds_;
};

bool Introspection::WantsTypes(const Ending& ending, Connection* connection) noexcept {
  if (ending.rows->block()->types_offset == kTypesUnknown) return true;
  if (!connection) return false;
  try {
    Catalog& catalog = *connection->session().catalog;
    if (!HasOtherShapes(*ending.rows->block(), catalog)) return false;
    catalog.Outdate();
    connection->shared().OnAltered();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

Introspection::Introspection(Owner& owner, Connection& connection, const Statement& statement,
                             Ending ending)
    : owner_(owner), connection_(connection), statement_(statement), ending_(std::move(ending)) {
  run_.set_prepare(false);
  run_.set_max_bytes(kMostSaid);
}

Ending Introspection::Take() noexcept {
  if (!ending_.rows) return std::move(ending_);
  SettleTypes(ending_.rows->block());
  return std::move(ending_);
}

bool Introspection::known_absent(uint32_t oid) const noexcept {
  return Has(absent_, oid);
}

void Introspection::Next() noexcept {
  try {
    if (!failed_ && AskNext()) return;
    if (!failed_) Rebuild();
  } catch (const std::bad_alloc&) {
    // It stays as it is.
  }
  owner_.OnIntrospected();
}

bool Introspection::AskNext() {
  Look();
  return AskTypes() || AskTexts();
}

// Notes what there is, and what is missing.
void Introspection::Look() {
  const RowView rows(ending_.rows->block());
  const auto* described = reinterpret_cast<const RowColumn*>(ending_.rows->memory() +
                                                             ending_.rows->block()->columns_offset);
  const Catalog& catalog = *connection_.session().catalog;
  unknown_.clear();
  columns_.resize(rows.columns());
  for (uint32_t c = 0; c < rows.columns(); c++) {
    if (described[c].text == 1) continue;
    Catalog::Judged judged;
    catalog.Judge(described[c].type, &judged);
    for (const uint32_t oid : judged.types) AddTo(&types_, oid);
    for (const uint32_t oid : judged.unknown)
      if (!known_absent(oid)) AddTo(&unknown_, oid);
    columns_[c].spelled = judged.by_server;
    columns_[c].visited = judged.by_server || judged.open;
  }
  if (!unknown_.empty()) return;
  for (uint32_t c = 0; c < rows.columns(); c++) {
    if (!columns_[c].visited) continue;
    const Visitor visitor(this, false);
    std::string ignored;
    for (uint64_t row = 0; row < rows.rows(); row++) {
      const RowView::Cell cell = rows.At(row, c);
      ignored.clear();
      if (!cell.null && cell.bytes)
        (void)PrintValue(&ignored, cell.type, {cell.bytes, cell.size}, 0, &visitor);
    }
    columns_[c].spelled = columns_[c].spelled || visitor.spelled;
  }
}

bool Introspection::AskTypes() {
  if (unknown_.empty() || rounds_++ == kMostRounds) return false;
  std::string oids = "{";
  for (const uint32_t oid : unknown_) oids += (oids.size() > 1 ? "," : "") + std::to_string(oid);
  asked_type_ = 0;
  Run(kTypesSql, kOidArray, true, oids + "}");
  return true;
}

bool Introspection::AskTexts() {
  constexpr size_t kMostBytes = 4 << 20;
  for (auto& [oid, texts] : texts_) {
    const CatalogType* known = connection_.session().catalog->Find(oid);
    const uint32_t array = known ? known->array : TypeOf(oid).array;
    asked_.clear();
    std::string elements;
    for (const auto& [bytes, said] : texts) {
      if (said.known || array == 0 || elements.size() > kMostBytes) continue;
      asked_.push_back(&bytes);
      AppendBig(&elements, bytes.size());
      elements += bytes;
    }
    if (asked_.empty()) continue;
    std::string value;
    for (const size_t word : {size_t{1}, size_t{0}, size_t{oid}, asked_.size(), size_t{1}})
      AppendBig(&value, word);
    asked_type_ = oid;
    Run(kTextsSql, array, false, value + elements);
    return true;
  }
  return false;
}

void Introspection::Run(std::string_view sql, uint32_t type, bool text, const std::string& value) {
  const Value parameter{.type = type,
                        .form = text ? Value::kText : Value::kBinary,
                        .integer = 0,
                        .real = 0,
                        .data = value.data(),
                        .size = value.size()};
  asks_ = std::make_unique<Statement>(sql, &parameter, 1);
  run_.Run(asks_.get());
  connection_.Resubmit(&run_);  // may have ended all of this
}

void Introspection::OnEnd(Ending ending) noexcept {
  if (ending.error || !ending.rows) failed_ = true;
  // What the server has refused has failed in the user's transaction: nobody shall take that for
  // done.
  if (ending.error && ending.answered && ending_.inside)
    ending_ = {.error = std::move(ending.error), .answered = true, .inside = true};
  try {
    if (!failed_) {
      const RowView rows(ending.rows->block());
      if (asked_type_ == 0)
        TakeTypes(rows);
      else
        TakeTexts(rows);
    }
  } catch (const std::bad_alloc&) {
    failed_ = true;
  }
  Next();
}

void Introspection::TakeTypes(const RowView& rows) {
  // It may be a pooler that has changed servers.
  if (rows.rows() > 0)
    connection_.MeetServer(rows.Int8(0, 8), static_cast<uint32_t>(rows.Int8(0, 9)));
  Catalog& catalog = *connection_.session().catalog;
  std::vector<uint32_t> said;
  const auto oid_at = [&](uint64_t row, uint32_t column) {
    return static_cast<uint32_t>(rows.Int8(row, column));
  };
  for (uint64_t row = 0; row < rows.rows(); row++) {
    CatalogType type;
    type.oid = oid_at(row, 0);
    type.name = TextOf(rows, row, 1);
    const std::string_view kind = TextOf(rows, row, 2), delimiter = TextOf(rows, row, 3);
    type.kind = KindOf(kind.empty() ? '\0' : kind[0], type.name, TextOf(rows, row, 6));
    type.sends = !rows.IsNull(row, 6);
    if (!delimiter.empty()) type.delimiter = delimiter[0];
    type.array = oid_at(row, 4);
    if (type.kind != UserKind::kOther) type.of = oid_at(row, 5);
    EachElement(rows, row, 7, [&](std::string_view field) {
      if (field.size() == 4) type.fields.push_back(Load32(field.data()));
    });
    said.push_back(type.oid);
    catalog.Add(std::move(type));
  }
  for (const uint32_t oid : unknown_) {
    if (Has(said, oid)) continue;
    catalog.Remove(oid);
    AddTo(&absent_, oid);
  }
}

void Introspection::TakeTexts(const RowView& rows) {
  size_t taken = 0;
  Texts& texts = texts_[asked_type_];
  EachElement(rows, 0, 0, [&](std::string_view text) {
    if (taken < asked_.size()) texts[*asked_[taken++]] = {std::string(text), true};
  });
  if (taken != asked_.size()) failed_ = true;
}

void Introspection::Rebuild() {
  const RowView rows(ending_.rows->block());
  const bool spelled =
      std::any_of(columns_.begin(), columns_.end(), [](const Column& c) { return c.spelled; });
  if (!spelled && types_.empty()) return;
  std::vector<std::vector<std::string>> texts(columns_.size());
  for (uint32_t c = 0; c < columns_.size(); c++) {
    if (!columns_[c].spelled) continue;
    const Visitor visitor(this, true);
    texts[c].resize(std::max<uint64_t>(rows.rows(), 1));
    for (uint64_t row = 0; row < rows.rows(); row++) {
      const RowView::Cell cell = rows.At(row, c);
      if (cell.null || !cell.bytes) continue;
      std::string* text = &texts[c][row];
      if (PrintValue(text, cell.type, {cell.bytes, cell.size}, 0, &visitor)) continue;
      *text = "\\x";
      AppendHex(text, cell.bytes, cell.size);
    }
  }
  auto* described =
      reinterpret_cast<RowColumn*>(ending_.rows->memory() + ending_.rows->block()->columns_offset);
  // What holds others is asked about each time: the server would print all of it, by its settings.
  ColumnForms forms(columns_.size(), ColumnForm::kBinary);
  bool simple = spelled;
  for (uint32_t c = 0; c < columns_.size(); c++) {
    if (columns_[c].spelled || described[c].text == 1) forms[c] = ColumnForm::kText;
    if (columns_[c].spelled && !connection_.session().catalog->IsByServer(described[c].type))
      simple = false;
  }
  ending_.rows = Rewrite(*ending_.rows->block(), texts, *connection_.session().catalog, types_);
  described =
      reinterpret_cast<RowColumn*>(ending_.rows->memory() + ending_.rows->block()->columns_offset);
  for (uint32_t c = 0; c < columns_.size(); c++)
    if (columns_[c].spelled) described[c].text = 1;
  if (!simple) return;
  connection_.shared().forms.Ask(statement_.hash(), forms);
  connection_.session().cache.Forget(statement_);
}

}  // namespace creche::pg
