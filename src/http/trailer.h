// Trailers: header fields behind a body, whatever protocol brings them.
#pragma once
#include <memory>
#include <string_view>

#include "http/response_head.h"

namespace creche::http {

// Whether a field means nothing, or something dangerous, where the answer has been acted on already
// (RFC 9110, 6.5.1): framing, routing, credentials, cookies, control of caches, what says how to
// read the body. Those that bind a connection are no one's business, either.
bool IsForbiddenInTrailer(std::string_view name) noexcept;

// Adds a field, unless it is forbidden; *trailer may be null yet. May throw bad_alloc.
void AddToTrailer(std::unique_ptr<ResponseHead>* trailer, std::string_view name,
                  std::string_view value);

}  // namespace creche::http
