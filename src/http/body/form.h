// Forms as bodies: urlencoded (WHATWG URL, 5.2) and multipart/form-data (RFC 7578, as browsers
// write it).
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "http/body/segments.h"

namespace creche::http {

struct FormPart {
  std::string_view name;
  std::string_view value = {};  // unless it is a file
  std::optional<Segment> file = {};
  const char* filename = nullptr;  // null: none
  const char* type = nullptr;      // of its content; null: none is said
};

// "a=b&c=d+e".
std::string UrlEncodedForm(std::span<const FormPart> parts);

// A boundary that no content has, as nobody can guess it.
std::string RandomBoundary();
// The boundary in a Content-Type of the user's, if it is one of some multipart; "" if there is
// none.
std::string_view BoundaryOf(std::string_view content_type) noexcept;
// Takes the files of the parts. Fails with kInvalid: a line break or another control character in a
// name, a filename or a type, a boundary that is none.
Result<std::vector<Segment>> MultipartForm(std::span<FormPart> parts, std::string_view boundary);

}  // namespace creche::http
