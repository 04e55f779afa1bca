// ArrayForm: the binary form of an array.
#pragma once
#include <cstdint>
#include <string_view>

#include "pg/protocol/bytes.h"

namespace creche::pg {

// Dimensions, whether it has NULLs, the type of its elements; for each dimension its length and
// where it begins; the elements.
struct ArrayForm {
  static constexpr uint32_t kMostDimensions = 6;
  uint32_t dimensions = 0, element = 0;
  uint64_t count = 0;
  uint32_t length[kMostDimensions] = {};
  int32_t first[kMostDimensions] = {};
  std::string_view elements;

  // False if it is none.
  bool Read(std::string_view bytes) {
    constexpr size_t kHead = 12;
    if (bytes.size() < kHead) return false;
    dimensions = Load32(bytes.data());
    element = Load32(bytes.data() + 8);
    if (dimensions > kMostDimensions || Load32(bytes.data() + 4) > 1 || element == 0) return false;
    bytes.remove_prefix(kHead);
    if (bytes.size() < 8 * dimensions) return false;
    count = dimensions > 0;
    for (uint32_t d = 0; d < dimensions; d++) {
      length[d] = Load32(bytes.data());
      first[d] = static_cast<int32_t>(Load32(bytes.data() + 4));
      bytes.remove_prefix(8);
      // Each takes four bytes at least.
      if (length[d] > bytes.size() || count > bytes.size() + 1) return false;
      count *= length[d];
    }
    elements = bytes;
    return count <= bytes.size() / 4;
  }
};

}  // namespace creche::pg
