#include "http/proxy.h"

#include "http/url.h"

namespace creche::http {

namespace {

ErrorRef Invalid(std::string message) {
  return MakeError(Status::kInvalid, Phase::kOptions, std::move(message));
}

struct Scheme {
  std::string_view name;
  Proxy::Kind kind;
  uint16_t port;
};
constexpr Scheme kSchemes[] = {
    {"http", Proxy::Kind::kHttp, 80},
    {"https", Proxy::Kind::kHttps, 443},
    {"socks5h", Proxy::Kind::kSocks5h, 1080},
    {"socks5", Proxy::Kind::kSocks5, 1080},
};

}  // namespace

Result<ProxyRef> Proxy::Parse(std::string_view text, const HeaderList& headers) {
  std::string_view rest = text;
  const Scheme* scheme = &kSchemes[0];
  if (const size_t at = text.find("://"); at != std::string_view::npos) {
    scheme = nullptr;
    for (const Scheme& each : kSchemes)
      if (SameName(text.substr(0, at), each.name)) scheme = &each;
    if (!scheme)
      return Invalid("a proxy's URL begins with http://, https://, socks5:// or socks5h://");
    rest.remove_prefix(at + 3);
  }
  // The authority is that of any URL. Whether a port was given is seen by what the default is.
  rest = rest.substr(0, rest.find_first_of("/?#"));
  Result<Url> one = Url::Parse("http://" + std::string(rest));
  Result<Url> other = Url::Parse("https://" + std::string(rest));
  if (!one.ok() || !other.ok())
    return Invalid("the proxy's URL: " + std::string((one.ok() ? other : one).error()->message()));
  const Url& url = one.value();
  const bool given = url.port() == other.value().port();

  auto proxy = Ref<Proxy>::Adopt(new Proxy);
  proxy->kind = scheme->kind;
  proxy->host = url.dial_host();
  proxy->port = given ? url.port() : scheme->port;
  const bool v6 = proxy->host.find(':') != std::string::npos;
  proxy->shown = (v6 ? "[" + proxy->host + "]" : proxy->host) + ":" + std::to_string(proxy->port);
  if (const size_t at = rest.rfind('@'); at != std::string_view::npos && at > 0)
    proxy->credentials = Credentials::OfUserInfo(rest.substr(0, at));
  if (proxy->socks()) {
    const Credentials& c = proxy->credentials;
    if (c.user.size() > 255 || c.password.size() > 255)
      return Invalid("user and password of a SOCKS proxy have up to 255 bytes each");
    if (c.given && c.user.empty()) return Invalid("the user of a SOCKS proxy is empty");
  } else {
    proxy->headers = headers;
  }
  proxy->key = std::string(scheme->name) + "://" + proxy->shown;
  if (proxy->credentials.given)
    proxy->key += '\n' + proxy->credentials.user + '\n' + proxy->credentials.password;
  proxy->key.append("\n").append(proxy->headers.wire());
  return ProxyRef(std::move(proxy));
}

void Proxy::AppendFields(uint32_t unless, std::string_view authorization, std::string* out) const {
  out->append(headers.wire());
  const bool said = ((headers.known() | unless) & Bit(Known::kProxyAuthorization)) != 0;
  if (said || !credentials.given) return;
  out->append("Proxy-Authorization: ");
  out->append(authorization.empty() ? credentials.Basic() : std::string(authorization));
  out->append("\r\n");
}

}  // namespace creche::http
