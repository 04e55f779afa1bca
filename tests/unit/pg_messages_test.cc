// The protocol's messages: what is written, and what is read from a server that is not trusted.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "pg/protocol/answer_steps.h"
#include "pg/protocol/backend_question.h"
#include "pg/protocol/command_tag.h"
#include "pg/protocol/message_reader.h"
#include "pg/protocol/message_writer.h"
#include "pg/protocol/server_error.h"
#include "pg/protocol/server_fields.h"
#include "pg/rows/result_forms.h"
#include "pg/sql/script_text.h"
#include "pg/type/type.h"
#include "pg/wire/inbox.h"
#include "pg_wire.h"

namespace creche::pg {
namespace {

using test::Big16;
using test::Big32;
using test::Text;
using Got = MessageReader::Got;

std::string Wire(char type, const std::string& body) {
  return test::Message(type, body);
}

template <class Write>
std::string Written(const Statement& s, Write write) {
  std::string memory(MessageWriter::Most(s, 0), '#');
  MessageWriter writer(memory.data());
  write(writer);
  const auto size = static_cast<size_t>(writer.end() - memory.data());
  EXPECT_LE(size, memory.size());
  return memory.substr(0, size);
}

TEST(MessageWriter, WritesWhatTheProtocolSays) {
  const Value values[] = {{kInt4, Value::kInteger, 7, 0, nullptr, 0},
                          {kUnknownType, Value::kText, 0, 0, "abc", 3},
                          {kUnknownType, Value::kNull, 0, 0, nullptr, 0}};
  const Statement s("select $1", values, 3);
  ASSERT_FALSE(s.error());
  EXPECT_EQ(
      Written(s, [&](MessageWriter& w) { w.Parse("n", s); }),
      Wire('P', Text("n") + Text("select $1") + Big16(3) + Big32(kInt4) + Big32(0) + Big32(0)));
  EXPECT_EQ(Written(s, [&](MessageWriter& w) { w.Bind("n", s, nullptr); }),
            Wire('B', Text("") + Text("n") + Big16(3) + Big16(1) + Big16(0) + Big16(0) + Big16(3) +
                          Big32(4) + Big32(7) + Big32(3) + "abc" + Big32(UINT32_MAX) + Big16(1) +
                          Big16(1)));
  const ColumnForms forms = {ColumnForm::kBinary, ColumnForm::kText};
  const std::string bound = Written(s, [&](MessageWriter& w) { w.Bind("n", s, &forms); });
  EXPECT_EQ(bound.substr(bound.size() - 6), Big16(2) + Big16(1) + Big16(0));
  EXPECT_EQ(Written(s, [&](MessageWriter& w) { w.DescribePortal(); }), Wire('D', "P" + Text("")));
  EXPECT_EQ(Written(s, [&](MessageWriter& w) { w.Execute(); }), Wire('E', Text("") + Big32(0)));
  EXPECT_EQ(Written(s, [&](MessageWriter& w) { w.CloseStatement("n"); }),
            Wire('C', "S" + Text("n")));
  EXPECT_EQ(Written(s, [&](MessageWriter& w) { w.Sync(); }), Wire('S', ""));
  EXPECT_EQ(Written(s, [&](MessageWriter& w) { w.Query("a; b"); }), Wire('Q', Text("a; b")));
  EXPECT_LE(Wire('C', "S" + Text(std::string(MessageWriter::kMaxName - 1, 'n'))).size(),
            MessageWriter::kMostClose);
}

TEST(MessageWriter, ReservesEnoughForEverything) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; round++) {
    std::vector<Value> values(random() % 200);
    std::string text(random() % 50, 'x');
    for (Value& v : values) {
      if (random() % 2)
        v = {kInt2, Value::kInteger, 1, 0, nullptr, 0};
      else
        v = {kUnknownType, Value::kText, 0, 0, text.data(), text.size()};
    }
    const Statement s(std::string(random() % 100, 's'), values.data(), values.size());
    const std::string name(MessageWriter::kMaxName - 1, 'n');
    const std::string all = Written(s, [&](MessageWriter& w) {
      w.Parse(name, s);
      w.Bind(name, s, nullptr);
      w.DescribePortal();
      w.Execute();
      w.Sync();
    });
    EXPECT_EQ(all.back(), '\4');
  }
  std::vector<Value> most(65535, Value{kUnknownType, Value::kNull, 0, 0, nullptr, 0});
  const Statement s("x", most.data(), most.size());
  Written(s, [&](MessageWriter& w) {
    w.Parse("", s);
    w.Bind("", s, nullptr);
    w.Sync();
  });
}

