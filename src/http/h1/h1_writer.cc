#include "http/h1/h1_writer.h"

#include <algorithm>
#include <charconv>

namespace creche::http {

namespace {

// Written by the library alone: two fields that say how long a body is are how requests are
// smuggled.
constexpr uint32_t kFramingNames = Bit(Known::kContentLength) | Bit(Known::kTransferEncoding);

// Methods whose requests have no body unless one is given; others say that theirs is empty.
bool NeedsNoLength(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE";
}

void AppendNumber(uint64_t n, std::string* out) {
  char digits[20];
  out->append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
}

// Fields of `list` but for those whose names are in `skip` or stand in `unless_in`.
void AppendFields(const HeaderList& list, uint32_t skip, const HeaderList* unless_in,
                  std::string* out) {
  if ((list.known() & skip) == 0 && (!unless_in || unless_in->size() == 0)) {
    out->append(list.wire());
    return;
  }
  for (size_t i = 0; i < list.size(); i++) {
    const HeaderList::Field field = list.at(i);
    if ((Bit(field.known) & skip) != 0) continue;
    if (unless_in && unless_in->Has(field.name)) continue;
    out->append(field.line);
  }
}

// True if the user's own cookies have one of that name.
bool HasCookie(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const size_t end = std::min(cookies.find(';'), cookies.size());
    const std::string_view pair = TrimBlanks(cookies.substr(0, end));
    if (pair.substr(0, pair.find('=')) == name) return true;
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
  }
  return false;
}

// One field (RFC 6265, 5.4): the user's own, then those of the jar with other names.
void AppendCookies(const RequestHead& head, std::string* out) {
  std::string users;
  if ((head.withheld & Bit(Known::kCookie)) == 0) {
    const HeaderList& list = head.headers.Has(Known::kCookie) ? head.headers : head.session_headers;
    for (size_t i = 0; i < list.size() && list.Has(Known::kCookie); i++) {
      if (list.at(i).known != Known::kCookie) continue;
      if (!users.empty()) users += "; ";
      users += list.at(i).value;
    }
  }
  std::string all = users;
  for (std::string_view rest = head.cookies; !rest.empty();) {
    const size_t end = std::min(rest.find("; "), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 2, rest.size()));
    if (HasCookie(users, pair.substr(0, pair.find('=')))) continue;
    if (!all.empty()) all += "; ";
    all += pair;
  }
  out->append("Cookie: ").append(all).append("\r\n");
}

// What stands between Host and the framing.
void AppendAllFields(const RequestHead& head, std::string* out) {
  const HeaderList& own = head.headers;
  const HeaderList& session = head.session_headers;
  // Credentials in a URL are closer to the request than those of the session.
  std::string_view authorization = head.url.authorization();
  if (authorization.empty()) authorization = head.authorization;
  if (own.Has(Known::kAuthorization)) authorization = {};
  const uint32_t skip = kFramingNames | Bit(Known::kHost) | head.withheld |
                        (head.cookies.empty() ? 0 : Bit(Known::kCookie));
  const uint32_t skip_session = skip | (authorization.empty() ? 0 : Bit(Known::kAuthorization));
  AppendFields(own, skip, nullptr, out);
  AppendFields(session, skip_session, &own, out);
  const uint32_t sent = own.known() | session.known();
  if ((sent & Bit(Known::kAccept)) == 0) out->append("Accept: */*\r\n");
  if (head.accept_codings && (sent & Bit(Known::kAcceptEncoding)) == 0)
    out->append("Accept-Encoding: gzip, deflate, br, zstd\r\n");
  if (!head.user_agent.empty() && (sent & Bit(Known::kUserAgent)) == 0)
    out->append("User-Agent: ").append(head.user_agent).append("\r\n");
  if (!authorization.empty()) out->append("Authorization: ").append(authorization).append("\r\n");
  if (!head.cookies.empty()) AppendCookies(head, out);
}

// True if its session alone says what these fields are. What is added to RequestHead and written
// above has to be looked at here, too.
bool IsUsual(const RequestHead& head) {
  return head.headers.size() == 0 && head.withheld == 0 && head.url.authorization().empty() &&
         head.authorization.empty() && head.cookies.empty();
}

}  // namespace

void WriteHead(const RequestHead& head, const UsualFields* usual, std::string* out) {
  const HeaderList& own = head.headers;
  const HeaderList& session = head.session_headers;
  out->reserve(out->size() + head.url.text().size() + own.wire().size() + session.wire().size() +
               head.user_agent.size() + 192);
  out->append(head.method).append(" ");
  if (head.proxy) {  // RFC 9112, 3.2.2
    out->append("http://");
    head.url.AppendHost(out);
  }
  out->append(head.url.target()).append(" HTTP/1.1\r\nHost: ");
  if (own.Has(Known::kHost)) {
    out->append(own.Find(Known::kHost));
  } else if (session.Has(Known::kHost) && (head.withheld & Bit(Known::kHost)) == 0) {
    out->append(session.Find(Known::kHost));
  } else {
    head.url.AppendHost(out);
  }
  out->append("\r\n");
  if (usual && IsUsual(head))
    out->append(usual->text(head.accept_codings));
  else
    AppendAllFields(head, out);
  if (head.proxy)
    head.proxy->AppendFields((own.known() | session.known()) & ~head.withheld,
                             head.proxy_authorization, out);
  switch (head.framing) {
    case Framing::kNone:
      if (!NeedsNoLength(head.method)) out->append("Content-Length: 0\r\n");
      break;
    case Framing::kSized:
      out->append("Content-Length: ");
      AppendNumber(head.body_size, out);
      out->append("\r\n");
      break;
    case Framing::kChunked:
      out->append("Transfer-Encoding: chunked\r\n");
      break;
  }
  if (head.expect &&
      ((own.known() | (session.known() & ~head.withheld)) & Bit(Known::kExpect)) == 0)
    out->append("Expect: 100-continue\r\n");
  out->append("\r\n");
}

UsualFields::UsualFields(const RequestDefaults& session) {
  Request none;
  none.url = Url::Parse("http://host/").value();
  for (const bool codings : {false, true}) {
    none.accept_codings = codings;
    AppendAllFields(none.Head(session), &text_[codings]);
  }
}

}  // namespace creche::http
