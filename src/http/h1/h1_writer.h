// The head of a request, written into one buffer.
#pragma once
#include <string>

#include "http/request.h"
#include "http/request_head.h"

namespace creche::http {

// What most requests of a session say between Host and the framing, written down once.
class UsualFields {
 public:
  explicit UsualFields(const RequestDefaults& session);
  const std::string& text(bool accept_codings) const { return text_[accept_codings]; }

 private:
  std::string text_[2];
};

// Appends the head of a checked request: request line, Host, the user's fields in their order, what
// is missing of Accept, Accept-Encoding, User-Agent and Authorization, and the framing. usual:
// those of its session, if they were written down.
void WriteHead(const RequestHead& head, const UsualFields* usual, std::string* out);

}  // namespace creche::http
