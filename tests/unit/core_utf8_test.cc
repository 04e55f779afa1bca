#include "core/utf8.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace creche {
namespace {

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t n = CharacterAt(text);
    if (n == 0) return false;
    text.remove_prefix(n);
  }
  return true;
}

TEST(Utf8Test, GoodTextStays) {
  for (std::string text : {"", "plain ASCII, more than eight of it", "caf\xc3\xa9", "\xe2\x82\xac",
                           "\xf0\x9f\x98\x80 and more", "\xf4\x8f\xbf\xbf"}) {
    const std::string before = text;
    MakeUtf8(&text);
    EXPECT_EQ(text, before);
    MakeUtf8(text.data());
    EXPECT_EQ(text, before);
  }
}

TEST(Utf8Test, EachBadByteIsReplaced) {
  constexpr std::pair<const char*, const char*> kCases[] = {
      {"\xff", "\xef\xbf\xbd"},
      {"a\x80z", "a\xef\xbf\xbdz"},
      {"0123456789\xc3", "0123456789\xef\xbf\xbd"},
      {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},                  // overlong
      {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},  // a surrogate
      {"\xc3\xa9\xe9\xc3\xa9", "\xc3\xa9\xef\xbf\xbd\xc3\xa9"}};
  for (const auto& [bad, good] : kCases) {
    std::string text = bad;
    MakeUtf8(&text);
    EXPECT_EQ(text, good);
    text = bad;
    MakeUtf8(text.data());
    EXPECT_EQ(text.size(), std::string_view(bad).size());
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
}

TEST(Utf8Test, AnywhereAndOfAnyLength) {
  for (size_t size = 1; size < 40; size++) {
    for (size_t at = 0; at < size; at++) {
      std::string text(size, 'a');
      text[at] = '\xfe';
      MakeUtf8(&text);
      EXPECT_EQ(text, std::string(at, 'a') + "\xef\xbf\xbd" + std::string(size - at - 1, 'a'));
    }
  }
}

TEST(Utf8Test, ErrorsHoldNothingElse) {
  ErrorInfo info{.status = Status::kUser, .message = "m\xe9", .reason_text = "r\xe9"};
  info.server[kServerMessage] = "s\xe9";
  const ErrorRef error = MakeError(std::move(info));
  EXPECT_TRUE(IsUtf8(error->message()));
  EXPECT_TRUE(IsUtf8(error->fields().reason_text));
  EXPECT_TRUE(IsUtf8(error->fields().server[kServerMessage]));
}

}  // namespace
}  // namespace creche
