// Who of the members that several use takes the next statement.
#include "pg/sharing.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>

#include "pg/command/query.h"
#include "pg/pool.h"
#include "pg_server.h"
#include "test_loop.h"

namespace creche::pg {
namespace {

using creche::test::TestLoop;
using test::FakeServer;

struct Silent final : Query {
  explicit Silent(const std::string& sql) : statement(sql, nullptr, 0) { Run(&statement); }
  void OnEnd(Ending) noexcept override {}
  const Statement statement;
};

struct SharingTest : ::testing::Test {
  SharingTest() {
    for (int i = 0; i < 3; i++) {
      // A pool is only told of answers, of which there are none.
      members.push_back(std::make_unique<Member>(
          reinterpret_cast<Pool&>(no_pool), *loop, servers[i].TakeEndpoint(),
          Connection::Settings{.session = {}, .depth = 4}, shared, statements));
      members.back()->set_state(Member::State::kShared);
      sharing.Update(members.back().get());
    }
  }
  ~SharingTest() override {
    for (const auto& member : members) sharing.Remove(member.get());
  }
  // The one that is picked gets a statement; -1: there is none.
  int Give() {
    Member* member = sharing.Pick(now);
    if (!member) return -1;
    queries.emplace_back("select " + std::to_string(queries.size()));
    member->connection().Submit(&queries.back());
    sharing.Gave(member);
    for (size_t i = 0; i < members.size(); i++)
      if (members[i].get() == member) return static_cast<int>(i);
    return -2;
  }
  std::string Give(int count) {
    std::string given;
    for (int i = 0; i < count; i++) given += static_cast<char>('0' + Give());
    return given;
  }
  void EndTurn() { loop->Poll(); }

  const Ref<TestLoop> loop = TestLoop::OpenVirtual();
  Shared shared;
  const ResetStatements statements;
  alignas(Pool) char no_pool[sizeof(Pool)];
  FakeServer servers[3];
  std::deque<Silent> queries;
  Sharing sharing;
  std::vector<std::unique_ptr<Member>> members;
  Nanos now = 0;
};

TEST_F(SharingTest, WhoHasLeastToDoAndEqualsInTurn) {
  std::string given;
  for (int i = 0; i < 6; i++) {
    given += Give(1);
    EndTurn();  // what was given has gone: nothing gathers
  }
  EXPECT_EQ(given, "012012");
}

TEST_F(SharingTest, WhatGoesTogetherCostsOneSend) {
  Give(6);
  EndTurn();
  // All have two: one more goes with the one before, which then has half as much again, and no
  // more.
  EXPECT_EQ(Give(2), "22");
  EXPECT_EQ(Give(1), "0");
}

TEST_F(SharingTest, NobodyTakesMoreThanFits) {
  EXPECT_EQ(Give(12).size(), 12u);
  for (const auto& member : members) EXPECT_EQ(member->connection().load(), 4u);
  EXPECT_EQ(Give(), -1);
}

TEST_F(SharingTest, WhoIsReservedOrHeldOrExpiresTakesNone) {
  members[0]->reserved = true;
  sharing.Update(members[0].get());
  members[1]->set_state(Member::State::kHeld);
  EXPECT_EQ(Give(1), "2") << "also if nobody has said that it is held";
  EndTurn();
  EXPECT_EQ(Give(1), "2");
  members[2]->expires = 5;
  now = 5;
  EndTurn();
  EXPECT_EQ(Give(), -1);
  members[0]->reserved = false;
  sharing.Update(members[0].get());
  EXPECT_EQ(Give(1), "0");
}

TEST_F(SharingTest, WhoHasGoneIsForgotten) {
  Give(6);
  EndTurn();
  EXPECT_EQ(Give(1), "2");
  members[2]->set_state(Member::State::kResetting);
  sharing.Update(members[2].get());
  EXPECT_EQ(Give(1), "0") << "though what was given last gathers";
}

}  // namespace
}  // namespace creche::pg
