#include <gtest/gtest.h>

#include "http/h1/h1_writer.h"
#include "http/headers.h"
#include "http/scan.h"

namespace creche::http {
namespace {

HeaderList List(std::initializer_list<std::pair<const char*, const char*>> fields) {
  HeaderList list;
  for (const auto& [name, value] : fields) EXPECT_TRUE(list.Add(name, value).ok()) << name;
  return list;
}

struct Request {
  std::string method = "GET";
  std::string url = "http://host/path";
  HeaderList headers = {};
  HeaderList session = {};
  std::string agent = "test";
  bool codings = true;
  Framing framing = Framing::kNone;
  uint64_t size = 0;
  uint32_t withheld = 0;

  Result<void> Check() const { return CheckRequest(Head(Url::Parse(url).value())); }
  std::string Write() const {
    const Url parsed = Url::Parse(url).value();
    EXPECT_TRUE(CheckRequest(Head(parsed)).ok());
    std::string out;
    WriteHead(Head(parsed), nullptr, &out);
    return out;
  }
  RequestHead Head(const Url& parsed) const {
    return {method, parsed, headers, session, agent, codings, withheld, framing, size};
  }
};

TEST(HeadersTest, Tokens) {
  EXPECT_TRUE(IsToken("X-Y_z.1!#$%&'*+^`|~"));
  for (const char* bad : {"", "a b", "a:", "a\t", "a(", "a\"", "a/", "\xc3\xa4", "a\r\n"})
    EXPECT_FALSE(IsToken(bad)) << bad;
}

TEST(HeadersTest, Values) {
  EXPECT_TRUE(IsFieldValue("a\tb \xc3\xa4 \"x\""));
  EXPECT_TRUE(IsFieldValue(""));
  for (int c = 0; c < 256; c++) {
    const char text[] = {'a', static_cast<char>(c), 'b'};
    EXPECT_EQ(IsFieldValue({text, 3}), c == '\t' || (c >= 0x20 && c != 0x7f)) << c;
  }
}

// Each character at each place of texts of all small sizes.
TEST(HeadersTest, ControlsAnywhere) {
  for (size_t size = 1; size <= 20; size++) {
    for (size_t at = 0; at < size; at++) {
      for (int c = 0; c < 256; c++) {
        std::string text(size, 'a');
        text[at] = static_cast<char>(c);
        const bool control = c < 0x20 || c == 0x7f;
        ASSERT_EQ(HasControl(text), control) << size << ' ' << at << ' ' << c;
        ASSERT_EQ(IsFieldValue(text), !control || c == '\t') << size << ' ' << at << ' ' << c;
      }
    }
  }
}

TEST(HeadersTest, KnownNames) {
  static constexpr struct {
    std::string_view name;
    Known known;
  } kNames[] = {{"Accept", Known::kAccept},
                {"Accept-Encoding", Known::kAcceptEncoding},
                {"Authorization", Known::kAuthorization},
                {"Connection", Known::kConnection},
                {"Content-Encoding", Known::kContentEncoding},
                {"Content-Length", Known::kContentLength},
                {"Content-Type", Known::kContentType},
                {"Cookie", Known::kCookie},
                {"Expect", Known::kExpect},
                {"Host", Known::kHost},
                {"Keep-Alive", Known::kKeepAlive},
                {"Location", Known::kLocation},
                {"Content-Language", Known::kOfBody},
                {"Content-X", Known::kOfBody},
                {"Digest", Known::kOfBody},
                {"Last-Modified", Known::kOfBody},
                {"Repr-Digest", Known::kOfBody},
                {"Trailer", Known::kOfBody},
                {"Proxy-Connection", Known::kProxyConnection},
                {"Proxy-Authorization", Known::kProxyAuthorization},
                {"Transfer-Encoding", Known::kTransferEncoding},
                {"User-Agent", Known::kUserAgent}};
  for (const auto& [name, known] : kNames) {
    EXPECT_EQ(KnownName(name), known) << name;
    EXPECT_EQ(KnownName(name.substr(1)), Known::kOther) << name;
    for (size_t at = 0; at < name.size(); at++) {
      for (int c = 0; c < 256; c++) {
        std::string other(name);
        other[at] = static_cast<char>(c);
        if (!IsToken(other)) continue;
        const bool of_content = other.size() > 8 && SameName(other.substr(0, 8), "content-");
        ASSERT_EQ(KnownName(other), SameName(other, name) ? known
                                    : of_content          ? Known::kOfBody
                                                          : Known::kOther)
            << other;
      }
    }
  }
}

TEST(HeadersTest, ListKeepsOrderAndCase) {
  HeaderList list = List({{"X-B", "1"}, {"x-a", " 2\t"}, {"X-b", "3"}, {"COOKIE", "c=d"}});
  EXPECT_EQ(list.wire(), "X-B: 1\r\nx-a: 2\r\nX-b: 3\r\nCOOKIE: c=d\r\n");
  EXPECT_TRUE(list.Has("x-B"));
  EXPECT_FALSE(list.Has("x"));
  EXPECT_EQ(list.Find(Known::kCookie), "c=d");
  list.Drop(Bit(Known::kCookie) | Bit(Known::kAuthorization));
  EXPECT_EQ(list.wire(), "X-B: 1\r\nx-a: 2\r\nX-b: 3\r\n");
  EXPECT_FALSE(list.Has(Known::kCookie));
  EXPECT_EQ(list.at(2).value, "3");
}

TEST(HeadersTest, Refused) {
  HeaderList list;
  EXPECT_EQ(list.Add("", "x").error()->status(), Status::kInvalid);
  EXPECT_FALSE(list.Add("a b", "x").ok());
  EXPECT_FALSE(list.Add("a", "x\r\ny: z").ok());
  EXPECT_FALSE(list.Add("a", std::string_view("x\0y", 3)).ok());
  EXPECT_EQ(list.size(), 0u);
}

TEST(HeadersTest, Elements) {
  std::string_view list = " a, b ,,\tc";
  std::string_view one;
  std::string joined;
  while (NextElement(&list, &one)) joined += "[" + std::string(one) + "]";
  EXPECT_EQ(joined, "[a][b][][c]");
}

TEST(RequestTest, PlainGet) {
  EXPECT_EQ(Request{}.Write(),
            "GET /path HTTP/1.1\r\nHost: host\r\nAccept: */*\r\n"
            "Accept-Encoding: gzip, deflate, br, zstd\r\nUser-Agent: test\r\n\r\n");
}

TEST(RequestTest, NothingThatWasNotAskedFor) {
  Request request;
  request.agent = "";
  request.codings = false;
  request.headers = List({{"accept", "text/html"}});
  EXPECT_EQ(request.Write(), "GET /path HTTP/1.1\r\nHost: host\r\naccept: text/html\r\n\r\n");
}

TEST(RequestTest, OwnFieldsReplaceTheSessions) {
  Request request;
  request.codings = false;
  request.session = List({{"X-A", "s"}, {"X-B", "s"}, {"User-Agent", "session"}});
  request.headers = List({{"x-a", "1"}, {"x-a", "2"}});
  EXPECT_EQ(request.Write(),
            "GET /path HTTP/1.1\r\nHost: host\r\nx-a: 1\r\nx-a: 2\r\nX-B: s\r\n"
            "User-Agent: session\r\nAccept: */*\r\n\r\n");
}

TEST(RequestTest, Host) {
  Request request;
  request.codings = false;
  request.url = "http://[::1]:8080/";
  EXPECT_NE(request.Write().find("\r\nHost: [::1]:8080\r\n"), std::string::npos);
  request.headers = List({{"X", "y"}, {"host", "other"}});
  EXPECT_EQ(request.Write().substr(0, 43), "GET / HTTP/1.1\r\nHost: other\r\nX: y\r\nAccept: ");
  request.headers = List({{"Host", "a"}, {"Host", "b"}});
  EXPECT_EQ(request.Check().error()->status(), Status::kInvalid);
  for (const char* good : {"", "a", "a.b:80", "[::1]:8080", "a_b", "xn--bcher-kva.example"}) {
    request.headers = List({{"Host", good}});
    EXPECT_TRUE(request.Check().ok()) << good;
  }
  for (const char* bad : {"a b", "a\tb", "a/b", "u@h", "a?b", "a#b", "b\xc3\xbc", "a,b"}) {
    request.headers = List({{"Host", bad}});
    EXPECT_EQ(request.Check().error()->status(), Status::kInvalid) << bad;
  }
}

TEST(RequestTest, FramingIsOurs) {
  Request request;
  request.method = "POST";
  EXPECT_NE(request.Write().find("Content-Length: 0\r\n\r\n"), std::string::npos);
  request.framing = Framing::kSized;
  request.size = 12;
  EXPECT_NE(request.Write().find("Content-Length: 12\r\n\r\n"), std::string::npos);
  request.headers = List({{"content-length", "12"}});  // right, but written once
  const std::string head = request.Write();
  EXPECT_EQ(head.find("content-length"), std::string::npos);
  EXPECT_NE(head.find("Content-Length: 12\r\n\r\n"), std::string::npos);
  for (const char* wrong : {"11", "012x", "-12", "+12", "", "12, 12", "99999999999999999999"}) {
    request.headers = List({{"Content-Length", wrong}});
    EXPECT_FALSE(request.Check().ok()) << wrong;
  }
  request.headers = List({{"Transfer-Encoding", "chunked"}});
  EXPECT_FALSE(request.Check().ok());
  request.framing = Framing::kChunked;
  const std::string chunked = request.Write();
  EXPECT_EQ(chunked.find("Content-Length"), std::string::npos);
  EXPECT_NE(chunked.find("Transfer-Encoding: chunked\r\n\r\n"), std::string::npos);
  request.headers = List({{"Content-Length", "12"}});
  EXPECT_FALSE(request.Check().ok());
  request.headers = List({{"Transfer-Encoding", "gzip, chunked"}});
  EXPECT_FALSE(request.Check().ok());
}

TEST(RequestTest, EmptyBodiesSayTheirLength) {
  for (const char* method : {"GET", "HEAD", "OPTIONS", "TRACE"}) {
    Request request;
    request.method = method;
    EXPECT_EQ(request.Write().find("Content-Length"), std::string::npos) << method;
  }
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "PURGE"}) {
    Request request;
    request.method = method;
    EXPECT_NE(request.Write().find("Content-Length: 0\r\n"), std::string::npos) << method;
  }
}

