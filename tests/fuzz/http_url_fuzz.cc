// Fuzzes URLs, those of users and those of servers: what is taken has only bytes that may be sent,
// and is the same when it is read again. The first line is a URL, what follows a reference beside
// it.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/url.h"

using namespace creche;
using namespace creche::http;

namespace {

void Demand(bool holds) {
  if (!holds) abort();
}

void MustBeSound(const Url& url) {
  const std::string& text = url.text();
  for (const char c : text) Demand(static_cast<unsigned char>(c) > 0x20 && c < 0x7f);
  const Result<Url> again = Url::Parse(text);
  Demand(again.ok() && again.value().text() == text);
  Demand(!url.host().empty() && url.target()[0] == '/' && url.port() != 0);
  Demand(text.size() == url.origin().size() + url.target().size());
  for (const char c : url.host()) Demand(c < 'A' || c > 'Z');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t end = input.find('\n');
  const Result<Url> url = Url::Parse(input.substr(0, end));
  if (!url.ok()) {
    Demand(url.error()->status() == Status::kUrl);
    return 0;
  }
  MustBeSound(url.value());
  if (end == input.npos) return 0;
  const Result<Url> other = url.value().Resolve(input.substr(end + 1));
  if (other.ok()) MustBeSound(other.value());
  return 0;
}
