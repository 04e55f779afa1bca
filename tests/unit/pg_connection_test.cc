// A connection, from what is submitted to what the server is sent and back, without a library
// around it: order, one failure each, cancelling, closing, losing.
#include "pg/connection.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <deque>
#include <string>

#include "pg/command/query.h"
#include "pg/command/row_stream.h"
#include "pg/command/script.h"
#include "pg/protocol/server_error.h"
#include "pg/rows/row_view.h"
#include "pg_server.h"
#include "test_loop.h"

namespace creche::pg {
namespace {

using creche::test::TestLoop;
using test::FakeServer;
using test::OneInt;
using test::Ready;
using test::Tag;

// A command that remembers how it ended.
template <class C>
struct Recorded : C {
  template <class... Args>
  explicit Recorded(const std::string& sql, Args... args) : C(args...), statement(sql, nullptr, 0) {
    C::Run(&statement);
  }
  void OnEnd(Ending e) noexcept override {
    ends++;
    ending = std::move(e);
  }
  // Of its only cell.
  int64_t value() const { return ending.rows ? RowView(ending.rows->block()).Int8(0, 0) : -1; }
  Statement statement;
  Ending ending;
  int ends = 0;
};

struct Stream : Recorded<RowStream> {
  explicit Stream(const std::string& sql) : Recorded(sql, uint64_t{2}, uint64_t{1} << 20) {}
  void OnRows() noexcept override {
    blocks.push_back(rows().rows());
    (void)rows().Take({}, -1);
  }
  std::vector<uint64_t> blocks;
};

struct Fixture : ::testing::Test, Connection::Owner {
  Fixture() { Open(0); }
  ~Fixture() override { connection.reset(); }
  // process: that the handshake has named; 0: behind a pooler.
  void Open(int process) {
    connection.reset();
    server = std::make_unique<FakeServer>();
    connection =
        std::make_unique<Connection>(*loop, *this, server->TakeEndpoint(process),
                                     Connection::Settings{.session = {}, .depth = 8}, shared);
    ASSERT_EQ(connection->Start(), 0);
  }
  void OnProgress() noexcept override { progress++; }
  void OnLost(const ErrorRef& why) noexcept override {
    lost++;
    why_lost = why;
  }
  using Q = Recorded<Query>;
  Q& Ask(const std::string& sql) {
    queries.emplace_back(sql);
    connection->Submit(&queries.back());
    return queries.back();
  }
  // What is sent by the end of this turn.
  std::string Sent() {
    loop->Poll();
    return server->TakeTypes();
  }
  // The server says this, and it is read.
  void Say(const std::string& bytes) {
    server->Say(bytes);
    loop->Poll();
  }