TEST(RequestTest, Methods) {
  for (const char* bad : {"", "G ET", "GET\r\n", "GET /x HTTP/1.1\r\nA: b\r\n", "G:", "CONNECT"}) {
    Request request;
    request.method = bad;
    EXPECT_EQ(request.Check().error()->status(), Status::kInvalid) << bad;
  }
  EXPECT_TRUE(IsIdempotent("PUT"));
  EXPECT_FALSE(IsIdempotent("POST"));
  EXPECT_FALSE(IsIdempotent("PATCH"));
}

TEST(RequestTest, Credentials) {
  Request request;
  request.url = "http://u:p@host/";
  request.codings = false;
  EXPECT_NE(request.Write().find("Authorization: Basic dTpw\r\n"), std::string::npos);
  request.session = List({{"authorization", "Bearer s"}});
  EXPECT_EQ(request.Write().find("Bearer"), std::string::npos);
  request.headers = List({{"Authorization", "Bearer r"}});
  EXPECT_NE(request.Write().find("Authorization: Bearer r\r\n"), std::string::npos);
  EXPECT_EQ(request.Write().find("Basic"), std::string::npos);
  request.url = "http://host/";
  request.withheld = Bit(Known::kAuthorization);
  EXPECT_EQ(request.Write().find("Bearer"), std::string::npos);
}