TEST(BackendQuestion, KnowsItsAnswer) {
  char memory[BackendQuestion::kMost];
  MessageWriter writer(memory);
  BackendQuestion::Write(&writer);
  EXPECT_LE(writer.end(), memory + sizeof memory);
  const auto read = [](const std::string& body) {
    return BackendQuestion::Read(body.data(), body.size());
  };
  const std::string good = test::RowBody({Big32(4711), "creche"});
  EXPECT_EQ(read(good), 4711);
  for (size_t cut = 0; cut < good.size(); cut++) EXPECT_EQ(read(good.substr(0, cut)), 0) << cut;
  EXPECT_EQ(read(good + "x"), 0);
  EXPECT_EQ(read(test::RowBody({Big32(4711)})), 0);
  EXPECT_EQ(read(test::RowBody({Big32(4711), "crechf"})), 0);
  EXPECT_EQ(read(test::RowBody({std::nullopt, "creche"})), 0);
}

TEST(ResultForms, LearnsFromWhatTheServerSays) {
  EXPECT_TRUE(ResultForms::Says("42883", "getTypeBinaryOutputInfo"));
  EXPECT_TRUE(ResultForms::Says("42883", "array_send"));
  EXPECT_FALSE(ResultForms::Says("42883", "ParseFuncOrColumn"));
  EXPECT_FALSE(ResultForms::Says("42601", "array_send"));
  constexpr uint32_t kAclitem = 1033;
  const auto columns = [](const std::vector<test::ColumnSpec>& specs) {
    const std::string body = test::ColumnsBody(specs);
    return RowDescription::Parse(body.data(), body.size());
  };
  using enum ColumnForm;
  ResultForms forms;
  EXPECT_EQ(forms.Find(1, true), nullptr);
  // What is known for sure first, then what may be.
  const auto mixed = columns({{"a", kInt4}, {"b", kAclitem}, {"c", kFirstUserType}});
  ASSERT_TRUE(forms.Learn(1, *mixed));
  EXPECT_EQ(*forms.Find(1, true), (ColumnForms{kBinary, kText, kBinary}));
  ASSERT_TRUE(forms.Learn(1, *mixed));
  EXPECT_EQ(*forms.Find(1, true), (ColumnForms{kBinary, kText, kText}));
  EXPECT_FALSE(forms.Learn(1, *mixed)) << "nothing is left to try";
  EXPECT_FALSE(forms.Learn(2, *columns({{"a", kInt4}})));
  EXPECT_EQ(forms.Find(2, true), nullptr);
  EXPECT_EQ(forms.widest(), 3u);
  EXPECT_TRUE(forms.Forget(1));
  EXPECT_FALSE(forms.Forget(1));
  EXPECT_EQ(forms.Find(1, true), nullptr);
  // A few.
  for (uint64_t hash = 0; hash < 1000; hash++) ASSERT_TRUE(forms.Learn(hash, *mixed));
  size_t kept = 0;
  for (uint64_t hash = 0; hash < 1000; hash++) kept += forms.Find(hash, true) != nullptr;
  EXPECT_EQ(kept, 256u);
  EXPECT_NE(forms.Find(999, true), nullptr);
}

// ---- Steps ----

