// Pieces: text that is made piece by piece, and given away as it grows.
#pragma once
#include <cstddef>
#include <string>

namespace creche::pg {

class Pieces {
 public:
  // Takes a piece. False: it wants no more.
  using Write = bool (*)(void* user, const char* text, size_t size);
  Pieces(Write write, void* user) : write_(write), user_(user) {}

  // Where the text goes.
  std::string& text() noexcept { return text_; }
  // Between two values: gives away what there is, if it is enough. False: nobody wants more.
  bool Go() { return text_.size() < kEnough || Flush(); }
  bool Flush() {
    const bool wanted = text_.empty() || write_(user_, text_.data(), text_.size());
    text_.clear();
    return wanted;
  }

 private:
  static constexpr size_t kEnough = 64 * 1024;
  const Write write_;
  void* const user_;
  std::string text_;
};

}  // namespace creche::pg
