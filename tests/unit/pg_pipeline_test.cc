// What may be sent behind what, and the order of what was.
#include "pg/pipeline.h"

#include <gtest/gtest.h>

#include "pg/command/query.h"

namespace creche::pg {
namespace {

struct Plain : Query {
  Plain() { Run(&statement); }
  void OnEnd(Ending) noexcept override {}
  Statement statement{"select 1", nullptr, 0};
};
struct Alone : Plain {
  bool alone() const noexcept override { return true; }
};

struct Line {
  // hash: of what it runs.
  Flight& Send(uint64_t hash, bool implicit = true) {
    Flight& flight = pipeline.Next();
    flight.hash = hash;
    flight.implicit = implicit;
    pipeline.Push();
    return flight;
  }
  bool May(const Command& command, bool any_order = false) {
    return pipeline.MayFollow(command, any_order, history);
  }
  Line() {
    history.Record(kQuick, 1000, true);
    history.Record(kSlow, kSecond, true);
  }
  static constexpr uint64_t kQuick = 1, kSlow = 2, kNew = 3, kNewToo = 4;
  History history;
  Pipeline pipeline{4};
  Plain plain;
  Alone alone;
};

TEST(PgPipeline, FirstInFirstOutAroundTheRing) {
  Line line;
  Plain commands[100];
  size_t in = 0, out = 0;
  while (out < 100) {
    while (in < 100 && !line.pipeline.full()) {
      line.pipeline.Next().command = &commands[in++];
      line.pipeline.Push();
    }
    EXPECT_EQ(line.pipeline.size(), std::min<size_t>(4, 100 - out));
    EXPECT_EQ(line.pipeline.Find(&commands[in - 1])->command, &commands[in - 1]);
    EXPECT_EQ(line.pipeline.Pop().command, &commands[out++]);
  }
  EXPECT_TRUE(line.pipeline.empty());
  EXPECT_EQ(line.pipeline.Find(&commands[0]), nullptr);
}

TEST(PgPipeline, NothingOfOneIsLeftForTheNextInItsPlace) {
  Line line;
  for (int i = 0; i < 20; i++) {
    Flight& flight = line.pipeline.Next();
    EXPECT_FALSE(flight.error || flight.rows || flight.columns || flight.cancelled || flight.stale);
    EXPECT_EQ(flight.affected, -1);
    flight.error = NoMemoryError();
    flight.columns = RowDescription::None();
    flight.stale = true;
    flight.affected = 7;
    line.pipeline.Push();
    line.pipeline.MarkCancelled(&line.pipeline.first());
    EXPECT_EQ(line.pipeline.cancelled(), 1u);
    EXPECT_TRUE(line.pipeline.Pop().cancelled);
    EXPECT_EQ(line.pipeline.cancelled(), 0u);
  }
}

TEST(PgPipeline, SomeHaveTheConnectionToThemselves) {
  Line line;
  EXPECT_TRUE(line.May(line.alone));
  line.Send(Line::kQuick);
  EXPECT_FALSE(line.May(line.alone, true));
  EXPECT_TRUE(line.May(line.plain, true));
  line.pipeline.Pop();
  line.Send(0).alone = true;
  EXPECT_FALSE(line.May(line.plain, true));
}

TEST(PgPipeline, WhereTheOrderCountsNothingStandsBehindWhatTakesLong) {
  Line line;
  line.Send(Line::kQuick);
  EXPECT_TRUE(line.May(line.plain));
  line.Send(Line::kSlow);
  EXPECT_FALSE(line.May(line.plain));
  EXPECT_TRUE(line.May(line.plain, true)) << "each is run again unseen";
  line.pipeline.Pop();
  EXPECT_FALSE(line.May(line.plain));
  line.pipeline.Pop();
  EXPECT_TRUE(line.May(line.plain));
}

TEST(PgPipeline, OutsideOfTransactionsTwoAreInFlightAtTheMost) {
  Line line;
  line.Send(Line::kNew);
  EXPECT_TRUE(line.May(line.plain));
  EXPECT_TRUE(line.May(line.plain)) << "asking changes nothing";
  line.Send(Line::kNewToo);
  EXPECT_FALSE(line.May(line.plain));
  line.pipeline.Pop();
  EXPECT_TRUE(line.May(line.plain));
  // In a transaction a hit is no secret: the whole of it fails.
  line.pipeline.Pop();
  line.Send(Line::kNew, false);
  line.Send(Line::kNewToo, false);
  EXPECT_TRUE(line.May(line.plain));
}

TEST(PgPipeline, KnowsWhatMayChangeWhatNamesMean) {
  Line line;
  line.pipeline.Next().changes = true;
  EXPECT_FALSE(line.pipeline.has_changes()) << "not of itself";
  line.pipeline.Push();
  EXPECT_TRUE(line.pipeline.has_changes());
  line.pipeline.Pop();
  EXPECT_FALSE(line.pipeline.has_changes());
}

TEST(PgPipeline, NothingIsSentBehindWhatOpensATransaction) {
  Line line;
  line.Send(Line::kQuick).opens = true;
  EXPECT_FALSE(line.May(line.plain));
  EXPECT_FALSE(line.May(line.plain, true)) << "if it fails, it would happen outside";
  line.pipeline.Pop();
  EXPECT_TRUE(line.May(line.plain));
}

TEST(PgPipeline, KnowsTheEdgesOfTransactions) {
  Line line;
  EXPECT_FALSE(line.pipeline.has_edge());
  line.Send(Line::kQuick);
  line.Send(Line::kQuick).edge = true;
  EXPECT_TRUE(line.pipeline.has_edge());
  line.pipeline.Pop();
  line.pipeline.Pop();
  EXPECT_FALSE(line.pipeline.has_edge());
}

}  // namespace
}  // namespace creche::pg
