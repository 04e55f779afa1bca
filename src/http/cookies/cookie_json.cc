#include "http/cookies/cookie_json.h"

#include <charconv>
#include <cmath>

#include "core/utf8.h"
#include "http/cookies/set_cookie.h"

namespace creche::http {

namespace {

// A byte that is no UTF-8 stands as a lone surrogate, as Python's "surrogateescape" has it.
void AppendText(std::string_view text, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  *out += '"';
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    const auto u = static_cast<unsigned char>(c);
    const size_t character = u < 0x80 ? 1 : CharacterAt(text.substr(i));
    if (c == '"' || c == '\\') {
      out->append(1, '\\').append(1, c);
    } else if (u < 0x20 || u == 0x7f || character == 0) {
      out->append(character == 0 ? "\\udc" : "\\u00");
      out->append(1, kHex[u >> 4]).append(1, kHex[u & 15]);
    } else {
      out->append(text.substr(i, character));
      i += character - 1;
    }
  }
  *out += '"';
}

// A reader of JSON that knows what it looks for.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool Take(char wanted) {
    Skip();
    if (text_.empty() || text_[0] != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool AtEnd() {
    Skip();
    return text_.empty();
  }
  bool Word(std::string_view word) {
    Skip();
    if (text_.substr(0, word.size()) != word) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  bool Text(std::string* into) {
    if (!Take('"')) return false;
    into->clear();
    while (!text_.empty() && text_[0] != '"') {
      const char c = text_[0];
      if (static_cast<unsigned char>(c) < 0x20) return false;
      text_.remove_prefix(1);
      if (c != '\\')
        *into += c;
      else if (!Escape(into))
        return false;
    }
    return Take('"');
  }
  bool Number(double* number) {
    Skip();
    const char* const end = text_.data() + text_.size();
    const auto [p, e] = std::from_chars(text_.data(), end, *number);
    if (e != std::errc() && e != std::errc::result_out_of_range) return false;
    text_.remove_prefix(static_cast<size_t>(p - text_.data()));
    return true;
  }
  // Any value.
  bool SkipValue(int depth = 0) {
    std::string text;
    double number;
    Skip();
    if (depth > 32 || text_.empty()) return false;
    switch (text_[0]) {
      case '"':
        return Text(&text);
      case '[':
      case '{': {
        const char close = text_[0] == '[' ? ']' : '}';
        text_.remove_prefix(1);
        if (Take(close)) return true;
        do {
          if (close == '}' && !(Text(&text) && Take(':'))) return false;
          if (!SkipValue(depth + 1)) return false;
        } while (Take(','));
        return Take(close);
      }
      default:
        return Word("true") || Word("false") || Word("null") || Number(&number);
    }
  }

 private:
  void Skip() {
    while (!text_.empty() && std::string_view(" \t\r\n").find(text_[0]) != std::string_view::npos)
      text_.remove_prefix(1);
  }
  bool Hex(unsigned* code) {
    if (text_.size() < 4) return false;
    const auto [p, e] = std::from_chars(text_.data(), text_.data() + 4, *code, 16);
    if (e != std::errc() || p != text_.data() + 4) return false;
    text_.remove_prefix(4);
    return true;
  }
  bool Escape(std::string* into) {
    if (text_.empty()) return false;
    const char c = text_[0];
    text_.remove_prefix(1);
    static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    if (const size_t at = kFrom.find(c); at != std::string_view::npos) {
      *into += kTo[at];
      return true;
    }
    unsigned code = 0, low = 0;
    if (c != 'u' || !Hex(&code)) return false;
    const auto put = [&](unsigned byte) { *into += static_cast<char>(byte); };
    if (code >= 0xdc80 && code < 0xdd00) {
      put(code - 0xdc00);
      return true;
    }
    if (code >= 0xd800 && code < 0xe000) {
      if (code >= 0xdc00 || !Word("\\u") || !Hex(&low) || low < 0xdc00 || low >= 0xe000)
        return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xc0 | code >> 6);
      put(0x80 | (code & 63));
    } else if (code < 0x10000) {
      put(0xe0 | code >> 12);
      put(0x80 | (code >> 6 & 63));
      put(0x80 | (code & 63));
    } else {
      put(0xf0 | code >> 18);
      put(0x80 | (code >> 12 & 63));
      put(0x80 | (code >> 6 & 63));
      put(0x80 | (code & 63));
    }
    return true;
  }

  std::string_view text_;
};

bool ReadBool(Reader* reader, bool* value) {
  if (reader->Word("true")) return *value = true;
  *value = false;
  return reader->Word("false");
}

bool ReadMember(Reader* reader, const std::string& name, Cookie* c) {
  if (name == "name") return reader->Text(&c->name);
  if (name == "value") return reader->Text(&c->value);
  if (name == "domain") return reader->Text(&c->domain);
  if (name == "path") return reader->Text(&c->path);
  if (name == "secure") return ReadBool(reader, &c->secure);
  if (name == "httpOnly") return ReadBool(reader, &c->http_only);
  if (name == "hostOnly") return ReadBool(reader, &c->host_only);
  if (name == "sameSite") return reader->Word("null") || reader->Text(&c->same_site);
  if (name == "expires" || name == "expirationDate") {
    double seconds = 0;
    if (reader->Word("null")) return true;
    if (!reader->Number(&seconds)) return false;
    // Some tools write -1 for what ends with the session.
    if (seconds > 0 && seconds < 9e15) c->expires = static_cast<int64_t>(std::floor(seconds));
    return true;
  }
  return reader->SkipValue();
}

}  // namespace

