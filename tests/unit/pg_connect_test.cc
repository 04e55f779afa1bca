// Connecting: what is looked at before libpq takes it, and what is hidden in messages.
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <string>

#include "pg/connect/balance_word.h"
#include "pg/connect/conninfo.h"
#include "pg/connect/dsn_error.h"
#include "pg/connect/dsn_slip.h"
#include "pg/connect/handshake.h"
#include "pg/connect/secrets.h"
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

TEST(Secrets, HidesPasswordsAndNothingElse) {
  Secrets secrets;
  for (const char* secret : {"tops3cret", "server", "no", "", "bob1", "a+b/c"}) secrets.Add(secret);
  secrets.Show("bob1");
  EXPECT_EQ(secrets.Hide("no \"tops3cret\" here, tops3cret"), "no \"***\" here, ***");
  EXPECT_EQ(secrets.Hide("server \"server\", role \"bob1\""), "server \"***\", role \"bob1\"");
  EXPECT_EQ(secrets.Hide("\"/root/.postgresql/tops3crets\", no"),
            "\"/root/.postgresql/tops3crets\", no");
  EXPECT_EQ(secrets.Hide("xa+b/c"), "xa+b/c");
  EXPECT_EQ(secrets.Hide("=a+b/c."), "=***.");
  EXPECT_EQ(Secrets("postgres://role@h/d").Hide("role \"role\" does not exist"),
            "role \"role\" does not exist");
}

TEST(BalanceWord, IsTakenOutAndNothingElse) {
  const struct {
    const char *dsn, *rest, *value;  // value: null: it has none
  } cases[] = {
      {"", "", nullptr},
      {"host=a", "host=a", nullptr},
      {"load_balance_hosts=random", "", "random"},
      {"host=a load_balance_hosts=random port=1", "host=a  port=1", "random"},
      {"host=a load_balance_hosts = 'ran\\dom' ", "host=a  ", "random"},
      {"load_balance_hosts=disable host=a load_balance_hosts=random", " host=a ", "random"},
      {"password='a load_balance_hosts=random'", "password='a load_balance_hosts=random'", nullptr},
      {"password=\\ load_balance_hosts=random", "password=\\ load_balance_hosts=random", nullptr},
      {"password='it\\'s load_balance_hosts=random'", "password='it\\'s load_balance_hosts=random'",
       nullptr},
      {"my_load_balance_hosts=random", "my_load_balance_hosts=random", nullptr},
      {"load_balance_hosts", "load_balance_hosts", nullptr},
      {"load_balance_hosts='random", "load_balance_hosts='random", nullptr},
      {"postgresql://a/b", "postgresql://a/b", nullptr},
      {"postgresql://a/b?load_balance_hosts=random", "postgresql://a/b", "random"},
      {"postgres://a/?x=y&load_balance_hosts=random", "postgres://a/?x=y", "random"},
      {"postgres://a/?load_balance_hosts=random&x=y", "postgres://a/?x=y", "random"},
      {"postgres://a/?x=y&load_balance_hosts=random&z=", "postgres://a/?x=y&z=", "random"},
      {"postgres://a/?load_balance_hosts=a&load_balance_hosts=", "postgres://a/", ""},
      {"postgres://load_balance_hosts=random@a/", "postgres://load_balance_hosts=random@a/",
       nullptr},
  };
  for (const auto& c : cases) {
    std::string dsn = c.dsn;
    const auto value = TakeBalanceWord(&dsn);
    EXPECT_EQ(dsn, c.rest) << c.dsn;
    EXPECT_EQ(value.has_value(), c.value != nullptr) << c.dsn;
    EXPECT_EQ(value.value_or(""), c.value ? c.value : "") << c.dsn;
  }
}

TEST(DsnSlip, TellsWhereAPasswordMayStand) {
  for (const char* good :
       {"", "postgres://", "postgres://h", "postgres://u:p@h:1/d?sslmode=disable",
        "postgres://u@h/d", "postgresql://u%40s@h/d", "postgres://u:p:q@h", "postgres://u:p?q@h",
        "postgres://u:p[@h", "postgres://u:p@[::1]:1/d",
        "host=h user=me@server password=a=b@c dbname=d", "host=h password='a b=c' user=u",
        "host=h options=-cwork_mem=1MB", "password='a\\'b c=d'", "sslcert=/etc/password/x",
        "host = h user = u", "postgres://h/d?options=-cwork_mem%3D1MB"})
    EXPECT_EQ(DsnSlip(good), nullptr) << good << ": " << DsnSlip(good);
  for (const char* bad :
       {"postgres://u:a@b@h/d", "postgres://u:a/b@h/d", "postgres://u/x:b@h/d", "postgres:///u:b@h",
        "postgresql://u:a@b/x@h", "postgres://h/d?password=a@b", "postgres://ux+y@h/d",
        "postgres://h/duser=u&password=p", "host=hport=1", "user=upassword=p", "host=h dbname=a=b",
        "options=-cxpassword=p"})
    EXPECT_NE(DsnSlip(bad), nullptr) << bad;
}

// Whatever libpq makes of it: each value that is not a password may be in a message.
TEST(DsnSlip, NoSlipShowsAPassword) {
  static const std::string kPassword = "Qx7JkWvZ";
  const std::string forms[] = {
      "postgres://nobody:" + kPassword + "@db.test:5432/nowhere?sslmode=disable",
      "postgresql://nobody:" + kPassword + "@/nowhere",
      "host=db.test port=5432 user=nobody password=" + kPassword + " dbname=nowhere",
      "postgres://db.test:5432/nowhere?user=nobody&password=" + kPassword + "&sslmode=disable",
  };
  const auto has_a_piece = [](const std::string& text) {
    for (size_t i = 0; i + 3 <= kPassword.size(); i++)
      if (text.find(kPassword.substr(i, 3)) != text.npos) return true;
    return false;
  };
  const auto try_dsn = [&](const std::string& dsn) {
    char* why = nullptr;
    PQconninfoOption* options = PQconninfoParse(dsn.c_str(), &why);
    if (!options) {
      EXPECT_FALSE(has_a_piece(DsnError(dsn.c_str(), why)->message())) << dsn;
      PQfreemem(why);
      return;
    }
    PQconninfoFree(options);
    const Result<Conninfo> read = ReadConninfo(dsn.c_str(), "");
    if (!read.ok()) {
      EXPECT_FALSE(has_a_piece(read.error()->message())) << dsn << read.error()->message();
      return;
    }
    std::string said;
    for (const auto& [keyword, value] : read.value().options)
      if (keyword != "password") said += " \"" + value + "\"";
    for (const Target& target : read.value().targets) said += " \"" + target.Text() + "\"";
    EXPECT_FALSE(has_a_piece(read.value().secrets.Say(said, "failed"))) << dsn;
  };
  for (const std::string& form : forms) {
    for (size_t at = 0; at <= form.size(); at++) {
      for (const char c : std::string("@:/?#%[]")) {
        try_dsn(form.substr(0, at) + c + form.substr(at));
        // Two, by a simple walk that is the same each time.
        const size_t second = (at * 31 + static_cast<size_t>(c) * 7) % (form.size() + 1);
        std::string two = form.substr(0, at) + c + form.substr(at);
        try_dsn(two.insert(second, 1, "@:/?#%[]"[(at + second) % 8]));
      }
    }
  }
}

}  // namespace
}  // namespace creche::pg