AnswerSteps Steps(size_t closes, std::vector<bool> parses, bool describe) {
  AnswerSteps steps;
  for (size_t i = 0; i < closes; i++) steps.AddClose();
  for (size_t i = 0; i < parses.size(); i++)
    steps.AddStatement(parses[i], describe && i + 1 == parses.size());
  steps.Sent();
  return steps;
}

// Exactly those types may come now.
void ExpectNext(const AnswerSteps& steps, const std::string& types) {
  for (int c = 0; c < 256; c++) {
    const char type = static_cast<char>(c);
    EXPECT_EQ(steps.Takes(static_cast<Backend>(type)),
              type != '\0' && types.find(type) != types.npos)
        << "type " << c << " at stage " << static_cast<int>(steps.stage());
  }
}

TEST(AnswerSteps, ABatch) {
  for (const bool each : {false, true}) {
    AnswerSteps s;
    s.AddAlike(100, each);  // more than a mask has bits
    s.Sent();
    for (size_t i = 0; i < 100; i++) {
      EXPECT_EQ(s.done(), i);
      ExpectNext(s, "1");
      s.Take(Backend::kParseComplete);
      ExpectNext(s, "2");
      s.Take(Backend::kBindComplete);
      ExpectNext(s, "Tn");
      if (each && i == 50) {
        s.Fail();
        EXPECT_EQ(s.item(), i);
      } else {
        s.Take(Backend::kNoData);
        ExpectNext(s, "DCIsGHW");
        s.Take(Backend::kCommandComplete);
        EXPECT_EQ(s.item(), i);
      }
      if (!each) continue;
      ExpectNext(s, "Z");
      EXPECT_EQ(s.NextItem(), i < 99);
    }
    ExpectNext(s, "Z");
    EXPECT_FALSE(s.NextItem());
  }
}

TEST(AnswerSteps, ADescription) {
  AnswerSteps s;
  s.AddDescription();
  s.Sent();
  ExpectNext(s, "1");
  s.Take(Backend::kParseComplete);
  ExpectNext(s, "tTn");
  s.Take(Backend::kParameterDescription);
  s.Take(Backend::kRowDescription);
  ExpectNext(s, "Z");
}

TEST(AnswerSteps, ManyRows) {
  for (const bool describe : {false, true}) {
    AnswerSteps s;
    s.SetRepeated(describe);
    s.Sent();
    for (size_t i = 0; i < 100; i++) {
      ExpectNext(s, "12Z");
      s.Take(Backend::kParseComplete);  // as often as the types differ
      ExpectNext(s, "12Z");
      s.Take(Backend::kBindComplete);
      if (describe) ExpectNext(s, "Tn");
      if (describe) s.Take(Backend::kRowDescription);
      ExpectNext(s, "DCIsGHW");
      s.Take(Backend::kCommandComplete);
      EXPECT_EQ(s.item(), i);
    }
    s.Fail();
    EXPECT_EQ(s.done(), 100u);
    ExpectNext(s, "Z");
  }
}

TEST(AnswerSteps, InTheOnlyOrder) {
  AnswerSteps s = Steps(2, {true, false}, true);
  ExpectNext(s, "3");
  s.Take(Backend::kCloseComplete);
  EXPECT_EQ(s.closes_left(), 1u);
  s.Take(Backend::kCloseComplete);
  ExpectNext(s, "1");
  s.Take(Backend::kParseComplete);
  ExpectNext(s, "2");
  s.Take(Backend::kBindComplete);
  EXPECT_FALSE(s.last());
  ExpectNext(s, "DCIsGHW");
  s.Take(Backend::kDataRow);
  ExpectNext(s, "DCIsGHW");
  s.Take(Backend::kCommandComplete);
  EXPECT_TRUE(s.last());
  ExpectNext(s, "2");
  s.Take(Backend::kBindComplete);
  ExpectNext(s, "Tn");
  s.Take(Backend::kRowDescription);
  ExpectNext(s, "DCIsGHW");
  s.Take(Backend::kEmptyQuery);
  ExpectNext(s, "Z");
}

