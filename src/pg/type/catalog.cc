#include "pg/type/catalog.h"

#include <algorithm>
#include <atomic>

#include "pg/rows/row_layout.h"
#include "pg/type/type.h"

namespace creche::pg {

namespace {

// A database may have a type for each of very many tables.
constexpr size_t kMost = 8192;

bool Has(const std::vector<uint32_t>& oids, uint32_t oid) {
  return std::find(oids.begin(), oids.end(), oid) != oids.end();
}

}  // namespace

const CatalogType* Catalog::Find(uint32_t oid) const noexcept {
  const auto it = types_.find(oid);
  return it == types_.end() ? nullptr : &it->second;
}

void Catalog::Add(CatalogType&& type) {
  if (types_.size() >= kMost) types_.clear();
  const uint32_t oid = type.oid;
  const CatalogType* before = Find(oid);
  if (before && before->edition == edition_ && !before->Is(type)) Outdate();
  type.edition = edition_;
  types_.insert_or_assign(oid, std::move(type));
}

uint64_t Catalog::Next() noexcept {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void Catalog::Age(Nanos now, Nanos lifetime) noexcept {
  if (now < outdates_) return;
  if (outdates_ != 0) Outdate();
  outdates_ = After(now, lifetime);
}

void Catalog::Judge(uint32_t oid, Judged* judged) const {
  if (oid < kFirstUserType) {
    const Type& type = TypeOf(oid);
    if (type.by_server) judged->by_server = true;
    if (oid == kRecord || oid == kRecordArray) judged->open = true;
    return;
  }
  if (Has(judged->types, oid) || Has(judged->unknown, oid)) return;
  const CatalogType* type = Find(oid);
  if (!type || type->edition != edition_) return judged->unknown.push_back(oid);
  judged->types.push_back(oid);
  if (type->kind == UserKind::kOther) judged->by_server = true;
  if (type->of != 0) Judge(type->of, judged);
  for (const uint32_t field : type->fields) Judge(field, judged);
}

bool Catalog::IsByServer(uint32_t oid) const {
  for (int depth = 0; oid >= kFirstUserType && depth < 32; depth++) {
    const CatalogType* type = Find(oid);
    if (!type || type->kind == UserKind::kOther) return type != nullptr;
    if (type->kind != UserKind::kDomain && type->kind != UserKind::kArray) return false;
    oid = type->of;
  }
  return TypeOf(oid).by_server;
}

bool Catalog::HasNoBinary(uint32_t oid, int depth) const {
  constexpr int kDeepest = 32;
  if (oid < kFirstUserType) return TypeOf(oid).binary == Type::Binary::kNo;
  const CatalogType* type = Find(oid);
  if (!type || depth > kDeepest) return false;
  if (!type->sends || (type->of != 0 && HasNoBinary(type->of, depth + 1))) return true;
  return std::any_of(type->fields.begin(), type->fields.end(),
                     [&](uint32_t field) { return HasNoBinary(field, depth + 1); });
}

void Catalog::Describe(const std::vector<uint32_t>& types, size_t offset, std::string* out) const {
  std::string names;
  const size_t begin = offset + (types.size() + 1) * sizeof(RowType);
  const auto put = [out](const RowType& said) {
    out->append(reinterpret_cast<const char*>(&said), sizeof said);
  };
  for (const uint32_t oid : types) {
    const CatalogType* type = Find(oid);
    put({.oid = oid,
         .of = type ? type->of : 0,
         .kind = static_cast<uint8_t>(type ? type->kind : UserKind::kOther),
         .delimiter = type ? type->delimiter : ',',
         .reserved = 0,
         .name_offset = static_cast<uint32_t>(begin + names.size())});
    if (type) names += type->name;
    names += '\0';
  }
  put({});
  out->append(names);
}

}  // namespace creche::pg
