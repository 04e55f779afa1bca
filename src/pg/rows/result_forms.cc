#include "pg/rows/result_forms.h"

#include <algorithm>
#include <new>

#include "pg/type/catalog.h"
#include "pg/type/type.h"

namespace creche::pg {

bool ResultForms::Says(std::string_view state, std::string_view routine) noexcept {
  // "no binary output function available for type x", in whatever language; of the type itself, of
  // what an array, a row or a range holds.
  return state == "42883" && (routine == "getTypeBinaryOutputInfo" || routine.ends_with("_send") ||
                              routine.ends_with("_io_data"));
}

const ResultForms::Entry* ResultForms::Look(uint64_t hash) const noexcept {
  const auto it = std::find_if(entries_.begin(), entries_.end(),
                               [hash](const Entry& e) { return e.hash == hash; });
  return it == entries_.end() ? nullptr : &*it;
}

bool ResultForms::Learn(uint64_t hash, const RowDescription& columns) noexcept {
  const Entry* before = Look(hash);
  if (before && before->all) return false;
  try {
    Entry learned{hash, before && before->needed, true, ColumnForms(columns.count())};
    bool any = false;
    for (int round = 0; round < 2 && !any; round++) {
      if (round == 1) learned.all = true;
      for (size_t c = 0; c < columns.count(); c++) {
        const Type::Binary binary = TypeOf(columns.oid(c)).binary;
        const bool asked =
            before && c < before->forms.size() && before->forms[c] == ColumnForm::kText;
        const bool text =
            binary == Type::Binary::kNo || (learned.all && binary == Type::Binary::kPerhaps);
        learned.forms[c] = asked || text ? ColumnForm::kText : ColumnForm::kBinary;
        any = any || (text && !asked);
      }
    }
    if (!any) return false;
    Put(before, std::move(learned));
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void ResultForms::Foresee(uint64_t hash, const RowDescription& columns,
                          const Catalog& catalog) noexcept {
  try {
    const Entry* before = Look(hash);
    Entry seen{hash, before && before->all, true, ColumnForms(columns.count())};
    bool any = false;
    for (size_t c = 0; c < columns.count(); c++) {
      const bool no = catalog.HasNoBinary(columns.oid(c));
      const bool asked =
          before && c < before->forms.size() && before->forms[c] == ColumnForm::kText;
      seen.forms[c] = no || asked ? ColumnForm::kText : ColumnForm::kBinary;
      any = any || no;
    }
    if (any) Put(before, std::move(seen));
  } catch (const std::bad_alloc&) {
    // The server says so.
  }
}

void ResultForms::Ask(uint64_t hash, const ColumnForms& forms) noexcept {
  try {
    const Entry* before = Look(hash);
    Entry asked{hash, before && before->all, before && before->needed, forms};
    for (size_t c = 0; before && c < forms.size() && c < before->forms.size(); c++)
      if (before->forms[c] == ColumnForm::kText) asked.forms[c] = ColumnForm::kText;
    Put(before, std::move(asked));
  } catch (const std::bad_alloc&) {
    // It is asked about once more the next time.
  }
}

void ResultForms::SetDescribed(uint64_t hash) noexcept {
  constexpr size_t kMost = 1024;
  try {
    if (described_.size() >= kMost) described_.clear();
    described_.insert(hash);
  } catch (const std::bad_alloc&) {
    // It is described once more.
  }
}

void ResultForms::Put(const Entry* before, Entry&& entry) {
  widest_ = std::max(widest_, entry.forms.size());
  if (before) {
    entries_[static_cast<size_t>(before - entries_.data())] = std::move(entry);
  } else if (entries_.size() < kEntries) {
    entries_.push_back(std::move(entry));
  } else {
    Entry& replaced = entries_[next_++ % kEntries];
    described_.erase(replaced.hash);
    replaced = std::move(entry);
  }
}

bool ResultForms::Forget(uint64_t hash) noexcept {
  described_.erase(hash);
  return std::erase_if(entries_, [hash](const Entry& e) { return e.hash == hash; }) > 0;
}

}  // namespace creche::pg
