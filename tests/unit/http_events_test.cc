// EventParser: what a stream of server-sent events says, wherever it is cut.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "http/events/event_parser.h"

namespace creche::http {
namespace {

using namespace std::string_view_literals;

// One line for each event: type|data|id; and "too long", or the wait that the server wants.
std::string Read(std::string_view stream, size_t cut, size_t piece, size_t max = 1 << 20) {
  EventParser parser(max, "");
  parser.Begin();
  std::string seen;
  bool stopped = false;
  const auto feed = [&](std::string_view bytes) {
    // Of memory of its own, so that a sanitizer sees what is read behind its end.
    const std::vector<char> copy(bytes.begin(), bytes.end());
    for (size_t at = 0; !stopped && at < copy.size();) {
      const auto step = parser.Next(copy.data(), copy.size(), &at);
      if (step == EventParser::Step::kEvent)
        seen.append(parser.type())
            .append("|")
            .append(parser.data())
            .append("|")
            .append(parser.last_id() + "\n");
      if (step == EventParser::Step::kTooLong) stopped = true;
    }
  };
  feed(stream.substr(0, cut));
  for (size_t at = cut; at < stream.size(); at += piece) feed(stream.substr(at, piece));
  if (stopped) seen += "too long\n";
  if (parser.retry() >= 0) seen += "retry " + std::to_string(parser.retry()) + "\n";
  return seen;
}

// Whole, byte by byte, and split at each offset.
void Says(std::string_view stream, std::string_view events, size_t max = 1 << 20) {
  const size_t all = stream.size() + 1;
  EXPECT_EQ(Read(stream, 0, all, max), events) << stream;
  EXPECT_EQ(Read(stream, 0, 1, max), events) << "byte by byte: " << stream;
  for (size_t cut = 1; cut < stream.size(); cut++)
    EXPECT_EQ(Read(stream, cut, all, max), events) << "split at " << cut << ": " << stream;
}

TEST(EventParser, ExamplesOfTheStandard) {
  Says("data: YHOO\ndata: +2\ndata: 10\n\n", "message|YHOO\n+2\n10|\n");
  Says(
      ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third "
      "event\n\n",
      "message|first event|1\nmessage|second event|\nmessage| third event|\n");
  Says("data\n\ndata\ndata\n\ndata:", "message||\nmessage|\n|\n");
  Says("data:test\n\ndata: test\n\n", "message|test|\nmessage|test|\n");
}

TEST(EventParser, LinesEndInAnything) {
  Says("data: a\r\ndata: b\r\n\r\n", "message|a\nb|\n");
  Says("data: a\rdata: b\r\r", "message|a\nb|\n");
  Says("data: a\ndata: b\n\n", "message|a\nb|\n");
  Says("data: a\r\n\ndata: b\r\n\r\r\n\n", "message|a|\nmessage|b|\n");
  Says("data: a\r\rdata: b\n\r\n", "message|a|\nmessage|b|\n");
  Says("data: a\n\rdata: b\n\r", "message|a|\nmessage|b|\n");
  Says("\r\n\n\r\r\n", "");
}

TEST(EventParser, FieldsAndTheirBlanks) {
  Says("event: add\ndata: 1\n\ndata: 2\n\n", "add|1|\nmessage|2|\n");
  Says("event:  add\ndata:\t1 \n\n", " add|\t1 |\n");
  Says("event:\ndata:\n\n", "message||\n");
  Says("data:a:b\n\n", "message|a:b|\n");
  Says("Data: no\n data: no\ndata : no\ndatax: no\nfoo\n\n", "");
  Says("event: none\n\ndata: x\n\n", "message|x|\n");
  Says("data: x\nevent: a\nevent: b\n\n", "b|x|\n");
  Says(":data: no\n:\n: \ndata: x\n\n", "message|x|\n");
}

TEST(EventParser, Ids) {
  Says("id: 1\ndata: a\n\ndata: b\n\nid:\ndata: c\n\n", "message|a|1\nmessage|b|1\nmessage|c|\n");
  Says("id: a\0b\ndata: x\n\n"sv, "message|x|\n");
  Says("id: 7\nid: a\0b\ndata: x\n\n"sv, "message|x|7\n");
  // Without data there is no event, and the id counts all the same.
  Says("id: 3\n\ndata: x\n\n", "message|x|3\n");
}

TEST(EventParser, Retry) {
  Says("retry: 250\n\n", "retry 250\n");
  Says("retry: 250\nretry: x\nretry: 1.5\nretry:\nretry: -1\nretry: +1\nretry:  1\n",
       "retry 250\n");
  Says("retry: 99999999999999999999999999\n", "retry 1099511627776\n");
  Says("retry: 0\n", "retry 0\n");
}

TEST(EventParser, TheByteOrderMark) {
  Says(
      "\xef\xbb\xbf"
      "data: a\n\n",
      "message|a|\n");
  Says(
      "\xef\xbb\xbf\xef\xbb\xbf"
      "data: a\n\ndata: b\n\n",
      "message|b|\n");
  Says(
      "\xef\xbb"
      "data: a\n\ndata: b\n\n",
      "message|b|\n");
  Says("\xef\xbb\n\ndata: b\n\n", "message|b|\n");
  Says(
      "data: \xef\xbb\xbf"
      "a\n\n",
      "message|\xef\xbb\xbf"
      "a|\n");
  Says("\xef\xbb\xbf:c\ndata: a\n\n", "message|a|\n");
}

TEST(EventParser, Utf8) {
  Says("data: \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n\n",
       "message|\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80|\n");
  Says(
      "data: a\xff"
      "b\n\n",
      "message|a\xef\xbf\xbd"
      "b|\n");
  Says("event: \xc3\nid: \xe2\x82\ndata: x\n\n", "\xef\xbf\xbd|x|\xef\xbf\xbd\xef\xbf\xbd\n");
  Says("data: a\0b\n\n"sv, "message|a\0b|\n"sv);
}

TEST(EventParser, WhatIsNotCompleteIsNoEvent) {
  Says("data: a\n", "");
  Says("data: a", "");
  Says("data: a\n\ndata: b\nid: 9\n", "message|a|\n");
}

TEST(EventParser, LongLines) {
  const std::string much(100000, 'x');
  EXPECT_EQ(Read("data: " + much + "\n\n", 0, 7), "message|" + much + "|\n");
  // A comment is not kept, however long.
  EXPECT_EQ(Read(":" + much + "\ndata: x\n\n", 0, 1000, 10), "message|x|\n");
}

TEST(EventParser, TheLongestEvent) {
  Says("data: 1234567890\n\n", "message|1234567890|\n", 10);
  Says("data:1234567890\n\n", "message|1234567890|\n", 10);
  Says("data: 1234\ndata: 67890\n\n", "message|1234\n67890|\n", 10);
  Says("data: 12345678901\n\n", "too long\n", 10);
  Says("data:12345678901\n\n", "too long\n", 10);
  Says("data: 1234\ndata: 678901\n\n", "too long\n", 10);
  Says("data: x\n\ndata: 12345678901", "message|x|\ntoo long\n", 10);
  Says("event: 12345678901\n", "too long\n", 10);
  Says("data:\ndata:\ndata:\ndata:\n\n", "too long\n", 2);
  Says("data: 1\n\n", "too long\n", 0);
  Says("data: \n\n", "message||\n", 0);
}

TEST(EventParser, ANewStreamForgetsWhatWasNotComplete) {
  EventParser parser(1 << 20, "0");
  const auto feed = [&](std::string_view bytes) {
    size_t at = 0;
    return parser.Next(bytes.data(), bytes.size(), &at);
  };
  parser.Begin();
  EXPECT_EQ(parser.last_id(), "0");
  EXPECT_EQ(feed("id: 1\ndata: a\n\n"), EventParser::Step::kEvent);
  EXPECT_EQ(feed("id: 2\nevent: x\nretry: 5\ndata: los"), EventParser::Step::kMore);
  parser.Begin();
  EXPECT_EQ(parser.last_id(), "1");
  EXPECT_EQ(parser.retry(), 5);
  EXPECT_EQ(feed("\xef\xbb\xbf"
                 "data: b\n\n"),
            EventParser::Step::kEvent);
  EXPECT_EQ(parser.type(), "message");
  EXPECT_EQ(parser.data(), "b");
  EXPECT_EQ(parser.last_id(), "1");
}

}  // namespace
}  // namespace creche::http
