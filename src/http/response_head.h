// ResponseHead: status and header fields of a response. The text of all fields is one block, names
// and values NUL-terminated, so that the C ABI can point into it; no allocation for each field.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/blocks.h"
#include "http/headers.h"

namespace creche::http {

class ResponseHead {
 public:
  struct Field {
    std::string_view name;  // NUL-terminated
    std::string_view value;
  };

  uint16_t status = 0;
  uint8_t minor = 0;   // of HTTP/1.x
  uint32_t bytes = 0;  // as received; of HTTP/2 before compression
  std::string reason;  // behind the status; of HTTP/2 none

  size_t size() const { return fields_.size(); }
  Field at(size_t index) const {
    const FieldSpan& p = fields_[index];
    return {{text_.data() + p.name, p.name_size}, {text_.data() + p.value, p.value_size}};
  }
  Known known(size_t index) const { return fields_[index].known; }
  bool Has(Known name) const { return (known_ & Bit(name)) != 0; }
  // More than one field of that name.
  bool Repeats(Known name) const { return (repeated_ & Bit(name)) != 0; }
  // The first value; "" if there is none.
  std::string_view Find(Known name) const;
  // Any case. The index of the first field of that name, or size().
  size_t IndexOf(std::string_view name) const;
  // True if `element` (lower case) is in the comma-separated lists of all fields of that name.
  bool ListHas(Known name, std::string_view element) const;

  // For the parser.
  void Clear();
  // A token, and a value without blanks around it.
  void Add(std::string_view name, std::string_view value);
  // The same for fields that lie together in one piece of memory, from `lines` on, each with a byte
  // behind its name and one behind its value that may become NUL. The text is taken over at the
  // end, by TakeLines; nothing but known() and Has may be asked before.
  void AddPlace(const char* lines, std::string_view name, std::string_view value);
  void TakeLines(std::string_view lines);

 private:
  struct FieldSpan {
    uint32_t name = 0;
    uint32_t name_size = 0;
    uint32_t value = 0;
    uint32_t value_size = 0;
    Known known = Known::kOther;
  };
  std::basic_string<char, std::char_traits<char>, BlockAllocator<char>> text_;
  std::vector<FieldSpan, BlockAllocator<FieldSpan>> fields_;
  void Note(Known name) noexcept;
  uint32_t known_ = 0;     // Bit(Known)s of what is there,
  uint32_t repeated_ = 0;  // and of what is there more than once
  // Where the first field of each known name is. Only for those in known_.
  std::array<uint32_t, kKnownNames> first_{};
};

}  // namespace creche::http
