// HTTP/2 over a transport in memory: the answers of a server, cut at each byte.
#include <gtest/gtest.h>

#include <string>

#include "h2_calls.h"

namespace creche::http {
namespace {

using creche::test::TestLoop;
using test::Caller;
using test::Frame;
using test::Get;
using test::H2;
using test::kField;
using test::kOk;
using test::kSettings;
using test::kSettingsAck;

// What two calls, one after the other on the wire, come to.
struct Script {
  std::string bytes;  // of the server
  std::string first, second;
};

// A head in one frame and so many more.
std::string InFrames(int continuations) {
  std::string frames = Frame(1, 0, 1, kOk);
  for (int i = 1; i <= continuations; i++)
    frames += Frame(9, i == continuations ? 4 : 0, 1, i % 2 == 0 ? "" : kField);
  return frames;
}

std::vector<Script> Scripts() {
  const std::string begin = kSettings + kSettingsAck;
  const std::string second = Frame(1, 4, 3, kOk) + Frame(0, 1, 3, "there");
  return {
      {begin + Frame(1, 4, 1, kOk + kField) + Frame(0, 1, 1, "hello") + second, "200 hello",
       "200 there"},
      // In pieces, padded, with a trailer, pings and what nobody knows between.
      {begin + Frame(1, 0, 1, kOk) + Frame(9, 4, 1, kField) +
           Frame(0, 8, 1, std::string("\3he\0\0\0", 6)) + Frame(6, 0, 0, "12345678") +
           Frame(77, 255, 1, "what") + second + Frame(0, 0, 1, "") + Frame(0, 0, 1, "llo") +
           Frame(1, 5, 1, kField),
       "200 hello", "200 there"},
      {begin + Frame(3, 0, 1, std::string("\0\0\0\2", 4)) + second, "CRECHE_E_DISCONNECTED",
       "200 there"},
      {begin + Frame(1, 4, 1, kField) + second, "CRECHE_E_PROTOCOL", "200 there"},
      {begin + Frame(1, 4, 1, kOk) + Frame(0, 0, 1, "some") + Frame(0, 0, 0, "x"),
       "CRECHE_E_PROTOCOL", "CRECHE_E_PROTOCOL"},
      {begin + second + Frame(7, 0, 0, std::string("\0\0\0\3\0\0\0\0", 8)) + Frame(1, 5, 1, kOk),
       "200 ", "200 there"},
      // The head of 64 KiB that is allowed is in 4 frames if they are large.
      {begin + InFrames(8) + Frame(0, 1, 1, "") + second, "200 ", "200 there"},
      {begin + InFrames(9) + Frame(0, 1, 1, "") + second, "CRECHE_E_PROTOCOL", "CRECHE_E_PROTOCOL"},
  };
}

std::string Why(const Caller& caller) {
  return caller.error ? std::string(caller.error->message()) + " " : "";
}

// size: how much is fed at a time, but for the first piece.
void Play(const Script& script, size_t first, size_t size) {
  H2 t;
  Request post = Get("http://h/a");
  post.method = "POST";  // nothing is sent twice
  Caller* a = t.Start(post);
  Caller* b = t.Start(std::move(post));
  t.loop->Poll();
  const std::string sent = t.wire().TakeWritten();
  ASSERT_EQ(sent.substr(0, 24), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  bool closed = false;
  t.wire().destroyed = &closed;
  for (size_t at = 0; at < script.bytes.size() && !closed;) {
    const size_t n = at == 0 && first > 0 ? first : size;
    t.wire().Feed(script.bytes.substr(at, n));
    t.loop->Poll();
    at += n;
  }
  EXPECT_EQ(a->Outcome(), script.first)
      << "cut at " << first << ", " << size << ": " << Why(*a) << Why(*b);
  EXPECT_EQ(b->Outcome(), script.second)
      << "cut at " << first << ", " << size << ": " << Why(*a) << Why(*b);
}

TEST(H2Test, WhereFramesAreCutChangesNothing) {
  for (const Script& script : Scripts()) {
    Play(script, 0, script.bytes.size());
    Play(script, 0, 1);
    for (size_t cut = 1; cut < script.bytes.size(); cut++) Play(script, cut, script.bytes.size());
  }
}

// What the windows of stream 1 and its updates come to, in what the client has written.
int64_t RoomGiven(std::string_view frames) {
  int64_t room = 0;
  const auto number = [&](size_t at, int bytes) {
    int64_t value = 0;
    for (int i = 0; i < bytes; i++) value = value << 8 | static_cast<uint8_t>(frames[at + i]);
    return value;
  };
  for (size_t at = 0; at + 9 <= frames.size(); at += 9 + number(at, 3))
    if (number(at + 3, 1) == 8 && number(at + 5, 4) == 1) room += number(at + 9, 4);
  return room;
}

// A window's worth of a body comes, after a round trip of 50 ms, within so long. How much more may.
int64_t RoomAfter(Nanos time, const std::string& confirmed, bool read) {
  H2 t({}, {}, TestLoop::OpenVirtual());
  Caller* caller = t.Start(Get("http://h/"), !read);
  t.loop->Poll();
  t.loop->Advance(50 * kMillisecond);
  t.wire().Feed(kSettings + confirmed + Frame(1, 4, 1, kOk));
  t.loop->Poll();
  t.wire().TakeWritten();
  constexpr int kFrames = ReceiveWindow::kFirst / 16384;
  for (int i = 0; i < kFrames; i++) {
    if (i == kFrames - 1) t.loop->Advance(time);
    t.wire().Feed(Frame(0, 0, 1, std::string(16384, 'x')));
    t.loop->Poll();
  }
  EXPECT_FALSE(caller->ended);
  return RoomGiven(t.wire().TakeWritten());
}

TEST(H2Test, AWindowGrowsWhileTheServerWaitsForIt) {
  EXPECT_EQ(RoomAfter(90 * kMillisecond, kSettingsAck, true), 2 * ReceiveWindow::kFirst);
  EXPECT_EQ(RoomAfter(110 * kMillisecond, kSettingsAck, true), ReceiveWindow::kFirst);
  EXPECT_EQ(RoomAfter(90 * kMillisecond, "", true), ReceiveWindow::kFirst);
  EXPECT_LE(RoomAfter(90 * kMillisecond, kSettingsAck, false), ReceiveWindow::kFirst);
}

TEST(ReceiveWindowTest, DoublesUpToItsMost) {
  ReceiveWindow window;
  for (const int32_t size : {512 << 10, 1 << 20, 2 << 20, 4 << 20}) {
    EXPECT_TRUE(window.Took(static_cast<size_t>(window.size()), 0, kSecond));
    EXPECT_EQ(window.size(), size);
  }
  EXPECT_FALSE(window.Took(ReceiveWindow::kMost, 0, kSecond));
  EXPECT_EQ(window.size(), ReceiveWindow::kMost);
}

TEST(ReceiveWindowTest, WhatWasHeldBackIsNotMeasured) {
  ReceiveWindow window;
  EXPECT_FALSE(window.Took(ReceiveWindow::kFirst - 1, 0, kSecond));
  window.Restart();
  EXPECT_FALSE(window.Took(ReceiveWindow::kFirst - 1, 10 * kSecond, kSecond));
  EXPECT_TRUE(window.Took(1, 11 * kSecond, kSecond));
}

// What is cancelled, in any order, is told nothing more, and all others are.
TEST(H2Test, EachIsToldOnce) {
  uint32_t seed = 1;
  const auto random = [&](uint32_t below) {
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
  };
  for (int round = 0; round < 300; round++) {
    H2 t({.total = 1});
    std::vector<Caller*> callers;
    std::vector<bool> aborted;
    const uint32_t count = 1 + random(6);
    for (uint32_t i = 0; i < count; i++) {
      Request post = Get("http://h/x");
      post.method = "POST";
      callers.push_back(t.Start(std::move(post), random(3) == 0));
      aborted.push_back(false);
    }
    if (random(4) > 0) t.loop->Poll();
    bool closed = false;
    t.wire().destroyed = &closed;
    std::string bytes = kSettings + kSettingsAck;
    for (int step = 0; step < 30 && !closed; step++) {
      const int stream = static_cast<int>(1 + 2 * random(count + 1));
      const uint32_t what = random(12);
      if (what < 4) bytes += Frame(1, random(4) == 0 ? 5 : 4, stream, kOk);
      if (what >= 4 && what < 7) bytes += Frame(0, static_cast<int>(random(2)), stream, "data");
      if (what == 7) bytes += Frame(3, 0, stream, std::string("\0\0\0\7", 4));
      if (what == 8 && random(4) == 0) bytes += Frame(7, 0, 0, std::string("\0\0\0\3\0\0\0\0", 8));
      if (what == 9) {
        const uint32_t one = random(count);
        callers[one]->call->Abort();
        aborted[one] = true;
      }
      if (what >= 10) t.loop->Poll();
      const size_t n = random(static_cast<uint32_t>(bytes.size()) + 1);
      if (closed || n == 0) continue;
      t.wire().Feed(bytes.substr(0, n));
      bytes.erase(0, n);
    }
    if (!closed) t.wire().FeedEnd();
    t.loop->Poll();
    for (size_t i = 0; i < callers.size(); i++)  // Caller looks whether it is told twice
      EXPECT_TRUE(callers[i]->ended || aborted[i] || t.opener.transports.size() > 1)
          << "round " << round << ", caller " << i;
  }
}

}  // namespace
}  // namespace creche::http
