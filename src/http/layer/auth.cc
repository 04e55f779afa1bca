#include "http/layer/auth.h"

#include "platform/user_code.h"

namespace creche::http {

namespace {

std::vector<Challenge> ChallengesOf(const ResponseHead& head, std::string_view name) {
  std::vector<Challenge> all;
  for (size_t i = 0; i < head.size(); i++)
    if (SameName(head.at(i).name, name)) ReadChallenges(head.at(i).value, &all);
  return all;
}

bool Offers(const std::vector<Challenge>& challenges, std::string_view scheme) {
  for (const Challenge& c : challenges)
    if (c.scheme == scheme) return true;
  return false;
}

// What the user says himself goes first; and nobody is shown what was for another origin.
bool Applies(const Request& request) {
  return request.login && (request.withheld & Bit(Known::kAuthorization)) == 0 &&
         !request.headers.Has(Known::kAuthorization) && request.url.authorization().empty();
}

std::string KeyOf(const Request& request) {
  return std::string(request.url.origin()) + "\n" + request.login->credentials.user + "\n" +
         request.login->credentials.password;
}

const std::string_view* BodyOf(const Request& request, std::string_view* body) {
  if (request.body.pulled() || request.body.producer()) return nullptr;  // it is not here yet
  *body = request.body.bytes();
  return body;
}

bool IsToken(const std::string& token) {
  return !token.empty() && IsFieldValue(token);
}

// Whether to answer once more: not the same again, unless only the nonce had become old.
bool MayAnswer(const Digest& asked_for, CallState::Asked::Of* asked) {
  const bool wrong = asked->once && (!asked_for.stale() || asked->stale);
  asked->stale = asked->once;
  asked->once = true;
  return !wrong;
}

}  // namespace

Next AuthLayer::Show(CallState& call) const {
  Request& request = call.request;
  std::string_view body;
  request.authorization.clear();
  request.proxy_authorization.clear();
  if (call.asked_hop != request.redirects) {  // another server may ask, too
    call.asked_hop = request.redirects;
    call.asked = {};
  }
  if (request.to_proxy && request.way->proxy->credentials.given) {
    const Proxy& proxy = *request.way->proxy;
    if (Digest* known = memory_.Find(proxy.key))
      request.proxy_authorization = known->Answer(proxy.credentials, request.method,
                                                  request.ForwardTarget(), BodyOf(request, &body));
  }
  if (!Applies(request)) {
    if (const Credentials* of_host = OfNetrc(request)) request.authorization = of_host->Basic();
    return Next::kGo;
  }
  const Login& login = *request.login;
  if (login.bearer()) return ShowToken(call);
  if (login.basic && (!login.digest || call.asked.basic)) {
    request.authorization = login.credentials.Basic();
    return Next::kGo;
  }
  if (!login.digest) return Next::kGo;
  if (Digest* known = memory_.Find(KeyOf(request)))
    request.authorization = known->Answer(login.credentials, request.method, request.url.target(),
                                          BodyOf(request, &body));
  return Next::kGo;
}

// The token, once it is known. While one is asked for nobody sends anything: the old one is no
// good.
Next AuthLayer::ShowToken(CallState& call) const {
  const Login& login = *call.request.login;
  const Ref<TokenAsks::Ask> had = std::exchange(call.token_ask, nullptr);
  if (had && had->answered && had->error) {
    call.failure = had->error;
    return Next::kFail;
  }
  const std::string& token = memory_.token_of.get() == &login ? memory_.token : login.token;
  if (login.ask && call.held) {
    Ref<TokenAsks::Ask> ask = memory_.asks.Find(&login);
    if (!ask && !had && !IsToken(token))
      ask = memory_.asks.Begin(call.request.login, memory_.session->id(), false);
    if (ask) {
      call.hold = std::make_unique<Hold>(&ask->waiting, call.held);
      call.hold_phase = Phase::kAuth;
      call.token_ask = std::move(ask);
      return Next::kHold;
    }
  }
  if (IsToken(token)) call.request.authorization = "Bearer " + token;
  return Next::kGo;
}

void AuthLayer::Given(TokenAsks::Ask& ask) const {
  if (ask.error || ask.token.empty()) return;
  memory_.token_of = ask.login;
  memory_.token = ask.token;
}

const Credentials* AuthLayer::OfNetrc(const Request& request) const {
  if (netrc_.empty() || request.login || request.headers.Has(Known::kAuthorization) ||
      !request.url.authorization().empty() || !request.use_netrc)
    return nullptr;
  return netrc_.Find(request.url.host());
}

Next AuthLayer::Asked(CallState& call) const {
  // What was pulled cannot be sent again: the answer is the user's.
  if (call.attempt.pulled) return Next::kGo;
  const bool again = call.head.status == 401 ? AskedByServer(call) : AskedByProxy(call);
  return again ? Next::kAgain : Next::kGo;
}

bool AuthLayer::AskedByServer(CallState& call) const {
  Request& request = call.request;
  if (!Applies(request)) return false;
  const Login& login = *request.login;
  if (login.bearer()) return AnotherToken(call);
  if (!login.digest) return false;
  const std::vector<Challenge> challenges = ChallengesOf(call.head, "WWW-Authenticate");
  Digest fresh;
  if (fresh.Choose(challenges)) {
    if (!MayAnswer(fresh, &call.asked.server)) return false;
    memory_.Keep(KeyOf(request), std::move(fresh));
    return true;
  }
  if (!login.basic || call.asked.basic || !Offers(challenges, "basic")) return false;
  return call.asked.basic = true;
}

// Of many that fail with the same token, the first asks for another, which all have then.
bool AuthLayer::AnotherToken(CallState& call) const {
  const Login& login = *call.request.login;
  if ((!login.refresh && !login.ask) || call.asked.server.once) return false;
  const std::string& known = memory_.token_of.get() == &login ? memory_.token : login.token;
  if (!call.asked.server.stale && IsToken(known) && call.request.authorization != "Bearer " + known)
    return call.asked.server.stale = true;
  call.asked.server.once = true;
  if (login.ask) {  // the next attempt waits for it
    if (!memory_.asks.Find(&login))
      memory_.asks.Begin(call.request.login, memory_.session->id(), true);
    return true;
  }
  std::string token(kMaxToken, '\0');
  const int64_t size =
      platform::CallUser(login.refresh, login.refresh_user, token.data(), token.size());
  if (size <= 0 || static_cast<size_t>(size) > token.size()) return false;
  token.resize(static_cast<size_t>(size));
  if (!IsToken(token)) return false;
  memory_.token_of = call.request.login;
  memory_.token = std::move(token);
  return true;
}

bool AuthLayer::AskedByProxy(CallState& call) const {
  Request& request = call.request;
  if (!request.to_proxy || !request.way->proxy->credentials.given) return false;
  Digest fresh;
  if (!fresh.Choose(ChallengesOf(call.head, "Proxy-Authenticate")) ||
      !MayAnswer(fresh, &call.asked.proxy))
    return false;
  memory_.Keep(request.way->proxy->key, std::move(fresh));
  return true;
}

}  // namespace creche::http
