// Pulls: what a user was asked of a body that is pulled. If the request begins anew while a piece
// is on its way, that piece is for nobody, and the next question waits for it. Loop's thread only.
#pragma once
#include <cstdint>
#include <optional>
#include <utility>

#include "http/body/source.h"

namespace creche::http {

class Pulls {
 public:
  // CRECHE_PULL's code: the body is asked for from its begin again.
  static constexpr uint32_t kAnew = 1;
  struct Question {
    uint64_t hint = 0;
    uint32_t code = 0;
  };

  // What is to be asked now, if anything is. body: null, if it is known that nothing begins anew.
  std::optional<Question> Wanted(uint64_t hint, const BodySource* body) noexcept {
    const uint32_t rewinds = body ? body->rewinds() : rewinds_;
    const bool anew = std::exchange(ever_, true) && rewinds != rewinds_;
    rewinds_ = rewinds;
    const Question question{hint, anew ? kAnew : 0};
    if (open_) {
      next_ = question;
      return std::nullopt;
    }
    open_ = true;
    return question;
  }
  // An answer has come. What is to be asked in place of it; nothing: it is for who waits.
  std::optional<Question> Answered() noexcept {
    open_ = next_.has_value();
    return std::exchange(next_, std::nullopt);
  }

 private:
  uint32_t rewinds_ = 0;  // of the body, when it was last asked for
  bool ever_ = false;
  bool open_ = false;
  std::optional<Question> next_;
};

}  // namespace creche::http
