#include "core/list.h"

#include <gtest/gtest.h>

#include <string>

namespace creche {
namespace {

struct ByAge;
struct Seat : ListNode<Seat>, ListNode<Seat, ByAge> {
  explicit Seat(char its_name) : name(its_name) {}
  const char name;
};

template <class Tag>
std::string Names(const List<Seat, Tag>& list) {
  std::string names;
  for (const Seat* seat = list.first(); seat; seat = list.Next(seat)) names += seat->name;
  std::string back;
  for (const Seat* seat = list.last(); seat; seat = list.Prev(seat)) back.insert(0, 1, seat->name);
  EXPECT_EQ(names, back);
  return names;
}

TEST(ListTest, KeepsTheOrder) {
  Seat a('a'), b('b'), c('c'), d('d');
  List<Seat> list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.first(), nullptr);
  EXPECT_EQ(list.last(), nullptr);
  EXPECT_EQ(list.PopFront(), nullptr);
  list.PushBack(&b);
  list.PushBack(&d);
  list.PushFront(&a);
  list.InsertBefore(&d, &c);
  EXPECT_EQ(Names(list), "abcd");
  EXPECT_EQ(list.PopFront(), &a);
  EXPECT_FALSE(list.Has(&a));
  EXPECT_EQ(Names(list), "bcd");
}

TEST(ListTest, AnElementLeavesFromAnyPlaceAndComesAgain) {
  Seat a('a'), b('b'), c('c');
  List<Seat> list;
  for (Seat* seat : {&a, &b, &c}) list.PushBack(seat);
  list.Remove(&b);
  EXPECT_EQ(Names(list), "ac");
  list.Remove(&b);  // is in none: nothing happens
  list.Remove(&c);
  list.Remove(&a);
  EXPECT_TRUE(list.empty());
  list.PushBack(&b);
  EXPECT_EQ(Names(list), "b");
}

TEST(ListTest, ListsOfTwoTagsDoNotMeet) {
  Seat a('a'), b('b');
  List<Seat> line;
  List<Seat, ByAge> ages;
  line.PushBack(&a);
  line.PushBack(&b);
  ages.PushBack(&b);
  ages.PushBack(&a);
  EXPECT_EQ(Names(ages), "ba");
  line.Remove(&a);
  EXPECT_EQ(Names(line), "b");
  EXPECT_EQ(Names(ages), "ba");
  EXPECT_TRUE(ages.Has(&a));
}

TEST(ListTest, ADestroyedElementLeaves) {
  Seat a('a');
  List<Seat> list;
  list.PushBack(&a);
  {
    Seat b('b');
    list.PushBack(&b);
    EXPECT_EQ(Names(list), "ab");
  }
  EXPECT_EQ(Names(list), "a");
}

TEST(ListTest, ADestroyedListLetsItsElementsGo) {
  Seat a('a');
  {
    List<Seat> list;
    list.PushBack(&a);
  }
  EXPECT_FALSE(List<Seat>::Has(&a));
  List<Seat> next;
  next.PushBack(&a);
  EXPECT_EQ(Names(next), "a");
}

TEST(ListTest, AppendsAllOfAnother) {
  Seat a('a'), b('b'), c('c');
  List<Seat> list, other;
  list.PushBack(&a);
  other.PushBack(&b);
  other.PushBack(&c);
  list.Append(&other);
  EXPECT_EQ(Names(list), "abc");
  EXPECT_TRUE(other.empty());
}

}  // namespace
}  // namespace creche
