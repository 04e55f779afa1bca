// Opener: makes the connections of a pool. Loop's thread only.
#pragma once
#include <memory>

#include "core/error.h"
#include "http/connection.h"
#include "http/request.h"
#include "http/route.h"

namespace creche::http {

class Opener {
 public:
  class Listener {
   public:
    virtual void OnOpened(std::unique_ptr<Connection> connection) noexcept = 0;
    virtual void OnOpenFailed(ErrorRef error) noexcept = 0;

   protected:
    ~Listener() = default;
  };
  // A connection on its way. Destroying it gives up.
  class Opening {
   public:
    virtual ~Opening() = default;
    // The listener is told once; perhaps inside, and may destroy this.
    virtual void Start() noexcept = 0;
    // Where it is, or has failed.
    virtual Phase phase() const noexcept = 0;
  };

  // May throw bad_alloc. route: only until this returns.
  virtual std::unique_ptr<Opening> Open(const Route& route, const Timeouts& timeouts,
                                        Listener* listener) = 0;

 protected:
  ~Opener() = default;
};

}  // namespace creche::http
