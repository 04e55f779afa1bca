// Fuzzes forms: what is written is what a strict reader reads again, part by part. The first line
// is a Content-Type; the rest are parts, apart by \x1e, of a name, a value, a filename and a type,
// apart by \x1f.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/body/form.h"

using namespace creche;
using namespace creche::http;

namespace {

void Demand(bool holds) {
  if (!holds) abort();
}

std::vector<std::string> Split(std::string_view text, char by) {
  std::vector<std::string> pieces;
  for (size_t end = 0; end != text.npos; text.remove_prefix(end == text.npos ? 0 : end + 1)) {
    end = text.find(by);
    pieces.emplace_back(text.substr(0, end));
  }
  return pieces;
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

std::string Decoded(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); at++) {
    Demand(static_cast<unsigned char>(text[at]) > 0x20 && text[at] < 0x7f);
    if (text[at] == '%') {
      Demand(at + 2 < text.size());
      out += static_cast<char>(std::stoi(std::string(text.substr(at + 1, 2)), nullptr, 16));
      at += 2;
    } else {
      out += text[at] == '+' ? ' ' : text[at];
    }
  }
  return out;
}

void MustReadUrlEncoded(const std::string& form, const std::vector<FormPart>& parts) {
  const std::vector<std::string> pairs = Split(form, '&');
  Demand(pairs.size() == parts.size());
  for (size_t i = 0; i < parts.size(); i++) {
    const std::vector<std::string> pair = Split(pairs[i], '=');
    Demand(pair.size() == 2 && Decoded(pair[0]) == parts[i].name &&
           Decoded(pair[1]) == parts[i].value);
  }
}

void MustReadMultipart(std::string_view form, std::string_view boundary,
                       const std::vector<FormPart>& parts) {
  const std::string delimiter = "--" + std::string(boundary);
  const auto take = [&form](std::string_view what) {
    Demand(form.starts_with(what));
    form.remove_prefix(what.size());
  };
  for (const FormPart& part : parts) {
    if (part.value.find(delimiter) != part.value.npos) return;  // the user's boundary, and fault
    take(delimiter);
    take("\r\nContent-Disposition: form-data; name=\"");
    take(Replaced(std::string(part.name), "\"", "%22"));
    take("\"");
    if (part.filename) take("; filename=\"" + Replaced(part.filename, "\"", "%22") + "\"");
    const size_t end = form.find("\r\n\r\n");
    Demand(end != form.npos);
    const std::string_view field = form.substr(0, end);
    Demand(field.empty() || field.starts_with("\r\nContent-Type: "));
    for (const char c : field.substr(field.empty() ? 0 : 2)) Demand(c != '\r' && c != '\n');
    form.remove_prefix(end + 4);
    take(part.value);
    take("\r\n");
  }
  take(delimiter + "--\r\n");
  Demand(form.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\n');
  if (end == input.npos) return 0;
  std::vector<std::vector<std::string>> texts;
  for (const std::string& part : Split(input.substr(end + 1), '\x1e'))
    texts.push_back(Split(part, '\x1f'));
  std::vector<FormPart> parts;
  for (const auto& text : texts) {
    FormPart part{.name = text[0]};
    if (text.size() > 1) part.value = text[1];
    if (text.size() > 2) part.filename = text[2].c_str();
    if (text.size() > 3) part.type = text[3].c_str();
    parts.push_back(std::move(part));
  }
  MustReadUrlEncoded(UrlEncodedForm(parts), parts);
  const std::string_view given = BoundaryOf(input.substr(0, end));
  const std::string boundary = given.empty() ? RandomBoundary() : std::string(given);
  const auto form = MultipartForm(parts, boundary);
  if (!form.ok()) {
    Demand(form.error()->status() == Status::kInvalid);
    return 0;
  }
  Demand(form.value().size() == 1);
  MustReadMultipart(form.value()[0].bytes, boundary, parts);
  return 0;
}