// What is written down once says what would be written each time.
TEST(WriteHeadTest, TheUsualFieldsAreTheSame) {
  for (const char* agent : {"", "agent/1"})
    for (const auto& session :
         {List({}), List({{"X-Session", "1"}, {"Accept", "a/b"}}),
          List({{"Host", "other"}, {"accept-encoding", "x"}, {"User-Agent", "mine"}}),
          List({{"Authorization", "Basic x"}, {"Cookie", "c"}})}) {
      const UsualFields fields({.headers = session, .user_agent = agent});
      for (const char* url : {"http://host/path", "http://u:p@host:81/?q"})
        for (const auto& own : {List({}), List({{"X-Session", "2"}})})
          for (const bool codings : {false, true})
            for (const Framing framing : {Framing::kNone, Framing::kSized, Framing::kChunked})
              for (const uint32_t withheld : {0u, Bit(Known::kHost), Bit(Known::kCookie)}) {
                const Url parsed = Url::Parse(url).value();
                const RequestHead head{"POST",  parsed,   own,     session, agent,
                                       codings, withheld, framing, 3};
                std::string each, usual;
                WriteHead(head, nullptr, &each);
                WriteHead(head, &fields, &usual);
                EXPECT_EQ(usual, each);
              }
    }
}

}  // namespace
}  // namespace creche::http
