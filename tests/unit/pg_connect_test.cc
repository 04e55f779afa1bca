// Connecting: what is looked at before libpq takes it, and what is hidden in messages.
#include <gtest/gtest.h>

#include <string>

#include "pg/handshake.h"
#include "pg/secrets.h"
#include "pg_wire.h"

namespace creche::pg {
namespace {

std::string Continue(const std::string& first) {
  return test::Message('R', test::Big32(11) + first);
}

NextStep Judge(const std::string& bytes, bool password = true) {
  return JudgeAuthentication(bytes.data(), bytes.size(), password);
}

TEST(Handshake, DerivationIsForWorkersAndHasALimit) {
  const NextStep usual = Judge(Continue("r=abc,s=c2FsdA==,i=4096"));
  EXPECT_EQ(usual.kind, NextStep::kAway);
  EXPECT_TRUE(usual.settled);
  EXPECT_EQ(Judge(Continue("r=abc,s=c2FsdA==,i=1000000")).kind, NextStep::kAway);
  const NextStep much = Judge(Continue("r=abc,s=c2FsdA==,i=1000001"));
  EXPECT_EQ(much.kind, NextStep::kTooLong);
  EXPECT_EQ(much.iterations, 1000001u);
  EXPECT_EQ(Judge(Continue("r=abc,s=c2FsdA==,i=99999999999999999999999")).kind, NextStep::kTooLong);
  EXPECT_EQ(Judge(Continue("r=abc")).kind, NextStep::kAway) << "libpq refuses it";
}

TEST(Handshake, NothingIsJudgedByHalf) {
  const std::string whole = Continue("r=abc,s=c2FsdA==,i=20000000");
  for (size_t size = 1; size < whole.size(); size++)
    EXPECT_EQ(Judge(whole.substr(0, size)).kind, NextStep::kLater) << size;
  // The rest of one whose beginning libpq has taken already.
  for (size_t from = 1; from < whole.size(); from++)
    EXPECT_EQ(Judge(whole.substr(from)).kind, NextStep::kGarbled) << from;
  EXPECT_EQ(Judge(whole + "more").kind, NextStep::kTooLong);
}

TEST(Handshake, TheRestIsQuick) {
  EXPECT_EQ(Judge("").kind, NextStep::kHere);
  EXPECT_EQ(Judge(test::Message('E', "SFATAL")).kind, NextStep::kHere);
  EXPECT_EQ(Judge(test::Message('R', test::Big32(0))).kind, NextStep::kHere);
  EXPECT_TRUE(Judge(test::Message('R', test::Big32(0))).settled);
  EXPECT_EQ(Judge(test::Message('R', test::Big32(10) + "SCRAM-SHA-256"), false).kind,
            NextStep::kHere);
  EXPECT_EQ(Judge(test::Message('R', test::Big32(7)), false).kind, NextStep::kAway) << "Kerberos";
  EXPECT_EQ(Judge("HTTP/1.1 400", false).kind, NextStep::kHere);
}

TEST(Secrets, HidesPiecesOfAnyLengthFromFour) {
  const Secrets secrets("postgres://bob:tops3cret@h/db");
  EXPECT_EQ(secrets.Hide("no \"xtops3crety\" here"), "no \"x***y\" here");
  EXPECT_EQ(secrets.Hide("no \"ps3c\" here"), "no \"***\" here");
  EXPECT_EQ(secrets.Hide("no \"ps3\" here, \"bob\""), "no \"ps3\" here, \"bob\"");
}

TEST(Secrets, AreWhereSomebodyMayHaveMeantThem) {
  const std::string text = "\"sec+ret\"";
  for (const char* dsn :
       {"postgres://u:sec+ret@h/db", "postgres://u:a/sec+ret@h/db", "postgres://uxsec+ret@h/db",
        "postgres://u:sec+retxh:1/db", "postgres://u:a@sec+ret@h", "postgres://u:sec%2bret@h",
        "host=h password=sec+ret", "host=h user=uxpassword=sec+ret port=1",
        "host=h password='sec+ret' port=1", "postgres://h/db?user=u&password=sec+ret&port=1",
        "postgres://[::1:sec+ret/db", "sslpassword = sec+ret"})
    EXPECT_EQ(Secrets(dsn).Hide(text), "\"***\"") << dsn;
  for (const char* dsn :
       {"postgres://h:5432/sec+ret", "postgres://[::1]:5432/sec+ret", "postgres://a:1,b:2/sec+ret",
        "host=h dbname=sec+ret", "", "postgres://u:other@h/sec+ret"})
    EXPECT_EQ(Secrets(dsn).Hide(text), text) << dsn;
}

// What a message consists of anyway says nothing of a password; its absence would.
TEST(Secrets, LeaveTheWordsOfMessages) {
  const Secrets secrets("postgres://bob:mypassword@h/db");
  EXPECT_EQ(secrets.Hide("FATAL: password authentication failed for user \"bob\""),
            "FATAL: password authentication failed for user \"bob\"");
  EXPECT_EQ(secrets.Hide("no such user: bobxmypassword"), "no such user: bobx***");
}

}  // namespace
}  // namespace creche::pg
