// The head of a request, written into one buffer.
#pragma once
#include <string>

#include "http/request.h"
#include "http/request_head.h"

namespace creche::http {

// Appends the head of a checked request: request line, Host, the user's fields in their order, what
// is missing of Accept, Accept-Encoding, User-Agent and Authorization, and the framing.
void WriteHead(const RequestHead& head, std::string* out);

// Writes down what most requests of a session say.
void WriteUsual(RequestDefaults* session);

}  // namespace creche::http