std::string WriteCookieJson(const std::vector<Cookie>& cookies) {
  std::string text = "[";
  const char* between = "\n";
  for (const Cookie& c : cookies) {
    text.append(between).append("  {\"name\": ");
    AppendText(c.name, &text);
    AppendText(c.value, &text.append(", \"value\": "));
    AppendText(c.domain, &text.append(", \"domain\": "));
    AppendText(c.path, &text.append(", \"path\": "));
    text.append(", \"expires\": ")
        .append(c.expires == Cookie::kSession ? "null" : std::to_string(c.expires));
    text.append(", \"secure\": ").append(c.secure ? "true" : "false");
    text.append(", \"httpOnly\": ").append(c.http_only ? "true" : "false");
    text.append(", \"hostOnly\": ").append(c.host_only ? "true" : "false");
    AppendText(c.same_site, &text.append(", \"sameSite\": "));
    text += '}';
    between = ",\n";
  }
  return text += "\n]\n";
}

std::optional<std::vector<Cookie>> ReadCookieJson(std::string_view text) {
  std::vector<Cookie> all;
  Reader reader(text);
  if (!reader.Take('[')) return std::nullopt;
  bool more = !reader.Take(']');
  while (more) {
    Cookie cookie;
    cookie.path = "/";
    if (!reader.Take('{')) return std::nullopt;
    if (!reader.Take('}')) {
      std::string name;
      do {
        if (!reader.Text(&name) || !reader.Take(':') || !ReadMember(&reader, name, &cookie))
          return std::nullopt;
      } while (reader.Take(','));
      if (!reader.Take('}')) return std::nullopt;
    }
    while (!cookie.domain.empty() && cookie.domain[0] == '.') {
      cookie.domain.erase(0, 1);
      cookie.host_only = false;
    }
    for (char& c : cookie.domain)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (!cookie.domain.empty() && !cookie.path.empty() && cookie.path[0] == '/' &&
        IsSoundCookie(cookie))
      all.push_back(std::move(cookie));
    more = reader.Take(',');
    if (!more && !reader.Take(']')) return std::nullopt;
  }
  if (!reader.AtEnd()) return std::nullopt;
  return all;
}

}  // namespace creche::http
