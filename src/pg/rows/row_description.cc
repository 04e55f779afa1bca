#include "pg/rows/row_description.h"

#include <cstring>
#include <string>

#include "pg/protocol/bytes.h"
#include "pg/type/catalog.h"
#include "pg/type/type.h"

namespace creche::pg {

namespace {

// Behind the name of each column: oid of its table, its number there, oid of its type, size of the
// type, its modifier, the format.
constexpr size_t kFields = 4 + 2 + 4 + 2 + 4 + 2;

int32_t Signed16(const char* p) {
  return static_cast<int16_t>(Load16(p));
}

// Walks over the names: their bytes with their NULs; SIZE_MAX if the body is malformed.
size_t MeasureNames(const char* at, const char* end, size_t count) {
  size_t names = 0;
  for (; count > 0; count--) {
    const void* nul = std::memchr(at, '\0', static_cast<size_t>(end - at));
    if (!nul) return SIZE_MAX;
    const char* fields = static_cast<const char*>(nul) + 1;
    if (static_cast<size_t>(end - fields) < kFields || Load16(fields + kFields - 2) > 1)
      return SIZE_MAX;
    names += static_cast<size_t>(fields - at);
    at = fields + kFields;
  }
  return at == end ? names : SIZE_MAX;
}

// True if values of a type are asked for as text for a reason.
bool NeedsText(uint32_t oid) {
  const Type& type = TypeOf(oid);
  return type.oid == 0 || type.by_server || type.binary != Type::Binary::kYes;
}

}  // namespace

Ref<const RowDescription> RowDescription::None() {
  return Ref<const RowDescription>::Adopt(new RowDescription);
}

Ref<const RowDescription> RowDescription::Parse(const char* body, size_t size,
                                                const Catalog* catalog, bool executed) {
  if (size < 2) return nullptr;
  const size_t count = Load16(body);
  const char* at = body + 2;
  const size_t names = MeasureNames(at, body + size, count);
  if (names == SIZE_MAX) return nullptr;
  auto made = Ref<RowDescription>::Adopt(new RowDescription);
  made->count_ = count;
  made->head_size_ = count * sizeof(RowColumn) + names;
  made->columns_.reset(new Column[count]);
  made->body_size_ = size;
  made->head_.reset(new char[made->head_size_ + size]);
  std::memcpy(made->head_.get() + made->head_size_, body, size);
  char* name = made->head_.get() + count * sizeof(RowColumn);
  bool special = false;
  for (size_t c = 0; c < count; c++) {
    const size_t name_size = std::strlen(at) + 1;
    const char* fields = at + name_size;
    uint32_t type = Load32(fields + 6);
    // What came as text is stored as text. Before anything comes it is said of all.
    const bool text =
        executed ? Load16(fields + 16) == 0 : TypeOf(type).binary == Type::Binary::kNo;
    if (text && !NeedsText(type)) made->needless_text_ = true;
    if (text && TypeOf(type).size != 0) type = kText;
    if (text && made->forms_.empty()) made->forms_.assign(count, ColumnForm::kBinary);
    if (text) made->forms_[c] = ColumnForm::kText;
    const Type& known = TypeOf(type);
    if (!text && (known.by_server || known.binary == Type::Binary::kPerhaps)) special = true;
    made->columns_[c] = {&known, type, known.size};
    const RowColumn column{.name_offset = static_cast<uint32_t>(
                               sizeof(RowBlock) + static_cast<size_t>(name - made->head_.get())),
                           .type = type,
                           .type_modifier = static_cast<int32_t>(Load32(fields + 12)),
                           .table = Load32(fields),
                           .table_column = Signed16(fields + 4),
                           .text = text};
    std::memcpy(made->head_.get() + c * sizeof column, &column, sizeof column);
    std::memcpy(name, at, name_size);
    name += name_size;
    at = fields + kFields;
  }
  if (special && catalog) made->Judge(*catalog);
  return made;
}

bool RowDescription::IsOf(const Catalog* catalog) const noexcept {
  return edition_ == 0 || (catalog && edition_ == catalog->edition());
}

// Adds to the head what types there are that are not built in.
void RowDescription::Judge(const Catalog& catalog) {
  Catalog::Judged judged;
  for (size_t c = 0; c < count_; c++)
    if (forms_.empty() || forms_[c] == ColumnForm::kBinary) catalog.Judge(columns_[c].oid, &judged);
  types_offset_ = kTypesUnknown;
  edition_ = catalog.edition();
  if (!judged.settled()) return;
  std::string types(-head_size_ % alignof(RowType), '\0');
  const size_t offset = sizeof(RowBlock) + head_size_ + types.size();
  catalog.Describe(judged.types, offset, &types);
  std::unique_ptr<char[]> longer(new char[head_size_ + types.size() + body_size_]);
  std::memcpy(longer.get(), head_.get(), head_size_);
  std::memcpy(longer.get() + head_size_, types.data(), types.size());
  std::memcpy(longer.get() + head_size_ + types.size(), head_.get() + head_size_, body_size_);
  head_ = std::move(longer);
  head_size_ += types.size();
  types_offset_ = static_cast<uint32_t>(offset);
}

}  // namespace creche::pg
