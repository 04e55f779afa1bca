// HTTP/2: heads of requests as they are coded.
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "h2_calls.h"

namespace creche::http {
namespace {

using test::Get;
using test::H2;

struct Coded {
  std::string value;
  bool never_indexed;
};
using Head = std::map<std::string, Coded>;

// The heads in what a client has written, as a server decodes them.
std::vector<Head> Heads(std::string_view written) {
  nghttp2_hd_inflater* made = nullptr;
  EXPECT_EQ(nghttp2_hd_inflate_new(&made), 0);
  const std::unique_ptr<nghttp2_hd_inflater, void (*)(nghttp2_hd_inflater*)> inflater(
      made, nghttp2_hd_inflate_del);
  std::vector<Head> heads;
  constexpr size_t kPreface = 24, kFrameHead = 9;
  const auto byte = [&](size_t at) { return static_cast<uint8_t>(written[at]); };
  for (size_t at = kPreface; at + kFrameHead <= written.size();) {
    size_t left = byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2);
    const bool head = byte(at + 3) == 1;
    at += kFrameHead;
    const auto* block = reinterpret_cast<const uint8_t*>(written.data() + at);
    at += left;
    if (!head) continue;
    heads.emplace_back();
    for (;;) {
      nghttp2_nv field;
      int flags = 0;
      const ssize_t used = nghttp2_hd_inflate_hd2(inflater.get(), &field, &flags, block, left, 1);
      if (used < 0) return ADD_FAILURE() << nghttp2_strerror(static_cast<int>(used)), heads;
      block += used;
      left -= static_cast<size_t>(used);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
        heads.back()[{reinterpret_cast<char*>(field.name), field.namelen}] = {
            {reinterpret_cast<char*>(field.value), field.valuelen},
            (field.flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0};
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    }
    nghttp2_hd_inflate_end_headers(inflater.get());
  }
  return heads;
}

// Each time as a literal that is never indexed; all else is, or may be.
TEST(H2HeadTest, SecretsAreInNoTable) {
  const char* const secret[] = {
      "Authorization", "Proxy-Authorization", "Cookie",     "X-API-Key",
      "apikey",        "Private-Token",       "X-Password", "client-secret"};
  const char* const open[] = {"X-Plain", "X-Keyed", "Accept-Language", "X-Token-Count"};
  const std::string value = "a value that is long enough for a place in the table";
  H2 t;
  Request get = Get("http://h/");
  for (const char* name : secret) ASSERT_TRUE(get.headers.Add(name, value).ok());
  for (const char* name : open) ASSERT_TRUE(get.headers.Add(name, value).ok());
  t.Start(get);
  t.Start(get);
  t.loop->Poll();
  const std::vector<Head> heads = Heads(t.wire().TakeWritten());
  ASSERT_EQ(heads.size(), 2u);
  const auto lower = [](std::string name) {
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return name;
  };
  for (const Head& head : heads) {
    for (const char* name : secret) {
      ASSERT_TRUE(head.contains(lower(name))) << name;
      EXPECT_EQ(head.at(lower(name)).value, value) << name;
      EXPECT_TRUE(head.at(lower(name)).never_indexed) << name;
    }
    for (const char* name : open) {
      ASSERT_TRUE(head.contains(lower(name))) << name;
      EXPECT_FALSE(head.at(lower(name)).never_indexed) << name;
    }
    EXPECT_FALSE(head.at(":path").never_indexed);
  }
}

}  // namespace
}  // namespace creche::http
