// Guest: what lives on a session beside its calls, and must end when the session is closed.
#pragma once
#include "core/error.h"
#include "core/list.h"

namespace creche::http {

class Guest : public ListNode<Guest> {
 public:
  // The session is closed, its calls have ended: end. It is no guest any more. Loop's thread.
  virtual void OnSessionClosed(const ErrorRef& error) noexcept = 0;

 protected:
  ~Guest() = default;
};

}  // namespace creche::http
