// BodyProducer: makes the body of a request, piece by piece, and anew from its begin as often as it
// is sent. Loop's thread only, but for its begin and its end where it was never asked.
#pragma once
#include <memory>
#include <string>

#include "core/error.h"

namespace creche::http {

class BodyProducer {
 public:
  class Listener {
   public:
    // The next piece, and whether more will follow; or why there is none. The producer may be
    // destroyed inside.
    virtual void OnPiece(ErrorRef error, std::string piece, bool more) noexcept = 0;

   protected:
    ~Listener() = default;
  };

  // Nobody is told any more.
  virtual ~BodyProducer() = default;
  // Another one of the same body. May throw bad_alloc.
  virtual std::unique_ptr<BodyProducer> Clone() const = 0;
  // Begins anew; what is under way is forgotten.
  virtual void Rewind() noexcept = 0;
  // The next piece: OnPiece follows, never inside. False without memory.
  [[nodiscard]] virtual bool Produce(Listener* listener) noexcept = 0;
};

}  // namespace creche::http
