// HTTP/2: what is due when, and what is not any more.
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
using test::kOk;
using test::kSettings;
using test::kSettingsAck;
using test::Setting;

constexpr int kMaxStreams = 3;
const std::string kEarlyHints =
    "\x08\x03"
    "103";  // a literal :status
const std::string kContinue =
    "\x08\x03"
    "100";

void Pass(H2* t, Nanos time) {
  t->loop->Poll();
  t->loop->Advance(time);
  t->loop->Poll();
}

// Inside a head it is read_gap, from a head that says nothing yet to the next one first_byte.
TEST(H2TimeTest, BetweenTwoHeadsNoReadIsLate) {
  for (const std::string& early : {kEarlyHints, kContinue}) {
    H2 t({}, {}, TestLoop::OpenVirtual());
    Request get = Get("http://h/");
    get.timeouts.read_gap = kSecond;
    get.timeouts.first_byte = 10 * kSecond;
    Caller* in_time = t.Start(get);
    Caller* late = t.Start(get);
    t.loop->Poll();
    t.wire().Feed(kSettings + kSettingsAck + Frame(1, 4, 1, early) + Frame(1, 4, 3, early));
    Pass(&t, 5 * kSecond);
    t.wire().Feed(Frame(1, 4, 1, early));
    Pass(&t, 4 * kSecond);
    t.wire().Feed(Frame(1, 5, 1, kOk));
    t.loop->Poll();
    EXPECT_EQ(in_time->Outcome(), "200 ");
    EXPECT_EQ(late->Outcome(), "goes on");
    Pass(&t, 2 * kSecond);
    ASSERT_EQ(late->Outcome(), "CRECHE_E_TIMEOUT");
    EXPECT_EQ(late->error->phase(), Phase::kHeaders);
    EXPECT_NE(std::string(late->error->message()).find("timeouts.first_byte"), std::string::npos);
  }
}

// The time for a place is over with the place; what does not go out then is late in sending.
TEST(H2TimeTest, WhoHasWaitedForAPlaceIsSendingThen) {
  H2 t({}, {}, TestLoop::OpenVirtual());
  Request get = Get("http://h/");
  get.timeouts.pool = kSecond;
  get.timeouts.send = 10 * kSecond;
  Caller* first = t.Start(get);
  t.loop->Poll();
  t.wire().Feed(Setting(kMaxStreams, 0) + kSettingsAck + Frame(1, 5, 1, kOk));
  t.loop->Poll();
  EXPECT_EQ(first->Outcome(), "200 ");
  Caller* waits = t.Start(get);
  Pass(&t, kSecond / 2);
  EXPECT_EQ(waits->call->phase(), Phase::kPool);
  t.wire().MakeRoom(0);
  t.wire().Feed(Setting(kMaxStreams, 10));
  Pass(&t, 9 * kSecond);
  EXPECT_EQ(waits->Outcome(), "goes on");
  Pass(&t, 2 * kSecond);
  ASSERT_EQ(waits->Outcome(), "CRECHE_E_TIMEOUT");
  EXPECT_EQ(waits->error->phase(), Phase::kSend);
  EXPECT_NE(std::string(waits->error->message()).find("timeouts.send"), std::string::npos);
}

}  // namespace
}  // namespace creche::http
