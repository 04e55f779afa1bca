// creche/auth.h: credentials and tokens.
#include "capi/http_auth.h"

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "capi/guard.h"
#include "capi/open_close.h"
#include "platform/whole_file.h"

namespace creche::capi {

namespace {

using http::TokenQuestion;
static_assert(sizeof(creche_token_ask) == sizeof(TokenQuestion));
static_assert(offsetof(creche_token_ask, session) == offsetof(TokenQuestion, session));
static_assert(offsetof(creche_token_ask, id) == offsetof(TokenQuestion, id));

// Null, or what is wrong with it.
const char* MakeLogin(const creche_auth& given, http::LoginRef* made) {
  constexpr uint32_t kFirstSize = offsetof(creche_auth, ask);  // before it grew
  constexpr uint32_t kWithPassword = CRECHE_AUTH_BASIC | CRECHE_AUTH_DIGEST;
  if (given.size < kFirstSize) return "auth.size is not set: give the size of the struct";
  const bool has_ask = given.size >= offsetof(creche_auth, ask) + sizeof given.ask;
  const creche_token_ask_fn ask = has_ask ? given.ask : nullptr;
  auto login = MakeRef<http::Login>();
  if (given.schemes == CRECHE_AUTH_BEARER) {
    if (!given.token && !given.refresh && !ask)
      return "auth has no token, and nobody to ask for one";
    if (given.refresh && ask) return "auth has refresh and ask: one of them gives tokens";
    login->token = given.token ? given.token : "";
    if (!http::IsFieldValue(login->token)) return "auth.token holds a control character";
    login->refresh = given.refresh;
    login->ask = reinterpret_cast<decltype(login->ask)>(ask);  // the structs are twins
    login->refresh_user = given.refresh_user;
  } else {
    if (given.schemes == 0 || (given.schemes & ~kWithPassword) != 0)
      return "auth.schemes is none of CRECHE_AUTH_*, or bearer beside another";
    if (!given.user) return "auth has no user: Basic and Digest need one";
    if (given.token || given.refresh || ask) return "auth has a token, but is no bearer's";
    login->credentials = {given.user, given.password ? given.password : "", true};
    login->basic = (given.schemes & CRECHE_AUTH_BASIC) != 0;
    login->digest = (given.schemes & CRECHE_AUTH_DIGEST) != 0;
    if (login->basic && std::strchr(given.user, ':'))
      return "auth.user has a ':', which is where the password of Basic begins";
    for (const std::string* text : {&login->credentials.user, &login->credentials.password})
      if (!http::IsFieldValue(*text)) return "auth has a user or password with a control character";
  }
  *made = std::move(login);
  return nullptr;
}

creche_status ReadNetrc(http::Netrc* netrc) {
  const char* named = std::getenv("NETRC");
  const char* home = std::getenv("HOME");
  if ((!named || !*named) && !home) return CRECHE_OK;
  const std::string path = named && *named ? named : std::string(home) + "/.netrc";
  std::string text;
  if (const int error = platform::ReadWholeFile(path.c_str(), &text)) {
    if (error == ENOENT) return CRECHE_OK;
    return Fail(Status::kSystem, "cannot read %s: %s", path.c_str(), std::strerror(error));
  }
  if (!netrc->Read(text))
    return Fail(Status::kInvalid, "%s is no netrc file: machine, login, password", path.c_str());
  return CRECHE_OK;
}

}  // namespace

creche_status ReadAuth(const creche_session_options& o, http::SessionSettings* settings) {
  if (o.auth) {
    if (const char* wrong = MakeLogin(*o.auth, &settings->login))
      return Fail(Status::kInvalid, "%s", wrong);
  }
  if (o.cookies.id != 0) {
    creche_status failed = CRECHE_OK;
    settings->cookies = Find<http::CookieJar>(o.cookies.id, &failed);
    if (failed) return failed;
  }
  return (o.flags & CRECHE_SESSION_NETRC) != 0 ? ReadNetrc(&settings->netrc) : CRECHE_OK;
}

Result<void> TakeAuth(const creche_request_options& o, const http::SessionSettings& session,
                      http::Request* request) {
  const bool none = (o.flags & CRECHE_REQUEST_NO_AUTH) != 0;
  request->cookies = (o.flags & CRECHE_REQUEST_NO_COOKIES) == 0;
  request->use_netrc = !none;
  if (!o.auth) {
    if (!none) request->login = session.login;
    return {};
  }
  if (const char* wrong = MakeLogin(*o.auth, &request->login))
    return MakeError(Status::kInvalid, Phase::kOptions, wrong);
  return {};
}

}  // namespace creche::capi
