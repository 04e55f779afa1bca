#include "http/url.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace creche::http {
namespace {

Url Good(std::string_view text) {
  Result<Url> url = Url::Parse(text);
  EXPECT_TRUE(url.ok()) << text << ": " << (url.ok() ? "" : url.error()->message());
  return url.ok() ? std::move(url).value() : Url::Parse("http://failed/").value();
}

TEST(UrlTest, TakesApart) {
  const Url url = Good("https://Example.ORG:8443/a/b?q=1&r=%20x#frag");
  EXPECT_TRUE(url.https());
  EXPECT_EQ(url.host(), "example.org");
  EXPECT_EQ(url.port(), 8443);
  EXPECT_EQ(url.authority(), "example.org:8443");
  EXPECT_EQ(url.target(), "/a/b?q=1&r=%20x");
  EXPECT_EQ(url.origin(), "https://example.org:8443");
  EXPECT_EQ(url.text(), "https://example.org:8443/a/b?q=1&r=%20x");
  EXPECT_EQ(url.authorization(), "");
}

TEST(UrlTest, Normal) {
  static constexpr std::pair<const char*, const char*> kCases[] = {
      {"http://h", "http://h/"},
      {"HTTP://h", "http://h/"},
      {"http://h?q", "http://h/?q"},
      {"http://h#f", "http://h/"},
      {"http://h:80/", "http://h/"},
      {"https://h:443/", "https://h/"},
      {"http://h:443/", "http://h:443/"},
      {"http://h:/x", "http://h/x"},
      {"http://h:08080/", "http://h:8080/"},
      {"http://h:0000000080/", "http://h/"},
      {"https://h:000000443/", "https://h/"},
      {"http://[FE80::1%25eth0.7]:080/", "http://[fe80::1%25eth0.7]/"},
      {"http://[fe80::1%Eth_0]:81/", "http://[fe80::1%25Eth_0]:81/"},
      {"http://h./", "http://h./"},
      // Other scripts (UTS 46, IDNA 2008).
      {"http://B\xc3\x9c"
       "CHER.Example.:81/",
       "http://xn--bcher-kva.example.:81/"},
      {"http://fa\xc3\x9f.de/", "http://xn--fa-hia.de/"},
      {"http://\xe6\x97\xa5\xe6\x9c\xac\xe3\x80\x82jp/", "http://xn--wgv71a.jp/"},
      {"http://\xef\xbc\xa7\xef\xbc\xaf/", "http://go/"},
      {"http://a_b.c/", "http://a_b.c/"},
      {"http://[::1]/", "http://[::1]/"},
      {"http://[2001:DB8::1]:8080/", "http://[2001:db8::1]:8080/"},
      {"http://127.0.0.1/", "http://127.0.0.1/"},
      {"http://127.0.0.1.example/", "http://127.0.0.1.example/"},
      // Kept as they are, byte for byte.
      {"http://h/a/../b/./c//d", "http://h/a/../b/./c//d"},
      {"http://h/%2f%2F?a=b+c&d=%zz", "http://h/%2f%2F?a=b+c&d=%25zz"},
      {"http://h/a[1]?b[]=;,:@!$'()*~", "http://h/a[1]?b[]=;,:@!$'()*~"},
      {"http://h/?a?b/c", "http://h/?a?b/c"},
      // Encoded because they may not be sent.
      {"http://h/a b\"<>\\^`{|}", "http://h/a%20b%22%3C%3E%5C%5E%60%7B%7C%7D"},
      {"http://h/\xc3\xa4", "http://h/%C3%A4"},
      {"http://h/100%", "http://h/100%25"},
      {"http://h/100%4", "http://h/100%254"},
  };
  for (const auto& [in, out] : kCases) EXPECT_EQ(Good(in).text(), out) << in;
}

TEST(UrlTest, Ipv6HostHasNoBrackets) {
  const Url url = Good("http://[::1]:81/");
  EXPECT_EQ(url.host(), "::1");
  EXPECT_EQ(url.authority(), "[::1]:81");
}

// Which way to go is nobody's business but ours (RFC 6874, 9844).
TEST(UrlTest, ZonesAreNotSent) {
  for (const char* text : {"http://[fe80::1%25lo]:81/x", "http://[fe80::1%lo]:81/x"}) {
    const Url url = Good(text);
    EXPECT_EQ(url.host(), "fe80::1");
    EXPECT_EQ(url.dial_host(), "fe80::1%lo");
    std::string host;
    url.AppendHost(&host);
    EXPECT_EQ(host, "[fe80::1]:81");
    EXPECT_EQ(url.target(), "/x");
    EXPECT_EQ(url.origin(), "http://[fe80::1%25lo]:81");
    EXPECT_EQ(url.Resolve("/y").value().text(), "http://[fe80::1%25lo]:81/y");
  }
  EXPECT_EQ(Good("http://[::1]/").dial_host(), "::1");
  EXPECT_EQ(Good("http://h/").dial_host(), "h");
}

// Neither the user info nor what may be a part of it, because a '/' in it was not encoded.
TEST(UrlTest, MessagesHoldNoSecrets) {
  for (const char* text : {"http://user:hush@h:99999/",
                           "http://user:hush@h:x/",
                           "http://user:hush@a b/",
                           "http://user:hush@1.2.3/",
                           "http://user:hush@[::x]/",
                           "http://user:hush@[::1/",
                           "http://user:hush@[::1]x/",
                           "http://user:hush@/",
                           "http://user:hush/x@h/",
                           "http://user:hush?x@h/",
                           "http://user:hush#x@h/",
                           "http://[hush]/@h/",
                           "http://hush.1/x@h/",
                           "hush:pass@h/",
                           "hush:@h",
                           "http:hush@h",
                           "http:/user:hush@h/",
                           "user:hush@h/",
                           "http://user:hush\\@h/",
                           "http://user:hush@h\t/",
                           "http://[::1%25hush/x@h]/",
                           "http://user:hush@\xff/",
                           "http://user:hush@\xe2\x98\x83/"}) {
    const Result<Url> url = Url::Parse(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_EQ(std::string_view(url.error()->message()).find("hush"), std::string_view::npos)
        << url.error()->message();
  }
  EXPECT_EQ(Good("http://user:hush@h/a?key=hush").shown(), "http://h/a");
}

TEST(UrlTest, UserInfo) {
  EXPECT_EQ(Good("http://user:pass@h/").authorization(), "Basic dXNlcjpwYXNz");
  EXPECT_EQ(Good("http://user@h/").authorization(), "Basic dXNlcjo=");
  EXPECT_EQ(Good("http://u%40x:p%3A@h/").authorization(), "Basic dUB4OnA6");
  EXPECT_EQ(Good("http://a@b:c@h/").authorization(), "Basic YUBiOmM=");
  EXPECT_EQ(Good("http://@h/").authorization(), "");
  EXPECT_EQ(Good("http://user:pass@h/x").text(), "http://h/x");
}

TEST(UrlTest, Refused) {
  static constexpr const char* kCases[] = {
      "", "h", "/path", "//h/", "http:", "http:/h", "http:h", "http://", "http:///x", "http://:80/",
      "ftp://h/", "skype:x", "1http://h/", " http://h/", "http://h:0/", "http://h:65536/",
      "http://h:999999/", "http://h:-1/", "http://h:8a/", "http://h: 80/", "http://h:00/",
      "http://a b/", "http://a%41/", "http://a..b/", "http://.a/", "http://a,b/", "http://a|b/",
      "http://good\\@h/", "http://h\\@good/", "http://h:80\\@good/", "http://h\\/",
      "http://\xff.example/", "http://[::1/", "http://[::1]x/", "http://[1.2.3.4]/",
      "http://[fe80::1%25]/", "http://[fe80::1%]/", "http://[fe80::1%25a b]/",
      "http://[fe80::1%25a%2fb]/", "http://[%25lo]/", "http://[127.0.0.1%25lo]/", "http://[]/",
      "http://h/a\tb", "http://h/a\r\nX: y", "http://h/\x7f",
      // What old resolvers take for 127.0.0.1.
      "http://127.1/", "http://2130706433/", "http://017700000001/", "http://0x7f.1/",
      "http://0x7f000001/", "http://127.0.0.01/", "http://127.0.0.1./", "http://1.2.3.4.5/",
      "http://a.0x/", "http://256.0.0.1/"};
  for (const char* text : kCases) {
    const Result<Url> url = Url::Parse(text);
    ASSERT_FALSE(url.ok()) << text;
    EXPECT_EQ(url.error()->status(), Status::kUrl) << text;
    EXPECT_GT(std::string_view(url.error()->message()).size(), 10u);
  }
  EXPECT_FALSE(Url::Parse("http://" + std::string(64, 'a') + "/").ok());
  EXPECT_FALSE(Url::Parse(std::string_view("http://h/\0x", 11)).ok());
}

// RFC 3986, 5.4.
TEST(UrlTest, Resolves) {
  const Url base = Good("http://a/b/c/d;p?q");
  static constexpr std::pair<const char*, const char*> kCases[] = {
      {"g", "/b/c/g"},
      {"./g", "/b/c/g"},
      {"g/", "/b/c/g/"},
      {"/g", "/g"},
      {"?y", "/b/c/d;p?y"},
      {"g?y", "/b/c/g?y"},
      {"#s", "/b/c/d;p?q"},
      {"g#s", "/b/c/g"},
      {";x", "/b/c/;x"},
      {"", "/b/c/d;p?q"},
      {".", "/b/c/"},
      {"./", "/b/c/"},
      {"..", "/b/"},
      {"../", "/b/"},
      {"../g", "/b/g"},
      {"../..", "/"},
      {"../../", "/"},
      {"../../g", "/g"},
      {"../../../g", "/g"},
      {"/./g", "/g"},
      {"/../g", "/g"},
      {"g.", "/b/c/g."},
      {".g", "/b/c/.g"},
      {"g..", "/b/c/g.."},
      {"./../g", "/b/g"},
      {"./g/.", "/b/c/g/"},
      {"g/./h", "/b/c/g/h"},
      {"g/../h", "/b/c/h"},
      {"g?y/../x", "/b/c/g?y/../x"},
      {"g;x=1/../y", "/b/c/y"},
      {"a//b", "/b/c/a//b"},
  };
  for (const auto& [reference, target] : kCases) {
    const Result<Url> url = base.Resolve(reference);
    ASSERT_TRUE(url.ok()) << reference;
    EXPECT_EQ(url.value().target(), target) << reference;
    EXPECT_EQ(url.value().origin(), "http://a") << reference;
  }
  EXPECT_EQ(base.Resolve("//g/x").value().text(), "http://g/x");
  EXPECT_EQ(base.Resolve("https://g").value().text(), "https://g/");
  // What a server wrote is put in order.
  EXPECT_EQ(base.Resolve("http://g/a/../b/./c/..?x/../y").value().text(), "http://g/b/?x/../y");
  EXPECT_EQ(base.Resolve("//g/../x").value().text(), "http://g/x");
  EXPECT_EQ(base.Resolve("https://g/a/..").value().text(), "https://g/");
  EXPECT_EQ(base.Resolve("https://g?/../").value().text(), "https://g/?/../");
  EXPECT_EQ(base.Resolve("/a\tb\t?\tc").value().text(), "http://a/ab?c");
  EXPECT_EQ(base.Resolve("ht\ttp://g\t/").value().text(), "http://g/");
  EXPECT_EQ(base.Resolve("\t").value().text(), "http://a/b/c/d;p?q");
  EXPECT_FALSE(base.Resolve("ftp://g").ok());
  EXPECT_FALSE(base.Resolve("http:g").ok());
  EXPECT_FALSE(base.Resolve("http:///x").ok());
  EXPECT_EQ(base.Resolve("http://u:p@g/").value().authorization(), "Basic dTpw");
}

TEST(UrlTest, CopiesDoNotShareWhatChanges) {
  const Url with = Good("http://u:p@g/a");
  Url copy = Good("http://g/b");
  const Url before = copy;
  copy.InheritCredentials(with);
  EXPECT_EQ(copy.authorization(), with.authorization());
  EXPECT_EQ(before.authorization(), "");
  Url own = Good("http://v:q@g/b");
  own.InheritCredentials(with);
  EXPECT_NE(own.authorization(), with.authorization());
}

// The same text is the same memory, and what needs more than a look is read anew each time.
TEST(UrlTest, LastUrlIsKept) {
  LastUrl urls;
  const auto parse = [&](const char* text) { return urls.Parse(text).value(); };
  const Url first = parse("http://g/a?b");
  EXPECT_EQ(parse("http://g/a?b").text().data(), first.text().data());
  EXPECT_NE(parse("http://g/a?c").text().data(), first.text().data());
  EXPECT_NE(parse("http://g/a?b").text().data(), first.text().data());
  EXPECT_FALSE(urls.Parse("http://").ok());
  const Url kept = parse("http://g/a?b");
  for (const char* other : {"HTTP://G/a", "http://u:p@g/a", "http://g:80/a", "http://g/a#b"}) {
    const Url url = parse(other);
    EXPECT_EQ(url.text(), "http://g/a");
    EXPECT_NE(parse(other).text().data(), url.text().data()) << other;
    EXPECT_EQ(parse(other).authorization(), url.authorization()) << other;
  }
  EXPECT_EQ(parse("http://g/a?b").text().data(), kept.text().data());
}

TEST(UrlTest, LastUrlIsForManyThreads) {
  LastUrl urls;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&urls, t] {
      for (int i = 0; i < 2000; i++) {
        const std::string text = "http://host/" + std::to_string((i + t) % 3);
        EXPECT_EQ(urls.Parse(text).value().text(), text);
      }
    });
  for (std::thread& thread : threads) thread.join();
}

TEST(UrlTest, UserInfoIsNotInherited) {
  EXPECT_EQ(Good("http://u:p@h/a").Resolve("/b").value().authorization(), "");
}

}  // namespace
}  // namespace creche::http