TEST(AnswerSteps, TypesOfParameters) {
  for (const Backend end : {Backend::kRowDescription, Backend::kNoData}) {
    AnswerSteps s;
    s.AddStatement(true, false, true);
    s.AddStatement(true, true, false);
    s.Sent();
    ExpectNext(s, "1");
    s.Take(Backend::kParseComplete);
    EXPECT_FALSE(s.executing());
    ExpectNext(s, "tTn");
    s.Take(Backend::kParameterDescription);
    ExpectNext(s, "tTn");
    s.Take(end);
    ExpectNext(s, "2");
    EXPECT_FALSE(s.executing());
    s.Take(Backend::kBindComplete);
    EXPECT_TRUE(s.executing());
    ExpectNext(s, "DCIsGHW");
    s.Take(Backend::kCommandComplete);
    ExpectNext(s, "1");
    s.Take(Backend::kParseComplete);
    ExpectNext(s, "2");
  }
}

TEST(AnswerSteps, AfterAnErrorOnlyReady) {
  for (int at = 0; at < 5; at++) {
    AnswerSteps s = Steps(1, {true}, true);
    for (int i = 0; i < at; i++) s.Take(static_cast<Backend>("312TD"[i]));
    s.Fail();
    ExpectNext(s, "Z");
  }
}

TEST(AnswerSteps, OfAScript) {
  AnswerSteps s;
  s.SetScript();
  s.Sent();
  ExpectNext(s, "TCIGHWZ");
  s.Take(Backend::kRowDescription);
  ExpectNext(s, "DTC");  // a rule may add a result to the statement
  s.Take(Backend::kDataRow);
  s.Take(Backend::kCommandComplete);
  ExpectNext(s, "TCIGHWZ");
  s.Take(Backend::kCommandComplete);
  s.Take(Backend::kRowDescription);
  s.Fail();
  ExpectNext(s, "Z");
}

// ---- Reading ----

struct Read {
  std::vector<std::string> bodies;
  std::string types;
  std::string cut;  // types of those that were cut
  bool bad = false;
  std::string why;
  size_t left = 0;
};

// Feeds the parts one after the other, each time only what is new and what is left, in memory of
// just that size.
Read ReadParts(const std::vector<std::string>& parts, AnswerSteps* steps,
               size_t max_row = MessageReader::kMaxRow) {
  Read seen;
  MessageReader reader;
  std::string left;
  for (const std::string& part : parts) {
    left += part;
    const std::unique_ptr<char[]> exact(new char[left.size()]);
    std::memcpy(exact.get(), left.data(), left.size());
    size_t at = 0;
    for (;;) {
      size_t used = 0;
      Message message;
      const Got got =
          reader.Next(exact.get() + at, left.size() - at, steps, max_row, &used, &message);
      at += used;
      EXPECT_LE(at, left.size());
      if (got == Got::kBad) {
        seen.bad = true;
        seen.why = reader.why();
        return seen;
      }
      if (got == Got::kMore) break;
      seen.types += static_cast<char>(message.type);
      if (message.cut) seen.cut += static_cast<char>(message.type);
      seen.bodies.emplace_back(message.body, message.size);
      if (message.type == Backend::kError)
        steps->Fail();
      else if (steps && std::strchr("123TnDCI", static_cast<char>(message.type)))
        steps->Take(message.type);
    }
    left.erase(0, at);
  }
  seen.left = left.size();
  return seen;
}

