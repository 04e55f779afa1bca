// What servers and files say of who a user is: Set-Cookie, cookies as text, challenges, netrc. The
// first byte says which; what is read must be written and read again the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/auth/digest.h"
#include "http/auth/netrc.h"
#include "http/cookies/cookie_date.h"
#include "http/cookies/cookie_jar.h"
#include "http/cookies/cookie_text.h"

using namespace creche::http;

namespace {

void Demand(bool holds) {
  if (!holds) std::abort();
}

void RoundTrip(const std::vector<Cookie>& cookies, CookieForm form) {
  size_t line = 0;
  const std::string text = WriteCookies(cookies, form);
  const auto again = ReadCookies(text, form, &line);
  Demand(again.has_value());
  Demand(WriteCookies(*again, form) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  size_t line = 0;
  switch (data[0] % 5) {
    case 0: {
      static const Url url = Url::Parse("https://a.example.co.uk/x/y?z").value();
      CookieJar jar({.total = 20, .per_domain = 5});
      jar.Receive(url, text);
      for (const Cookie& c : jar.All()) {
        Demand(IsSoundCookie(c));
        Demand(DomainMatches("a.example.co.uk", c.domain) && c.domain != "co.uk");
      }
      RoundTrip(jar.All(), CookieForm::kJson);
      break;
    }
    case 1:
    case 2: {
      const CookieForm form = data[0] % 5 == 1 ? CookieForm::kJson : CookieForm::kNetscape;
      if (const auto read = ReadCookies(text, form, &line)) RoundTrip(*read, CookieForm::kJson);
      break;
    }
    case 3: {
      std::vector<Challenge> challenges;
      ReadChallenges(text, &challenges);
      Digest digest;
      if (digest.Choose(challenges)) digest.Answer({"u", "p", true}, "GET", "/", &text);
      break;
    }
    default: {
      Netrc netrc;
      if (netrc.Read(text)) netrc.Find("a.example");
      ParseCookieDate(text);
    }
  }
  return 0;
}
