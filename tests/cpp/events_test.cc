// What goes on for long: server-sent events, WebSockets, LISTEN, COPY, bodies that are written.
#include <stdexcept>

#include "cpp_test.h"
#include "servers.h"

extern "C" {
#include "support/websocket.h"
}

using creche::nursery;
using creche::task;

namespace {

using Events = Coroutines;
using hostile = std::unique_ptr<support_hostile, decltype(&support_hostile_stop)>;

hostile serve(support_script script) {
  return {support_hostile_start(script, nullptr), support_hostile_stop};
}

TEST_F(Events, OfAServer) {
  const hostile server = serve([](support_peer* peer, void*) {
    if (!support_expect_request(peer)) return;
    support_send_text(
        peer,
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        "retry: 1\n\nid: 1\nevent: greeting\ndata: hello\n\ndata: two\ndata: lines\n\n");
    if (support_peer_index(peer) > 0) support_await_close(peer);
  });
  creche::run([&]() -> task<> {
    creche::session web;
    auto events = web.events(support_hostile_url(server.get()));
    auto e = co_await events.next();
    EXPECT_EQ(e->type, "greeting");
    EXPECT_EQ(e->data, "hello");
    EXPECT_EQ(e->id, "1");
    e = co_await events.next();
    EXPECT_EQ(e->type, "message");
    EXPECT_EQ(e->data, "two\nlines");
    EXPECT_EQ(e->connection, 1u);
    e = co_await events.next();  // of another connection, made by itself
    EXPECT_EQ(e->data, "hello");
    EXPECT_EQ(e->connection, 2u);
    co_await events.next();
    EXPECT_FALSE(co_await creche::move_on(10ms, events.next()));
    auto none = web.events("http://127.0.0.1:1/");
    EXPECT_EQ((co_await none.try_next()).error().status(), CRECHE_E_CONNECT);
  });
}

TEST_F(Events, OfAWebSocket) {
  const hostile server = serve([](support_peer* peer, void*) {
    unsigned char data[256];
    size_t size = 0;
    if (!support_websocket_accept(peer, "", nullptr, 0)) return;
    for (int first; (first = support_websocket_take(peer, data, sizeof data, &size)) != -1;) {
      support_websocket_send(peer, first, data, size);
      if ((first & 15) == 8) return;
    }
  });
  creche::run([&]() -> task<> {
    creche::session web;
    auto socket = co_await web.websocket(support_hostile_url(server.get()),
                                         {.flags = CRECHE_WEBSOCKET_NO_COMPRESSION});
    co_await socket.send("text");
    const std::byte bytes[] = {std::byte{1}, std::byte{0}};
    co_await socket.send(std::span<const std::byte>(bytes));
    auto m = co_await socket.receive();
    EXPECT_TRUE(m->text);
    EXPECT_EQ(m->data, "text");
    m = co_await socket.receive();
    EXPECT_FALSE(m->text);
    EXPECT_EQ(m->data, std::string_view("\1\0", 2));
    EXPECT_FALSE(co_await creche::move_on(10ms, socket.receive()));
    EXPECT_EQ(co_await socket.close(3001, "enough"), 3001u);
    EXPECT_FALSE(co_await socket.receive());
    EXPECT_EQ(socket.close_code(), 3001u);
  });
}

TEST_F(Events, OfADatabase) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    auto jobs = db.listen("jobs", "others");
    auto said = co_await jobs.next();
    EXPECT_EQ(said->what, static_cast<uint32_t>(CRECHE_LISTEN_STARTED));
    co_await db.execute("select pg_notify('jobs', $1)", "one");
    said = co_await jobs.next();
    EXPECT_TRUE(said->is_message());
    EXPECT_EQ(said->channel, "jobs");
    EXPECT_EQ(said->payload, "one");
    EXPECT_FALSE(co_await creche::move_on(10ms, jobs.next()));
    co_await db.execute("notify others");
    EXPECT_EQ((co_await jobs.next())->channel, "others");
  });
}

TEST_F(Events, CopyOutAndIn) {
  creche::run([]() -> task<> {
    creche::pool db(dsn());
    co_await db.execute("drop table if exists copied");
    co_await db.execute("create table copied (i int, t text)");
    const uint64_t rows =
        co_await db.copy_in("copy copied from stdin", [](creche::writer& out) -> task<> {
          for (int i = 0; i < 20000; i++) {
            const std::string line = std::to_string(i) + "\tsome text\n";
            co_await out.write(line);
          }
        });
    EXPECT_EQ(rows, 20000u);
    EXPECT_EQ(co_await db.value<int64_t>("select sum(i) from copied"), 199990000);
    auto out = db.copy_out("copy (select i from copied order by i) to stdout");
    std::string all;
    while (auto bytes = co_await out.next()) all += *bytes;
    EXPECT_EQ(all.substr(0, 6), "0\n1\n2\n");
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 20000);
    EXPECT_EQ(out.rows(), 20000u);
    auto given_up = db.copy_out("copy (select generate_series(1, 10000000)) to stdout");
    EXPECT_TRUE(co_await given_up.next());
  });
}

TEST_F(Events, ACopyThatFailsLeavesNothing) {
  creche::run([]() -> task<> {
    creche::pool db(dsn(), {.max_size = 1});
    co_await db.execute("drop table if exists copied");
    co_await db.execute("create table copied (i int)");
    try {
      co_await db.copy_in("copy copied from stdin", [](creche::writer& out) -> task<> {
        co_await out.write("1\n");
        co_await out.flush();
        throw std::logic_error("no more");
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const std::logic_error&) {
    }
    try {
      co_await db.copy_in("copy copied from stdin", [](creche::writer& out) -> task<> {
        for (;;) co_await out.write("this is no number\n");
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const creche::error& e) {
      EXPECT_EQ(e.sqlstate(), "22P02");
    }
    EXPECT_FALSE(co_await creche::move_on(
        20ms, db.copy_in("copy copied from stdin", [](creche::writer& out) -> task<> {
          co_await out.write("2\n");
          co_await out.flush();
          co_await creche::sleep_until(creche::never);
        })));
    EXPECT_EQ(co_await db.value<int>("select count(*) from copied"), 0);
    EXPECT_EQ(db.counters().connects, 1u);
    creche::connection c = co_await db.acquire();
    EXPECT_EQ(co_await c.copy_in("copy copied from stdin",
                                 [](creche::writer& out) -> task<> { co_await out.write("3\n"); }),
              1u);
    auto out = c.copy_out("copy copied to stdout");
    EXPECT_EQ(co_await out.next(), "3\n");
  });
}

TEST_F(Events, ABodyThatIsWritten) {
  const hostile server = serve([](support_peer* peer, void*) {
    while (support_expect_request(peer))
      support_sendf(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n%.5s",
                    support_received(peer));
  });
  creche::run([&]() -> task<> {
    creche::session web;
    const char* const url = support_hostile_url(server.get());
    const auto page =
        co_await web.upload(url, {.method = "PATCH"}, [](creche::writer& out) -> task<> {
          for (int i = 0; i < 3; i++) {
            const std::string piece(100000, 'x');
            co_await out.write(piece);
          }
        });
    EXPECT_EQ(page.status(), 200);
    EXPECT_EQ(page.body(), "PATCH");
    try {
      co_await web.upload(url, {}, [](creche::writer& out) -> task<> {
        co_await out.write("x");
        throw std::logic_error("no more");
      });
      ADD_FAILURE() << "it did not throw";
    } catch (const std::logic_error&) {
    }
  });
}

}  // namespace