TEST(MessageReader, EveryMessageCutAnywhere) {
  const std::string wire =
      Wire('S', Text("in_hot_standby") + Text("on")) + Wire('3', "") + Wire('1', "") +
      Wire('N', test::FieldsBody({{'S', "NOTICE"}, {'M', "well"}})) + Wire('2', "") +
      Wire('T', test::ColumnsBody({{"id", kInt4}})) + Wire('D', test::RowBody({Big32(1)})) +
      Wire('A', Big32(5) + Text("channel") + Text("payload")) +
      Wire('D', test::RowBody({std::nullopt})) + Wire('C', Text("SELECT 2")) + Wire('Z', "I");
  AnswerSteps steps = Steps(1, {true}, true);
  const Read whole = ReadParts({wire}, &steps);
  EXPECT_EQ(whole.types, "S31N2TDADCZ");
  EXPECT_EQ(whole.cut, "");
  EXPECT_EQ(whole.left, 0u);
  for (size_t at = 0; at <= wire.size(); at++) {
    AnswerSteps again = Steps(1, {true}, true);
    const Read parts = ReadParts({wire.substr(0, at), wire.substr(at)}, &again);
    EXPECT_EQ(parts.types, whole.types) << at;
    EXPECT_EQ(parts.bodies, whole.bodies) << at;
    EXPECT_EQ(parts.left, 0u);
  }
  std::vector<std::string> bytes;
  for (const char c : wire) bytes.emplace_back(1, c);
  AnswerSteps again = Steps(1, {true}, true);
  EXPECT_EQ(ReadParts(bytes, &again).bodies, whole.bodies);
}

TEST(MessageReader, RefusesUnknownTypesAndThoseOutOfTurn) {
  for (int c = 0; c < 256; c++) {
    const char type = static_cast<char>(c);
    AnswerSteps steps = Steps(0, {true}, true);
    // The type alone is enough.
    const Read read = ReadParts({std::string(1, type)}, &steps);
    const bool fits = std::strchr("1SNAE", type) && type != '\0';
    EXPECT_EQ(read.bad, !fits) << c;
    const bool unasked = std::strchr("SNAE", type) && type != '\0';
    EXPECT_EQ(ReadParts({std::string(1, type)}, nullptr).bad, !unasked) << c;
  }
}

TEST(MessageReader, RefusesLengthsThatCannotBe) {
  const auto refused = [](char type, uint32_t length, AnswerSteps steps) {
    return ReadParts({type + Big32(length)}, &steps).bad;
  };
  AnswerSteps to_execute = Steps(0, {false}, false);
  to_execute.Take(Backend::kBindComplete);
  AnswerSteps to_describe = Steps(0, {false}, true);
  to_describe.Take(Backend::kBindComplete);
  const AnswerSteps done = Steps(0, {}, false);
  const struct {
    char type;
    AnswerSteps steps;
    uint32_t least, most;
  } cases[] = {{'1', Steps(0, {true}, false), 4, 4},
               {'2', Steps(0, {false}, false), 4, 4},
               {'3', Steps(1, {}, false), 4, 4},
               {'n', to_describe, 4, 4},
               {'I', to_execute, 4, 4},
               {'Z', done, 5, 5},
               {'C', to_execute, 5, 30004},
               {'S', done, 6, 30004},
               {'T', to_describe, 6, (16u << 20) + 4},
               {'D', to_execute, 6, (1u << 30) + 3},
               {'E', done, 5, (512u << 20) + 3},
               {'N', done, 5, (512u << 20) + 3},
               {'A', done, 10, (512u << 20) + 3}};
  for (const auto& c : cases) {
    EXPECT_FALSE(refused(c.type, c.least, c.steps)) << c.type;
    EXPECT_FALSE(refused(c.type, c.most, c.steps)) << c.type;
    for (const uint32_t length :
         {0u, 3u, c.least - 1, c.most + 1, 0x7fffffffu, 0x80000000u, 0xffffffffu, 0xfffffff0u})
      EXPECT_TRUE(refused(c.type, length, c.steps)) << c.type << " " << length;
  }
}

// Out of step, text would be taken for the front of a message: never for one that is waited for.
TEST(MessageReader, TextIsNoMessage) {
  for (const char* text : {"SELECT 1", "Europe/Berlin", "Normal", "Another", "Error in", "1.0.0.0",
                           "Default", "Copy", "\1\1\1\1\1\1"}) {
    AnswerSteps steps = Steps(0, {true}, true);
    EXPECT_TRUE(ReadParts({text}, &steps).bad) << text;
    EXPECT_TRUE(ReadParts({text}, nullptr).bad) << text;
  }
}

