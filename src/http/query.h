// Names and values in the query of a URL, percent-encoded (RFC 3986, 3.4).
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace creche::http {

// Appends `text` with all but letters, digits, "-", ".", "_" and "~" percent-encoded.
void AppendEncoded(std::string_view text, std::string* out);

// Appends "name=value" (or "name") to the query of a URL, before which a '?' or '&' is put.
// A fragment is in the way: take it off before.
void AppendParam(std::string_view name, std::optional<std::string_view> value, std::string* url);

}  // namespace creche::http
