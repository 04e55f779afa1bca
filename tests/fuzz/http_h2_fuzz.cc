// Fuzzes what a hostile server controls on a connection that speaks HTTP/2: its bytes, whole and
// cut. Each call ends once, and as the same answer, wherever they are cut. The first byte says what
// is asked for and what is given up meanwhile, the second where to cut.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/h2/h2_connection.h"
#include "http_calls.h"

using namespace creche;
using namespace creche::http;
using http::test::Caller;

namespace {

class H2Opener final : public http::test::MemoryOpener {
 public:
  explicit H2Opener(IoContext& io) : io_(io) {}
  std::unique_ptr<Connection> Make(
      std::unique_ptr<http::test::MemoryTransport> transport) override {
    return std::make_unique<H2Connection>(io_, std::move(transport));
  }

 private:
  IoContext& io_;
};

[[noreturn]] void Wrong(const char* what, const std::string& detail) {
  fprintf(stderr, "%s: %s\n", what, detail.c_str());
  abort();
}

struct Play {
  explicit Play(uint8_t asked) : asked(asked) {
    for (int i = 0; i <= (asked & 1); i++) {
      Request request = http::test::Get("http://h/a");
      request.method = "POST";  // nothing is sent twice unless the server says that it took nothing
      if ((asked & 2) != 0) request.body = BodySource::Bytes("body");
      t.Start(std::move(request), (asked & 4) != 0);
    }
    t.loop->Poll();
    t.wire().destroyed = &closed;
  }
  ~Play() {
    if (!closed) t.wire().destroyed = nullptr;
  }

  void Feed(std::string_view bytes) {
    if (closed) return;
    t.wire().Feed(bytes);
    for (size_t i = 0; i < t.callers.size(); i++) {
      auto& caller = t.callers[i];
      char block[4096];
      size_t n = 0;
      // Read, as a user does who wants it.
      while (caller->stream && !caller->stream->Read(block, sizeof block, &n).bad() && n > 0) {
        read[i].append(block, n);
        caller->call->SetAwaited(sizeof block);
      }
    }
    t.loop->Poll();
  }

  void End() {
    if (!closed) t.wire().FeedEnd();
    t.loop->Poll();
    for (auto& caller : t.callers)
      if (!caller->ended && caller->call && t.opener.transports.size() < 2)
        Wrong("a call goes on without a connection", caller->Outcome());
  }

  // What came of each call. What a failure is called may differ: that of a stream is told when its
  // reset is sent, and one of the connection that is read before comes first; so may how much of a
  // body came before it.
  bool SameAs(const Play& o) const {
    for (size_t i = 0; i < t.callers.size(); i++) {
      Caller& mine = *t.callers[i];
      Caller& other = *o.t.callers[i];
      if (mine.ended != other.ended || !mine.error != !other.error) return false;
      if (!mine.error && (mine.Outcome() != other.Outcome() || read[i] != o.read[i])) return false;
      if (!read[i].starts_with(o.read[i]) && !o.read[i].starts_with(read[i])) return false;
    }
    return true;
  }
  std::string Print() const {
    std::string all;
    for (size_t i = 0; i < t.callers.size(); i++)
      all += t.callers[i]->Outcome() + " (" + std::to_string(read[i].size()) + "); ";
    return all;
  }

  const uint8_t asked;
  http::test::CallFixture<H2Opener> t{Pool::Limits{.total = 1}};
  bool closed = false;
  std::string read[2];
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Less than what counts as a flood, which is one only if it is not answered between.
  if (size < 3 || size > 8192) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const size_t cut = data[1] == 0 ? bytes.size() : data[1];

  Play whole(data[0]);
  whole.Feed(bytes);
  whole.End();

  Play parts(data[0]);
  for (size_t at = 0; at < bytes.size(); at += cut) parts.Feed(bytes.substr(at, cut));
  parts.End();
  if (!whole.SameAs(parts))
    Wrong("where it is cut makes a difference", whole.Print() + "/ " + parts.Print());

  // Given up on the way: the others are told all the same.
  Play given_up(data[0]);
  const size_t when = data[0] >> 3;
  for (size_t at = 0, piece = 0; at < bytes.size(); at += cut, piece++) {
    if (piece == when) {
      given_up.t.callers[0]->call->Abort();
      given_up.t.callers[0]->ended = true;
    }
    given_up.Feed(bytes.substr(at, cut));
  }
  given_up.End();
  return 0;
}