TEST(MessageReader, SkipsRowsThatAreTooLong) {
  AnswerSteps steps = Steps(0, {false}, false);
  steps.Take(Backend::kBindComplete);
  const std::string wire = Wire('D', test::RowBody({std::string(90, 'x')})) +
                           Wire('D', test::RowBody({std::string(5000, 'x')})) +
                           Wire('D', test::RowBody({"z"})) + Wire('C', Text("SELECT 3"));
  for (const size_t part : {1u, 7u, 4096u, 100000u}) {
    std::vector<std::string> parts;
    for (size_t at = 0; at < wire.size(); at += part) parts.push_back(wire.substr(at, part));
    AnswerSteps again = steps;
    const Read read = ReadParts(parts, &again, 100);
    EXPECT_EQ(read.types, "DDDC");
    EXPECT_EQ(read.cut, "D");
    EXPECT_EQ(read.bodies[1], "");
    EXPECT_EQ(read.bodies[2], test::RowBody({"z"}));
  }
}

TEST(MessageReader, KeepsTheBeginningOfLongErrors) {
  const std::string body = "SERROR" + std::string(1, '\0') + "C22P02" + std::string(1, '\0') + "M" +
                           std::string(3 << 20, 'x') + std::string(2, '\0');
  const std::string wire = Wire('E', body) + Wire('Z', "I");
  std::vector<std::string> parts;
  for (size_t at = 0; at < wire.size(); at += 65536) parts.push_back(wire.substr(at, 65536));
  AnswerSteps steps = Steps(0, {true}, false);
  const Read read = ReadParts(parts, &steps);
  EXPECT_EQ(read.types, "EZ");
  EXPECT_EQ(read.cut, "E");
  ASSERT_EQ(read.bodies[0].size(), MessageReader::kMaxText);
  ServerFields fields;
  EXPECT_FALSE(fields.Parse(read.bodies[0].data(), read.bodies[0].size(), false));
  ASSERT_TRUE(fields.Parse(read.bodies[0].data(), read.bodies[0].size(), true));
  EXPECT_EQ(fields.get(Field::kSqlstate), "22P02");
}

// ---- Fields and tags ----

TEST(ServerFields, AllOfThem) {
  const std::string body = test::FieldsBody({{'S', "FEHLER"},
                                             {'V', "ERROR"},
                                             {'C', "23505"},
                                             {'M', "doppelt"},
                                             {'D', "detail"},
                                             {'H', "hint"},
                                             {'P', "12"},
                                             {'W', "where"},
                                             {'s', "schema"},
                                             {'t', "table"},
                                             {'c', "column"},
                                             {'d', "type"},
                                             {'n', "constraint"},
                                             {'R', "routine"},
                                             {'?', "unknown to us"}});
  ServerFields fields;
  ASSERT_TRUE(fields.Parse(body.data(), body.size(), false));
  const ErrorRef error = ServerError(fields, Phase::kQuery, true);
  const creche::ErrorFields& f = error->fields();
  EXPECT_STREQ(f.sqlstate, "23505");
  EXPECT_EQ(f.server_position, 12);
  const char* expected[] = {"ERROR", "doppelt", "detail", "hint",       "where",  "schema",
                            "table", "column",  "type",   "constraint", "routine"};
  for (int i = 0; i < 11; i++) EXPECT_STREQ(f.server[i], expected[i]);
  EXPECT_STREQ(f.message, "doppelt [23505]; detail; hint");
  EXPECT_FALSE(fields.fatal());
  for (size_t cut = 0; cut < body.size(); cut++) {
    const std::unique_ptr<char[]> exact(new char[cut]);
    std::memcpy(exact.get(), body.data(), cut);
    EXPECT_FALSE(fields.Parse(exact.get(), cut, false)) << cut;
    EXPECT_TRUE(fields.Parse(exact.get(), cut, true)) << cut;
  }
  EXPECT_FALSE(fields.Parse((body + "x").data(), body.size() + 1, false));
}

