#include "http/request.h"

#include "http/url_join.h"

namespace creche::http {

namespace {

constexpr uint32_t kCredentials =
    Bit(Known::kAuthorization) | Bit(Known::kCookie) | Bit(Known::kProxyAuthorization);
// What speaks of a body (RFC 9110, 15.4).
constexpr uint32_t kOfBody = Bit(Known::kContentEncoding) | Bit(Known::kContentLength) |
                             Bit(Known::kContentType) | Bit(Known::kExpect) | Bit(Known::kOfBody) |
                             Bit(Known::kTransferEncoding);

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

bool Request::IsRedirected(const ResponseHead& head) const {
  return max_redirects > 0 && IsRedirect(head.status) && !head.Find(Known::kLocation).empty();
}

Result<void> Request::Redirect(const ResponseHead& head, bool body_gone) {
  const auto fail = [&](Status status, std::string message, ErrorRef cause = {}) {
    return MakeError({.status = status,
                      .phase = Phase::kHeaders,
                      .message = std::move(message),
                      .http_status = head.status,
                      .cause = std::move(cause)});
  };
  const std::string shown(url.shown());
  if (redirects == max_redirects)
    return fail(Status::kRedirect, "more than " + std::to_string(max_redirects) +
                                       " redirects, the last from " + shown +
                                       ": raise max_redirects if that is right");
  const std::string_view location = head.Find(Known::kLocation);
  Result<Url> next = url.Resolve(route.upgrades ? HttpOfWs(location) : std::string(location));
  if (!next.ok())
    return fail(Status::kRedirect,
                shown + " redirects to where nothing can be fetched: " + next.error()->message(),
                next.error());

  const Url& own = hops ? hops->first : url;
  if (const char* wrong =
          redirect_rules ? redirect_rules->Refuses(own, url, next.value()) : nullptr)
    return fail(Status::kRedirect,
                shown + " redirects to " + std::string(next.value().shown()) + ", " + wrong);

  const bool to_get =
      head.status == 303 ? method != "HEAD" : head.status <= 302 && method == "POST";
  if (to_get) {
    method = "GET";
    body = {};
    headers.Drop(kOfBody);
    withheld |= kOfBody;  // the session's
  } else if (body_gone) {
    return fail(Status::kBody, shown +
                                   " redirects a request whose body was pulled and is gone: send "
                                   "it to the new place, or give the body as bytes");
  }
  Url target = std::move(next).value();
  if (target.origin() != url.origin()) {
    constexpr uint32_t kOfOrigin = kCredentials | Bit(Known::kPrivate) | Bit(Known::kHost);
    withheld |= kOfOrigin;
    headers.MarkPrivate(private_headers ? std::string_view(*private_headers)
                                        : defaults->privates());
    headers.Drop(kOfOrigin);
  } else {
    target.InheritCredentials(url);
  }
  if (!hops) {
    hops = MakeRef<Hops>();
    hops->first = url;
  }
  hops->all.push_back({url.text(), head.status});
  url = std::move(target);
  redirects++;
  return {};
}

}  // namespace creche::http
