// Text search: documents (tsvector) and questions (tsquery).
#include <cstring>

#include "pg/protocol/bytes.h"
#include "pg/type/print.h"

namespace creche::pg {

namespace {

// What is left of a value; a read beyond its end fails, and so does all that follows.
class Rest {
 public:
  explicit Rest(const RowView::Cell& cell) : at_(cell.bytes), end_(cell.bytes + cell.size) {}
  bool failed() const { return failed_; }
  bool empty() const { return at_ == end_; }
  uint32_t Take(size_t bytes) {
    if (failed_ || static_cast<size_t>(end_ - at_) < bytes) return failed_ = true, 0;
    at_ += bytes;
    const char* p = at_ - bytes;
    return bytes == 1 ? static_cast<uint8_t>(*p) : bytes == 2 ? Load16(p) : Load32(p);
  }
  std::string_view TakeText() {
    const void* nul = failed_ ? nullptr : std::memchr(at_, 0, static_cast<size_t>(end_ - at_));
    if (!nul) return failed_ = true, std::string_view();
    const std::string_view text(at_, static_cast<size_t>(static_cast<const char*>(nul) - at_));
    at_ += text.size() + 1;
    return text;
  }

 private:
  const char* at_;
  const char* end_;
  bool failed_ = false;
};

void AppendQuoted(std::string* out, std::string_view text) {
  *out += '\'';
  for (const char c : text) {
    if (c == '\'' || c == '\\') *out += c;
    *out += c;
  }
  *out += '\'';
}

class QueryPrinter {
 public:
  QueryPrinter(const RowView::Cell& cell, uint32_t* items) : rest_(cell) { *items = rest_.Take(4); }
  bool whole() const { return !rest_.failed() && rest_.empty(); }
  // The next item with all that belongs to it: an operator, its right operand, its left one.
  // outer: how closely the operator around it binds.
  void Item(std::string* out, int outer, bool right_of_phrase, int depth) {
    constexpr uint32_t kValue = 1, kOperator = 2;
    constexpr int kDeepest = 2000;
    const uint32_t type = rest_.Take(1);
    if (type == kValue) return Value(out);
    if (type != kOperator || depth > kDeepest) return Fail();
    const uint32_t op = rest_.Take(1);
    if (op == kNot) return Not(out, outer, depth);
    if (op > kPhrase || op < kNot) return Fail();
    const uint32_t distance = op == kPhrase ? rest_.Take(2) : 0;
    const int binds = Binds(op);
    const bool parentheses = binds < outer || (op == kPhrase && right_of_phrase);
    if (parentheses) *out += "( ";
    std::string right;
    Item(&right, binds, op == kPhrase, depth + 1);
    if (rest_.failed()) return;
    Item(out, binds, false, depth + 1);
    if (op == kPhrase && distance != 1) {
      *out += " <";
      AppendInteger(out, distance);
      *out += "> ";
    } else {
      *out += op == kPhrase ? " <-> " : op == kAnd ? " & " : " | ";
    }
    *out += right;
    if (parentheses) *out += " )";
  }

 private:
  enum : uint32_t { kNot = 1, kAnd = 2, kOr = 3, kPhrase = 4 };
  static int Binds(uint32_t op) { return op == kNot ? 4 : op == kPhrase ? 3 : op == kAnd ? 2 : 1; }
  void Fail() {
    while (!rest_.failed()) rest_.Take(4);
  }
  void Value(std::string* out) {
    const uint32_t weight = rest_.Take(1);
    const uint32_t prefix = rest_.Take(1);
    AppendQuoted(out, rest_.TakeText());
    if (weight == 0 && prefix == 0) return;
    *out += ':';
    if (prefix != 0) *out += '*';
    for (int bit = 3; bit >= 0; bit--)
      if (weight >> bit & 1) *out += static_cast<char>('D' - bit);
  }
  void Not(std::string* out, int outer, int depth) {
    const int binds = Binds(kNot);
    if (binds < outer) *out += "( ";
    *out += '!';
    Item(out, binds, false, depth + 1);
    if (binds < outer) *out += " )";
  }
  Rest rest_;
};

}  // namespace

// How many words; each a text and its positions: 14 bits, and a weight.
bool PrintTsvector(std::string* out, const RowView::Cell& cell) {
  const size_t before = out->size();
  Rest rest(cell);
  const uint32_t words = rest.Take(4);
  for (uint32_t i = 0; i < words && !rest.failed(); i++) {
    if (i > 0) *out += ' ';
    AppendQuoted(out, rest.TakeText());
    const uint32_t positions = rest.Take(2);
    for (uint32_t p = 0; p < positions && !rest.failed(); p++) {
      const uint32_t position = rest.Take(2);
      *out += p == 0 ? ':' : ',';
      AppendInteger(out, position & 0x3fff);
      if (const uint32_t weight = position >> 14) *out += static_cast<char>('D' - weight);
    }
  }
  if (!rest.failed() && rest.empty()) return true;
  out->resize(before);
  return false;
}

bool PrintTsquery(std::string* out, const RowView::Cell& cell) {
  const size_t before = out->size();
  uint32_t items;
  QueryPrinter printer(cell, &items);
  if (items > 0) printer.Item(out, -1, false, 0);
  if (printer.whole()) return true;
  out->resize(before);
  return false;
}

}  // namespace creche::pg