TEST(ServerFields, OldServersSayTheSeverityOnlyOnce) {
  const std::string body = test::FieldsBody({{'S', "FATAL"}});
  ServerFields fields;
  ASSERT_TRUE(fields.Parse(body.data(), body.size(), false));
  EXPECT_TRUE(fields.fatal());
  EXPECT_EQ(ServerError(fields, Phase::kQuery, true)->status(), Status::kPg);
}

// Only what the server has undone, and says so in a session that lives on.
TEST(ServerFields, WhatMayBeDoneAgain) {
  const auto retryable = [](const char* severity, const char* state, bool rolled_back) {
    const std::string body = test::FieldsBody({{'S', severity}, {'C', state}});
    ServerFields fields;
    EXPECT_TRUE(fields.Parse(body.data(), body.size(), false));
    return ServerError(fields, Phase::kQuery, rolled_back)->retryable();
  };
  for (const char* state : {"40001", "40P01", "55P03", "72000"}) {
    EXPECT_TRUE(retryable("ERROR", state, true)) << state;
    EXPECT_FALSE(retryable("ERROR", state, false)) << state << ": a part of it is there to stay";
    EXPECT_FALSE(retryable("FATAL", state, true)) << state;
  }
  for (const char* severity : {"ERROR", "FATAL", "PANIC"})
    for (const char* state :
         {"08000", "08003", "08006", "08007", "08P01", "0A000", "22012", "23505", "25006",
          "25P02", "25P03", "26000", "28P01", "3D000", "40002", "40003", "42601", "53100",
          "53200", "53300", "55000", "57014", "57P01", "57P02", "57P03", "57P04", "57P05",
          "58000", "58030", "F0000", "HV000", "P0001", "XX000", "XX001"})
      EXPECT_FALSE(retryable(severity, state, true)) << severity << state;
  // At the door nothing has been asked for yet.
  for (const char* state : {"08006", "53300", "57P01", "57P03"})
    EXPECT_TRUE(MayConnectAgain(state)) << state;
  for (const char* state : {"28P01", "3D000", "08P01"})
    EXPECT_FALSE(MayConnectAgain(state)) << state;
}

TEST(Script, SaysWhatEndsATransaction) {
  for (const char* ends :
       {"commit", "END", "Rollback", "abort work", "ROLLBACK AND CHAIN", " /* a */ ; commit",
        "rollback transaction", "prepare transaction 'x'", "-- to\n rollback"})
    EXPECT_TRUE(EndsTransaction(ends) && LookAtScript(ends).ends_transaction) << ends;
  for (const char* harmless :
       {"", "rollback to a", "ROLLBACK WORK TO SAVEPOINT a", "abort transaction to a", "begin",
        "select 'commit'", "prepare x as select 1", "commitment", "select 1 as commit",
        "do $$ begin commit; end $$"})
    EXPECT_FALSE(EndsTransaction(harmless) || LookAtScript(harmless).ends_transaction) << harmless;
  EXPECT_TRUE(LookAtScript("select 1; select $1; commit; select 2").ends_transaction);
  EXPECT_TRUE(LookAtScript("rollback to a; rollback").ends_transaction);
  const std::string atomic =
      "create function f() returns int BEGIN ATOMIC select 1; select 2; END; ";
  EXPECT_FALSE(LookAtScript(atomic + "select 1").ends_transaction);
  EXPECT_TRUE(LookAtScript(atomic + "end").ends_transaction);
  EXPECT_FALSE(LookAtScript("select ';commit'; select e'\\';commit'; rollback to a; "
                            "do $x$ ; commit; $x$; select \";commit\" /* ;end */")
                   .ends_transaction);
  const ScriptFacts both = LookAtScript("commit; copy t from stdin; select 1");
  EXPECT_TRUE(both.ends_transaction && both.copies);
  EXPECT_TRUE(LookAtScript("rollback; copy t from stdin").copies);
  EXPECT_TRUE(LookAtScript("prepare; copy t from stdin").copies);
  EXPECT_TRUE(LookAtScript("select 1; copy t from stdin").copies);
  EXPECT_TRUE(LookAtScript("COPY (select 1) TO STDOUT with csv; select 1").copies);
  EXPECT_FALSE(LookAtScript("copy t from '/tmp/stdin'; select 'copy', stdin from t").copies);
}

