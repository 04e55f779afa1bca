// The parts of a tree by themselves: lists, rings, lines, and the table of what differs by kind of
// node.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tasks/effect_list.h"
#include "tasks/node/nodes.h"
#include "tasks/node/wait_node.h"
#include "tasks/ready_list.h"
#include "tasks/residents.h"
#include "tasks/settle_list.h"
#include "tasks/waitable/ring.h"
#include "tasks/waitable/wait_line.h"

namespace creche::tasks {
namespace {

TEST(ReadyListTest, RunsInTheOrderOfPushes) {
  ReadyList list;
  PostEntry entries[3];
  EXPECT_TRUE(list.empty());
  for (PostEntry& entry : entries) list.Push(&entry);
  EXPECT_EQ(list.last(), &entries[2]);
  for (PostEntry& entry : entries) EXPECT_EQ(list.Pop(), &entry);
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.last(), nullptr);
}

TEST(ReadyListTest, ShufflesWhatMayRunInAnyOrderAndKeepsPosts) {
  ReadyList list;
  EXPECT_FALSE(list.shuffles());
  list.set_shuffle(7);
  ASSERT_TRUE(list.shuffles());
  SleepNode sleeps[16];
  PostEntry posts[16];
  for (int i = 0; i < 16; i++) {
    list.Push(static_cast<EndNode*>(&sleeps[i]));
    list.Push(&posts[i]);
  }
  list.Shuffle();
  std::vector<Entry*> order;
  while (!list.empty()) order.push_back(list.Pop());
  ASSERT_EQ(order.size(), 32u);
  int post = 0, moved = 0;
  for (size_t i = 0; i < order.size(); i++) {
    if (order[i]->entry_type == EntryType::kPost) {
      EXPECT_EQ(order[i], &posts[post++]);
    }
    moved += i % 2 == 0 && order[i] != static_cast<EndNode*>(&sleeps[i / 2]);
  }
  EXPECT_EQ(post, 16);
  EXPECT_GT(moved, 0);
}

// What a task touches that is spawned, begins, finishes and ends: three lines of cache.
TEST(UserNodeTest, IsHotInItsFirstThreeLines) {
  alignas(64) UserNode node;
  const auto end_of = [&](const auto& field) {
    return reinterpret_cast<const char*>(&field) + sizeof field - reinterpret_cast<char*>(&node);
  };
  EXPECT_LE(end_of(node.id), 64);
  EXPECT_LE(end_of(static_cast<const Entry&>(static_cast<EndNode&>(node)).next_entry), 128);
  for (const ptrdiff_t end : {end_of(node.user), end_of(node.started), end_of(node.body_user),
                              end_of(node.below), end_of(node.leases), end_of(node.body_fn)})
    EXPECT_LE(end, 192);
  EXPECT_EQ(sizeof node % 64, 0u);
}

// Its begin is told by the entry of its end; that of an external one may still be in a queue then.
TEST(UserNodeTest, IsFoundByItsNotices) {
  UserNode user, external;
  user.type = NodeType::kUser;
  external.type = NodeType::kExternal;
  for (UserNode* node : {&user, &external}) {
    Entry* begin = node->begin();
    EXPECT_EQ(begin == static_cast<EndNode*>(node), node == &user);
    begin->entry_type = node == &user ? EntryType::kBegin : EntryType::kNotice;
    begin->what = What::kBegin;
    EXPECT_EQ(NodeOf(begin), node);
    node->cancel()->entry_type = node->stalled()->entry_type = EntryType::kNotice;
    node->cancel()->what = What::kCancel;
    node->stalled()->what = What::kStalled;
    EXPECT_EQ(NodeOf(node->cancel()), node);
    EXPECT_EQ(NodeOf(node->stalled()), node);
  }
}

TEST(EffectListTest, TakesANodeOnceAndLetsItGo) {
  EffectList list;
  SleepNode first, second;
  EXPECT_TRUE(list.Push(&first));
  EXPECT_FALSE(list.Push(&first));
  EXPECT_TRUE(list.Push(&second));
  list.Remove(&first);
  list.Remove(&first);  // it is not in it: nothing happens
  EXPECT_EQ(list.Pop(), &second);
  EXPECT_EQ(list.Pop(), nullptr);
  EXPECT_TRUE(list.Push(&second));  // once more, in a later turn
  EXPECT_EQ(list.Pop(), &second);
}

TEST(EffectListTest, LeavesANodeInItsGroupsLineAlone) {
  EffectList effects;
  Group group(NodeType::kGroup);
  SleepNode task;
  group.waiting.PushBack(&task);
  effects.Remove(&task);
  EXPECT_EQ(group.waiting.first(), &task);
}

TEST(SettleListTest, HasEachNodeOnceAndTheLastFirst) {
  SettleList list;
  Scope first, second;
  list.Push(&first);
  list.Push(&second);
  list.Push(&first);
  EXPECT_EQ(list.Pop(), &second);
  EXPECT_EQ(list.Pop(), &first);
  EXPECT_EQ(list.Pop(), nullptr);
  EXPECT_FALSE(first.settling);
}

TEST(BranchTest, CountsWhatIsAppendedUntilItIsDelivered) {
  Branch branch;
  SleepNode a, b, c;
  for (SleepNode* node : {&a, &b, &c}) branch.Append(node);
  EXPECT_EQ(branch.live, 3u);
  branch.Remove(&b);
  EXPECT_EQ(branch.first_child, &a);
  EXPECT_EQ(a.next, &c);
  EXPECT_EQ(a.prev, &c);  // the last one
  branch.Remove(&a);
  EXPECT_EQ(branch.first_child, &c);
  branch.Remove(&c);
  EXPECT_EQ(branch.first_child, nullptr);
  EXPECT_EQ(branch.live, 3u);
}

struct Session : Resident {
  void CloseForLoop() noexcept override {}
};

TEST(ResidentsTest, AreToldToCloseOnceAndAwaited) {
  Residents residents;
  Session first, second;
  residents.Add(&first);
  residents.Add(&second);
  EXPECT_EQ(residents.NextToClose(), &second);
  EXPECT_EQ(residents.NextToClose(), &first);
  EXPECT_FALSE(residents.closing());
  EXPECT_EQ(residents.NextToClose(), nullptr);
  EXPECT_TRUE(residents.closing());
  EXPECT_TRUE(residents.Remove(&first));
  EXPECT_FALSE(residents.Remove(&first));
  EXPECT_FALSE(residents.closing());  // the loop looks again
  EXPECT_EQ(residents.NextToClose(), nullptr);
  EXPECT_TRUE(residents.closing());
  EXPECT_TRUE(residents.Remove(&second));
  EXPECT_EQ(residents.NextToClose(), nullptr);
  EXPECT_FALSE(residents.closing());
}

TEST(WaitLineTest, KeepsTheTwoLinesOfAWaiterApart) {
  WaitLine<AtObject> object;
  WaitLine<AtHandle> handle;
  Waiter first, second;
  object.PushBack(&first);
  object.PushBack(&second);
  handle.PushBack(&first);
  EXPECT_EQ(object.size(), 2u);
  EXPECT_TRUE(object.Remove(&first));
  EXPECT_FALSE(object.Remove(&first));
  EXPECT_EQ(object.first(), &second);
  EXPECT_EQ(object.size(), 1u);
  EXPECT_TRUE(WaitLine<AtHandle>::Has(&first));
  EXPECT_FALSE(WaitLine<AtHandle>::Has(&second));
  EXPECT_TRUE(object.Remove(&second));
  EXPECT_TRUE(handle.Remove(&first));
}

TEST(RingTest, GrowsAtBothEnds) {
  Ring ring;
  for (uint64_t item = 1; item <= 20; item++) EXPECT_TRUE(ring.Push(item));
  for (uint64_t item = 1; item <= 10; item++) EXPECT_EQ(ring.Pop(), item);
  EXPECT_TRUE(ring.PushFront(10));
  EXPECT_TRUE(ring.PushFront(9));
  EXPECT_TRUE(ring.Reserve());
  EXPECT_EQ(ring.size(), 12u);
  for (uint64_t item = 9; item <= 20; item++) EXPECT_EQ(ring.Pop(), item);
  EXPECT_EQ(ring.size(), 0u);
}

TEST(NodeOpsTest, HasARowForEachKindInTheirOrder) {
  const std::string_view words[] = {"loop", "scope",    "group",   "operation", "sleep",
                                    "task", "external", "offload", "start",     "wait"};
  static_assert(std::size(words) == kNodeTypes);
  for (size_t i = 0; i < kNodeTypes; i++) {
    const NodeOps& ops = kNodeOps[i];
    EXPECT_EQ(ops.word, words[i]);
    EXPECT_NE(ops.describe, nullptr);
    const auto type = static_cast<NodeType>(i);
    const bool task = type > NodeType::kGroup;
    EXPECT_EQ(ops.begin != nullptr, task) << ops.word;
    // The root is a part of its tree; everything else is destroyed.
    EXPECT_EQ(ops.destroy != nullptr, type != NodeType::kRoot) << ops.word;
    // Who keeps errors drops them.
    EXPECT_EQ(ops.keeps_errors != nullptr, ops.drop_errors != nullptr) << ops.word;
  }
}

}  // namespace
}  // namespace creche::tasks
