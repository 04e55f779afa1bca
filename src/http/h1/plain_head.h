// A whole, plain head in one piece, as nearly all are, read without llhttp: for each that is taken
// here llhttp would have said the same (tests/fuzz/http_head_fuzz.cc compares them).
#pragma once
#include <cstddef>

#include "http/response_head.h"

namespace creche::http {

// Reads the head of a response that begins at `data` into `head`, if it ends there within `most`
// bytes and is plain: HTTP/1.1 or 1.0, CRLF behind each line, no folded lines, at most one
// Content-Length. Returns its size, the empty line included; 0 if it is for HeadParser to judge:
// then `head` is empty.
[[nodiscard]] size_t ReadPlainHead(const char* data, size_t size, size_t most, ResponseHead* head);

}  // namespace creche::http
