#include "http/body/form.h"

#include <algorithm>

#include "http/headers.h"
#include "http/scan.h"
#include "platform/random.h"

namespace creche::http {

namespace {

constexpr char kHex[] = "0123456789ABCDEF";

void AppendFormEncoded(std::string_view text, std::string* out) {
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '*' || c == '-' || c == '.' || c == '_';
    const auto byte = static_cast<unsigned char>(c);
    if (plain)
      *out += c;
    else if (c == ' ')
      *out += '+';
    else
      out->append({'%', kHex[byte >> 4], kHex[byte & 15]});
  }
}

// In quotes: a quote would end it.
void AppendQuoted(std::string_view text, std::string* out) {
  *out += '"';
  for (const char c : text)
    if (c == '"')
      out->append("%22");
    else
      *out += c;
  *out += '"';
}

// RFC 2046, 5.1.1, without those that need quotes and blanks.
bool IsBoundary(std::string_view text) {
  return !text.empty() && text.size() <= 70 && std::all_of(text.begin(), text.end(), [](char c) {
    return IsTokenChar(c) || std::string_view("()/:=?,").find(c) != std::string_view::npos;
  });
}

ErrorRef Bad(const char* what) {
  return MakeError(Status::kInvalid, Phase::kOptions,
                   std::string(what) +
                       " of a part of the form holds a line break or another "
                       "control character");
}

}  // namespace

std::string UrlEncodedForm(std::span<const FormPart> parts) {
  std::string out;
  for (const FormPart& part : parts) {
    if (&part != parts.data()) out += '&';
    AppendFormEncoded(part.name, &out);
    out += '=';
    AppendFormEncoded(part.value, &out);
  }
  return out;
}

std::string RandomBoundary() {
  std::string text = "creche-";
  for (int i = 0; i < 2; i++)
    for (uint64_t bits = platform::Random64(), k = 0; k < 16; k++, bits >>= 4)
      text += kHex[bits & 15];
  return text;
}

std::string_view BoundaryOf(std::string_view content_type) noexcept {
  if (!SameName(content_type.substr(0, 10), "multipart/")) return {};
  size_t at = content_type.find(';');
  while (at != content_type.npos) {
    content_type.remove_prefix(at + 1);
    at = content_type.find(';');
    const std::string_view parameter = TrimBlanks(content_type.substr(0, at));
    if (!SameName(parameter.substr(0, 9), "boundary=")) continue;
    std::string_view value = parameter.substr(9);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    return value;
  }
  return {};
}

Result<std::vector<Segment>> MultipartForm(std::span<FormPart> parts, std::string_view boundary) {
  if (!IsBoundary(boundary))
    return MakeError(Status::kInvalid, Phase::kOptions,
                     "the boundary in the Content-Type of the form is missing or cannot be one");
  std::vector<Segment> segments(1);
  for (FormPart& part : parts) {
    std::string& out = segments.back().bytes;
    if (HasControl(part.name)) return Bad("the name");
    out.append("--").append(boundary).append("\r\nContent-Disposition: form-data; name=");
    AppendQuoted(part.name, &out);
    if (part.filename) {
      if (HasControl(part.filename)) return Bad("the filename");
      out.append("; filename=");
      AppendQuoted(part.filename, &out);
    }
    const char* const type = part.type                    ? part.type
                             : part.filename || part.file ? "application/octet-stream"
                                                          : nullptr;
    if (type) {
      if (HasControl(type)) return Bad("the type");
      out.append("\r\nContent-Type: ").append(type);
    }
    out.append("\r\n\r\n");
    if (part.file) {
      segments.push_back(std::move(*part.file));
      segments.emplace_back();
    } else {
      out.append(part.value);
    }
    segments.back().bytes.append("\r\n");
  }
  segments.back().bytes.append("--").append(boundary).append("--\r\n");
  return segments;
}

}  // namespace creche::http