  Ref<TestLoop> loop = TestLoop::OpenVirtual();
  Shared shared;
  std::unique_ptr<FakeServer> server;
  std::unique_ptr<Connection> connection;
  std::deque<Q> queries;
  int progress = 0;
  int lost = 0;
  ErrorRef why_lost;
};
using PgConnection = Fixture;

TEST_F(PgConnection, WhatATurnBringsGoesOutTogetherAndEachHasItsAnswer) {
  connection->set_shared(true);
  Q &a = Ask("select 1"), &b = Ask("select 2"), &c = Ask("select 3");
  EXPECT_EQ(server->TakeTypes(), "") << "not before the end of the turn";
  EXPECT_EQ(Sent(), "PBDESPBDESPBDES");
  EXPECT_EQ(connection->in_flight(), 3u);
  // The answers come in pieces, cut anywhere.
  const std::string all = OneInt(1) + OneInt(2) + OneInt(3);
  for (const char byte : all) Say(std::string(1, byte));
  EXPECT_EQ(a.value(), 1);
  EXPECT_EQ(b.value(), 2);
  EXPECT_EQ(c.value(), 3);
  EXPECT_EQ(a.ends + b.ends + c.ends, 3);
  EXPECT_EQ(c.ending.affected, 1);
  EXPECT_TRUE(connection->idle());
}

TEST_F(PgConnection, AFailureTouchesNobodyElse) {
  connection->set_shared(true);
  Q &a = Ask("select 1"), &b = Ask("select 1/0"), &c = Ask("select 3");
  (void)Sent();
  Say(OneInt(1) + test::Parsed() + test::Bound() + test::IntColumn() + test::Error("22012") +
      Ready() + OneInt(3));
  EXPECT_EQ(a.value(), 1);
  EXPECT_TRUE(HasState(b.ending.error, "22012"));
  EXPECT_TRUE(b.ending.answered);
  EXPECT_EQ(c.value(), 3);
  EXPECT_FALSE(connection->lost());
}

TEST_F(PgConnection, WhatIsRunAgainIsPreparedOnce) {
  Ask("select 1");
  EXPECT_EQ(Sent(), "PBDES");
  Say(OneInt(1));
  Ask("select 1");
  loop->Poll();
  const auto second = server->Take();
  ASSERT_EQ(second.size(), 5u);
  const std::string name = second[0].body.c_str();
  EXPECT_FALSE(name.empty());
  Say(OneInt(1));
  Q& third = Ask("select 1");
  EXPECT_EQ(Sent(), "BDES") << "a pooler is asked each time what its columns are";
  Say(test::Bound() + test::IntColumn() + test::IntRow(5) + Tag("SELECT 1") + Ready());
  EXPECT_EQ(third.value(), 5);
  // Whoever throws all prepared statements away has thrown this one away, too.
  Ask("discard all");
  (void)Sent();
  Say(test::Parsed() + test::Bound() + test::Message('n', "") + Tag("DISCARD ALL") + Ready());
  EXPECT_TRUE(connection->session().dirty);
  Ask("select 1");
  EXPECT_EQ(Sent(), "PBDES");
}

TEST_F(PgConnection, TheServerItselfIsKnownByItsProcess) {
  Open(4711);
  for (int i = 0; i < 2; i++) {
    Ask("select 1");
    (void)Sent();
    Say(OneInt(1));
  }
  Ask("select 1");
  EXPECT_EQ(Sent(), "PBEBDES") << "once, with the first statement that gains from the answer";
  Say(test::Parsed() + test::Bound() +
      test::Message('D', test::RowBody({test::Big32(4711), "creche"})) + Tag("SELECT 1") +
      test::Bound() + test::IntColumn() + test::IntRow(6) + Tag("SELECT 1") + Ready());
  EXPECT_EQ(queries.back().value(), 6);
  EXPECT_EQ(connection->session().peer, SessionState::Peer::kServer);
  Q& known = Ask("select 1");
  EXPECT_EQ(Sent(), "BES");
  Say(test::Bound() + test::IntRow(7) + Tag("SELECT 1") + Ready());
  EXPECT_EQ(known.value(), 7);
}

TEST_F(PgConnection, AStreamHasItToItself) {
  connection->set_shared(true);
  Stream stream("select generate_series(1, 5)");
  connection->Submit(&stream);
  Q& behind = Ask("select 1");
  EXPECT_EQ(Sent(), "PBDES");
  Say(test::Parsed() + test::Bound() + test::IntColumn() + test::IntRow(1) + test::IntRow(2) +
      test::IntRow(3));
  EXPECT_EQ(stream.blocks, (std::vector<uint64_t>{2, 1})) << "full ones, and what there is";
  connection->Pause(true);
  Say(test::IntRow(4) + Tag("SELECT 4") + Ready());
  EXPECT_EQ(stream.ends, 0) << "held back";
  connection->Pause(false);
  loop->Poll();
  EXPECT_EQ(stream.ends, 1);
  EXPECT_EQ(stream.ending.affected, 4);
  EXPECT_EQ(Sent(), "PBDES");
  Say(OneInt(8));
  EXPECT_EQ(behind.value(), 8);
}

TEST_F(PgConnection, AScriptHasManyResultsAndNoRows) {
  Recorded<Script> script("select 1; select 2");
  connection->Submit(&script);
  EXPECT_EQ(Sent(), "Q");
  Say(test::IntColumn() + test::IntRow(1) + Tag("SELECT 1") + test::IntColumn() + test::IntRow(2) +
      Tag("SELECT 1"));
  EXPECT_EQ(script.ends, 0);
  Say(Ready());
  EXPECT_EQ(script.ends, 1);
  EXPECT_FALSE(script.ending.error || script.ending.rows);
}

TEST_F(PgConnection, AResultThatIsTooBigIsStopped) {
  Q query("select 1");
  query.set_max_bytes(64);
  connection->Submit(&query);
  (void)Sent();
  Say(test::Parsed() + test::Bound() + test::IntColumn() + test::IntRow(1) + test::IntRow(2));
  EXPECT_EQ(server->cancels.size(), 1u);
  EXPECT_EQ(query.ends, 0) << "its answer is read to the end";
  Say(test::Error("57014") + Ready());
  ASSERT_EQ(query.ends, 1);
  EXPECT_EQ(query.ending.error->status(), Status::kLimit);
  server->cancels[0]->End();
  EXPECT_TRUE(connection->idle());
}

// ---- Cancelling ----

TEST_F(PgConnection, WhatWasNotSentGoesWithoutAWord) {
  Stream stream("select 1");
  connection->Submit(&stream);
  Q& waits = Ask("select 2");
  EXPECT_TRUE(connection->Cancel(&waits));
  EXPECT_EQ(waits.ends, 0);
  EXPECT_EQ(Sent(), "PBDES");
  EXPECT_TRUE(server->cancels.empty());
  Say(test::Parsed() + test::Bound() + test::IntColumn() + Tag("SELECT 0") + Ready());
  EXPECT_EQ(Sent(), "") << "no transaction was open that would have to fail";
}

TEST_F(PgConnection, ATransactionFailsWhereAStatementOfItWasCut) {
  Ask("begin");
  (void)Sent();
  Say(test::Parsed() + test::Bound() + test::Message('n', "") + Tag("BEGIN") + Ready('T'));
  Stream stream("select 1");
  connection->Submit(&stream);
  Q &cut = Ask("insert"), &behind = Ask("commit");
  EXPECT_TRUE(connection->Cancel(&cut));
  (void)Sent();
  Say(test::Parsed() + test::Bound() + test::IntColumn() + Tag("SELECT 0") + Ready('T'));
  loop->Poll();
  const auto sent = server->Take();
  ASSERT_GE(sent.size(), 10u);
  EXPECT_NE(sent[0].body.find("was cancelled before it ran"), std::string::npos);
  EXPECT_NE(sent[5].body.find("commit"), std::string::npos);
  EXPECT_EQ(behind.ends, 0);
  connection->Lose(NoMemoryError());  // what fails there owns itself, until it has ended
  EXPECT_EQ(behind.ends, 1);
}

TEST_F(PgConnection, ACancelHoldsWhatFollowsUntilItCanHitNobody) {
  connection->set_shared(true);
  Q& slow = Ask("select pg_sleep(9)");
  (void)Sent();
  EXPECT_FALSE(connection->Cancel(&slow));
  ASSERT_EQ(server->cancels.size(), 1u);
  Q& behind = Ask("select 2");
  EXPECT_EQ(Sent(), "");
  Say(test::Error("57014") + Ready());
  EXPECT_EQ(slow.ends, 1);
  EXPECT_FALSE(slow.ending.undone);
  EXPECT_EQ(Sent(), "") << "the request is still on its way";
  EXPECT_FALSE(connection->idle());
  server->cancels[0]->End();
  EXPECT_EQ(Sent(), "PBDES");
  Say(OneInt(2));
  EXPECT_EQ(behind.value(), 2);
  EXPECT_EQ(behind.ends, 1);
}

TEST_F(PgConnection, WhoIsHitByAnothersCancelHasLeftNoTrace) {
  connection->set_shared(true);
  Q &slow = Ask("select pg_sleep(1)"), &innocent = Ask("select 2");
  (void)Sent();
  EXPECT_FALSE(connection->Cancel(&slow));
  EXPECT_TRUE(server->cancels.empty()) << "others wait behind it: it may end by itself";
  loop->Advance(10 * kMillisecond);
  loop->Poll();
  ASSERT_EQ(server->cancels.size(), 1u);
  // Too late: it has ended, and the next one is hit.
  Say(OneInt(1) + test::Parsed() + test::Error("57014") + Ready());
  EXPECT_EQ(slow.value(), 1) << "what was done in spite of it is a result";
  EXPECT_EQ(innocent.ends, 1);
  EXPECT_TRUE(innocent.ending.undone);
  server->cancels[0]->End();
  // From now on 57014 is the user's own, or the administrator's.
  Q& next = Ask("select 3");
  (void)Sent();
  Say(test::Parsed() + test::Error("57014") + Ready());
  EXPECT_EQ(next.ends, 1);
  EXPECT_FALSE(next.ending.undone);
}

TEST_F(PgConnection, WhatDoesNotEndInTimeIsGivenUpWithItsConnection) {
  Q& deaf = Ask("select 1");
  (void)Sent();
  EXPECT_FALSE(connection->Cancel(&deaf));
  server->cancels[0]->End();
  loop->Advance(5 * kSecond);
  loop->Poll();
  EXPECT_EQ(lost, 1);
  EXPECT_EQ(deaf.ends, 1);
  EXPECT_EQ(deaf.ending.error->status(), Status::kDisconnected);
}

// ---- The end ----

TEST_F(PgConnection, ALossSaysWhatWasSentAndWhatWasNot) {
  connection->set_shared(true);
  Q& sent = Ask("select 1");
  (void)Sent();
  Stream alone("select 2");
  connection->Submit(&alone);
  server->HangUp();
  loop->Poll();
  EXPECT_EQ(lost, 1);
  EXPECT_EQ(sent.ends, 1);
  EXPECT_FALSE(sent.ending.unsent);
  EXPECT_EQ(sent.ending.error->status(), Status::kDisconnected);
  EXPECT_EQ(alone.ends, 1);
  EXPECT_TRUE(alone.ending.unsent);
  Q& late = Ask("select 3");
  EXPECT_EQ(late.ends, 1);
  EXPECT_TRUE(late.ending.unsent);
}

TEST_F(PgConnection, WhatTheServerHadNotBegunWasNotBegun) {
  connection->set_shared(true);
  Q &first = Ask("select 1"), &second = Ask("select 2");
  (void)Sent();
  Say(OneInt(1) + test::Error("57P01", "FATAL"));
  EXPECT_EQ(first.value(), 1);
  EXPECT_EQ(second.ends, 1);
  EXPECT_TRUE(second.ending.unsent) << "the server says it only between statements";
  EXPECT_EQ(lost, 1);
}

TEST_F(PgConnection, AHeldOneIsProbedBeforeItIsUsed) {
  connection->set_held(true, true);
  server->Say(test::Error("57P05", "FATAL"));
  Q& query = Ask("select 1");
  EXPECT_EQ(query.ends, 1);
  EXPECT_TRUE(query.ending.unsent);
  EXPECT_EQ(lost, 1);
}

TEST_F(PgConnection, WhatIsNoMessageEndsIt) {
  for (const char* garbage : {"HTTP/1.1 400", "?....", "Z\0\0\0\5I"}) {
    Open(0);
    lost = 0;
    Q& query = Ask("select 1");
    (void)Sent();
    Say(std::string(garbage, 6));
    EXPECT_EQ(lost, 1) << garbage;
    ASSERT_EQ(query.ends, 1);
    EXPECT_EQ(query.ending.error->status(), Status::kProtocol);
  }
}

TEST_F(PgConnection, ClosingStopsWhatRunsButForWhatHasAShield) {
  Q& commit = Ask("select 1");
  commit.set_shielded(true);
  (void)Sent();
  const ErrorRef why = MakeError(Status::kClosed, Phase::kQuery, "closed");
  connection->BeginClose(why);
  EXPECT_TRUE(server->cancels.empty());
  Say(OneInt(1));
  EXPECT_EQ(commit.value(), 1);
  EXPECT_TRUE(connection->idle());
  EXPECT_GT(progress, 0);

  Open(0);
  Q& runs = Ask("select 2");
  (void)Sent();
  connection->BeginClose(why);
  EXPECT_EQ(server->cancels.size(), 1u);
  Say(test::Error("57014") + Ready());
  EXPECT_EQ(runs.ending.error->status(), Status::kClosed);
  EXPECT_EQ(lost, 0);
}

TEST_F(PgConnection, DestroyedInTheMiddleItForgetsItsCancel) {
  Q& query = Ask("select 1");
  (void)Sent();
  EXPECT_FALSE(connection->Cancel(&query));
  connection.reset();
  EXPECT_TRUE(server->ended);
  EXPECT_TRUE(server->cancels[0]->forgotten());
  EXPECT_EQ(query.ends, 0);
}

// What is whole is taken in one way, what is not in another, and both say the same.
TEST_F(PgConnection, WhatComesMayBeCutAnywhere) {
  const auto text = [](size_t size) {
    return test::Parsed() + test::Bound() +
           test::Message('T', test::ColumnsBody({{"t", 25}, {"n", 25}})) +
           test::Message('D', test::RowBody({std::string(size, 'x'), std::nullopt})) +
           Tag("SELECT 1") + Ready();
  };
  const std::string notice =
      test::Message('N', test::FieldsBody({{'S', "NOTICE"}, {'C', "00000"}, {'M', "hm"}}));
  const std::string all = OneInt(1) + notice + text(20'000) + text(10) + test::Parsed() +
                          test::Error("22012") + Ready() + notice + OneInt(5);
  std::vector<std::string> outcomes;
  for (const size_t piece : {size_t{1} << 20, size_t{1}, size_t{7}, size_t{1000}, size_t{19'999}}) {
    Open(0);
    connection->set_shared(true);
    queries.clear();
    for (int i = 0; i < 5; i++) Ask("select " + std::to_string(i));
    (void)Sent();
    for (size_t at = 0; at < all.size(); at += piece) Say(all.substr(at, piece));
    std::string outcome;
    for (const Q& query : queries) {
      outcome += std::to_string(query.ends) + " " + std::to_string(query.ending.affected) + " ";
      if (query.ending.error) outcome += query.ending.error->fields().sqlstate;
      if (!query.ending.rows) continue;
      const RowBlock* block = query.ending.rows->block();
      outcome += std::string(reinterpret_cast<const char*>(block), block->total_size);
    }
    EXPECT_TRUE(connection->idle());
    outcomes.push_back(outcome);
  }
  for (const std::string& outcome : outcomes) EXPECT_TRUE(outcome == outcomes[0]);
  EXPECT_EQ(lost, 0);
}

// ---- Held back ----

struct HeldBack : Fixture {
  // Three are with the server, and two wait.
  void SetUp() override {
    connection->set_shared(true);
    Ask("select 0");
    (void)Sent();
    Say(OneInt(0));
    queries.clear();
    for (int i = 0; i < 3; i++) Ask("select " + std::to_string(i));
    ASSERT_EQ(Sent(), "PBDESPBDESPBDES");
    Ask("select 3");
    Ask("select 4");
    ASSERT_EQ(Sent(), "");
    EXPECT_EQ(connection->in_flight(), 3u);
    EXPECT_EQ(connection->load(), 5u);
    EXPECT_TRUE(connection->gathers());
  }
};

TEST_F(HeldBack, GoesWhenTheServerHasLessToDo) {
  Say(OneInt(0));
  EXPECT_EQ(Sent(), "PBDESPBDES") << "two are left there, and two waited";
  for (uint32_t i = 1; i < 5; i++) Say(OneInt(i));
  for (size_t i = 0; i < 5; i++) EXPECT_EQ(queries[i].value(), static_cast<int64_t>(i));
  EXPECT_TRUE(connection->idle());
}

TEST_F(HeldBack, GoesWhenAsMuchWaitsAsIsThere) {
  Ask("select 5");
  EXPECT_EQ(Sent(), "PBDESPBDESPBDES");
  Ask("select 6");
  EXPECT_EQ(Sent(), "") << "six are there";
}

TEST_F(HeldBack, WhatGoesAnywayTakesOthersAlong) {
  for (int i = 5; i < 8; i++) Ask("select " + std::to_string(i));
  EXPECT_EQ(connection->in_flight(), 8u) << "as deep as it is";
  EXPECT_EQ(Sent().size(), 25u);
}

TEST_F(HeldBack, CanBeTakenBackWithoutAWord) {
  EXPECT_TRUE(connection->Cancel(&queries[3]));
  EXPECT_EQ(Sent(), "");
  EXPECT_TRUE(server->cancels.empty());
  Say(OneInt(0) + OneInt(1) + OneInt(2));
  EXPECT_EQ(Sent(), "PBDES");
  EXPECT_EQ(queries[3].ends, 0) << "whoever has cancelled it knows";
}

TEST_F(HeldBack, WaitsForACancelOfAnother) {
  EXPECT_FALSE(connection->Cancel(&queries[0]));
  loop->Advance(10 * kMillisecond);
  loop->Poll();
  ASSERT_EQ(server->cancels.size(), 1u);
  Say(test::Error("57014") + Ready() + OneInt(1) + OneInt(2));
  EXPECT_EQ(Sent(), "") << "it could be hit";
  server->cancels[0]->End();
  EXPECT_EQ(Sent(), "PBDESPBDES");
}

TEST_F(HeldBack, WasNotSentWhenTheConnectionIsLost) {
  server->HangUp();
  loop->Poll();
  EXPECT_EQ(lost, 1);
  for (size_t i = 0; i < 5; i++) {
    ASSERT_EQ(queries[i].ends, 1);
    EXPECT_EQ(queries[i].ending.unsent, i >= 3) << i;
  }
}

TEST_F(HeldBack, EndsWhenTheConnectionIsClosed) {
  connection->BeginClose(MakeError(Status::kClosed, Phase::kQuery, "closed"));
  EXPECT_EQ(Sent(), "");
  for (const size_t i : {3u, 4u}) {
    ASSERT_EQ(queries[i].ends, 1);
    EXPECT_TRUE(queries[i].ending.unsent);
    EXPECT_EQ(queries[i].ending.error->status(), Status::kClosed);
  }
  EXPECT_EQ(queries[0].ends, 0);
}

// On a long way what is unanswered says nothing of the server.
TEST_F(PgConnection, NothingIsHeldBackBecauseOfTheWay) {
  connection->set_shared(true);
  Ask("select 0");
  (void)Sent();
  loop->Advance(10 * kMillisecond);
  Say(OneInt(0));
  for (int i = 1; i < 6; i++) {
    Ask("select " + std::to_string(i));
    EXPECT_EQ(Sent(), "PBDES") << i;
  }
  // It takes longer than that.
  loop->Advance(20 * kMillisecond);
  Ask("select 6");
  EXPECT_EQ(Sent(), "");
  Say(OneInt(1) + OneInt(2) + OneInt(3));
  EXPECT_EQ(Sent(), "PBDES");
}

// Who has it alone decides himself what is sent when.
TEST_F(PgConnection, NothingIsHeldBackFromWhoHasItAlone) {
  connection->set_held(true);
  Ask("begin");
  (void)Sent();
  Say(test::Parsed() + test::Bound() + test::Message('n', "") + Tag("BEGIN") + Ready('T'));
  for (int i = 0; i < 5; i++) {
    Ask("select 1, " + std::to_string(i));
    EXPECT_EQ(Sent(), "PBDES") << i;
  }
}

TEST_F(PgConnection, ACommandHasSoManyStatementsAndNoMore) {
  const std::vector<const Statement*> most(Command::kMostStatements, &Ask("x").statement);
  Recorded<Query> full("y"), more("z");
  full.Run(most.data(), most.size());
  connection->Submit(&full);
  std::string sent = "PBDES";
  for (size_t i = 1; i < most.size(); i++) sent += "PBE";
  EXPECT_EQ(Sent(), sent + "PBDES");
  const std::vector<const Statement*> many(most.size() + 1, most[0]);
  more.Run(many.data(), many.size());
  connection->Submit(&more);
  EXPECT_EQ(Sent(), "");
  Say(test::Error("42601") + Ready() + test::Error("42601") + Ready());
  Sent();
  ASSERT_EQ(more.ends, 1);
  EXPECT_TRUE(more.ending.unsent);
  EXPECT_EQ(more.ending.error->status(), Status::kInternal);
}

// A file cannot be watched; what stands in the place of the socket is one.
void PutFileInPlaceOf(int fd) {
  const platform::UniqueFd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(dup3(file.get(), fd, O_CLOEXEC), fd);
}

TEST_F(PgConnection, WhatCannotBeWatchedSaysWhy) {
  FakeServer other;
  auto endpoint = other.TakeEndpoint();
  PutFileInPlaceOf(other.client_fd);
  Connection unwatched(*loop, *this, std::move(endpoint), {}, shared);
  EXPECT_EQ(unwatched.Start(), EPERM);

  Q& a = Ask("select 1");
  connection->Pause(true);
  PutFileInPlaceOf(server->client_fd);
  connection->Pause(false);
  EXPECT_EQ(lost, 1);
  EXPECT_EQ(why_lost->status(), Status::kSystem);
  EXPECT_EQ(why_lost->fields().system_errno, EPERM);
  ASSERT_EQ(a.ends, 1);
  EXPECT_EQ(a.ending.error->status(), Status::kSystem);
}

}  // namespace
}  // namespace creche::pg