TEST(CommandTag, SaysHowManyRows) {
  EXPECT_EQ(AffectedOf("INSERT 0 5"), 5);
  EXPECT_EQ(AffectedOf("SELECT 1234567890123"), 1234567890123);
  EXPECT_EQ(AffectedOf("UPDATE 0"), 0);
  EXPECT_EQ(AffectedOf("DELETE 7"), 7);
  EXPECT_EQ(AffectedOf("MERGE 2"), 2);
  EXPECT_EQ(AffectedOf("FETCH 3"), 3);
  EXPECT_EQ(AffectedOf("MOVE 3"), 3);
  for (const char* tag : {"", "SELECT", "SELECT ", "SELECT x", "SELECT 1x", "SELECT -1",
                          "CREATE TABLE", "SELECT 99999999999999999999", "BEGIN"})
    EXPECT_EQ(AffectedOf(tag), -1) << tag;
  EXPECT_TRUE(IsPlain("INSERT 0 5"));
  EXPECT_FALSE(IsPlain("SET"));
  EXPECT_FALSE(IsPlain(""));
}

// ---- The inbox ----

TEST(Inbox, KeepsWhatIsLeft) {
  ReceiveSpace space;
  Inbox a(space), b(space);
  const auto receive = [](Inbox& inbox, const std::string& bytes, size_t wanted = 0) {
    size_t room = 0;
    char* into = inbox.Open(wanted, &room);
    ASSERT_NE(into, nullptr);
    ASSERT_GE(room, bytes.size());
    std::memcpy(into, bytes.data(), bytes.size());
    inbox.Add(bytes.size());
  };
  receive(a, "one two");
  EXPECT_EQ(a.bytes(), "one two");
  a.Consume(4);
  ASSERT_TRUE(a.Close());
  receive(b, "other");
  EXPECT_EQ(a.bytes(), "two");
  b.Consume(5);
  ASSERT_TRUE(b.Close());
  EXPECT_TRUE(b.empty());
  receive(a, " three");
  EXPECT_EQ(a.bytes(), "two three");
  a.Consume(9);
  ASSERT_TRUE(a.Close());
  EXPECT_TRUE(a.empty());
}

// A length that somebody claims costs nothing before the bytes come.
TEST(Inbox, GrowsWithWhatComes) {
  ReceiveSpace space;
  Inbox inbox(space);
  const size_t message = 5 << 20;
  size_t received = 0;
  std::mt19937 random(1);
  std::string expected;
  while (received < message) {
    size_t room = 0;
    char* into = inbox.Open(received == 0 ? 0 : message, &room);
    ASSERT_NE(into, nullptr);
    ASSERT_GT(room, 0u);
    EXPECT_LE(room, 4 * std::max(received, ReceiveSpace::kSize));
    const size_t n = std::min({room, message - received, size_t{1} + random() % 100000});
    for (size_t i = 0; i < n; i++) into[i] = static_cast<char>(random());
    expected.append(into, n);
    inbox.Add(n);
    received += n;
    ASSERT_EQ(inbox.bytes().size(), received);
    ASSERT_TRUE(inbox.Close());
  }
  EXPECT_EQ(inbox.bytes(), expected);
  inbox.Consume(message);
  ASSERT_TRUE(inbox.Close());
  EXPECT_TRUE(inbox.empty());
}

}  // namespace
}  // namespace creche::pg
