#include "http/auth/digest.h"

#include <cstdio>

#include "http/headers.h"
#include "platform/digest.h"
#include "platform/random.h"

namespace creche::http {

namespace {

struct Algorithm {
  std::string_view name;
  const char* of_openssl;
};
// The weakest first.
constexpr Algorithm kAlgorithms[] = {
    {"MD5", "MD5"}, {"SHA-256", "SHA256"}, {"SHA-512-256", "SHA512-256"}};

int RankOf(std::string_view name, bool* session) {
  static constexpr std::string_view kSession = "-sess";
  *session = name.size() > kSession.size() &&
             SameName(name.substr(name.size() - kSession.size()), kSession);
  if (*session) name.remove_suffix(kSession.size());
  if (name.empty()) return 0;
  for (int i = 0; i < 3; i++)
    if (SameName(name, kAlgorithms[i].name)) return i;
  return -1;
}

void AppendQuoted(std::string_view name, std::string_view value, std::string* out) {
  out->append(name).append("=\"");
  for (const char c : value) {
    if (c == '"' || c == '\\') *out += '\\';
    *out += c;
  }
  *out += '"';
}

std::string Hex64(uint64_t number) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
  return text;
}

}  // namespace

bool Digest::Choose(const std::vector<Challenge>& challenges) {
  const Challenge* best = nullptr;
  int rank = -1;
  for (const Challenge& c : challenges) {
    bool session = false;
    if (c.scheme != "digest" || c.Find("nonce").empty()) continue;
    const int its = RankOf(c.Find("algorithm"), &session);
    if (its <= rank || platform::HexDigest(kAlgorithms[its].of_openssl, "").empty()) continue;
    rank = its;
    best = &c;
  }
  if (!best) return false;
  rank_ = RankOf(best->Find("algorithm"), &session_);
  algorithm_ = best->Find("algorithm");
  realm_ = best->Find("realm");
  nonce_ = best->Find("nonce");
  opaque_ = best->Find("opaque");
  userhash_ = SameName(best->Find("userhash"), "true");
  stale_ = SameName(best->Find("stale"), "true");
  auth_ = auth_int_ = false;
  std::string_view qops = best->Find("qop"), qop;
  while (!qops.empty() && NextElement(&qops, &qop)) {
    auth_ |= SameName(qop, "auth");
    auth_int_ |= SameName(qop, "auth-int");
  }
  count_ = 0;
  return auth_ || auth_int_ || best->Find("qop").empty();
}

std::string Digest::Answer(const Credentials& credentials, std::string_view method,
                           std::string_view uri, const std::string_view* body) {
  for (const char c : credentials.user)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return {};
  const auto hash = [&](const std::string& text) {
    return platform::HexDigest(kAlgorithms[rank_].of_openssl, text);
  };
  const char* const qop = auth_ ? "auth" : auth_int_ ? "auth-int" : "";
  if (!auth_ && auth_int_ && !body) return {};
  char nc[9];
  std::snprintf(nc, sizeof nc, "%08x", ++count_);
  const std::string cnonce = Hex64(platform::Random64()) + Hex64(platform::Random64());
  std::string ha1 = hash(credentials.user + ":" + realm_ + ":" + credentials.password);
  if (session_) ha1 = hash(ha1 + ":" + nonce_ + ":" + cnonce);
  std::string a2 = std::string(method) + ":" + std::string(uri);
  if (!auth_ && auth_int_) a2 += ":" + hash(std::string(*body));
  const std::string middle =
      *qop == '\0' ? std::string() : std::string(nc) + ":" + cnonce + ":" + qop + ":";
  const std::string response = hash(ha1 + ":" + nonce_ + ":" + middle + hash(a2));

  std::string text = "Digest ";
  AppendQuoted("username", userhash_ ? hash(credentials.user + ":" + realm_) : credentials.user,
               &text);
  AppendQuoted("realm", realm_, &text.append(", "));
  AppendQuoted("nonce", nonce_, &text.append(", "));
  AppendQuoted("uri", uri, &text.append(", "));
  AppendQuoted("response", response, &text.append(", "));
  if (!algorithm_.empty()) text.append(", algorithm=").append(algorithm_);
  if (!opaque_.empty()) AppendQuoted("opaque", opaque_, &text.append(", "));
  if (*qop != '\0') {
    text.append(", qop=").append(qop).append(", nc=").append(nc);
    AppendQuoted("cnonce", cnonce, &text.append(", "));
  } else if (session_) {
    AppendQuoted("cnonce", cnonce, &text.append(", "));
  }
  if (userhash_) text.append(", userhash=true");
  return text;
}

}  // namespace creche::http
