#include "http/body/decoder.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <string>
#include <tuple>

namespace creche::http {
namespace {

std::string Zlib(const std::string& plain, int window_bits) {
  z_stream z{};
  EXPECT_EQ(deflateInit2(&z, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&z, plain.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  z.avail_in = static_cast<uInt>(plain.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}
std::string Gzip(const std::string& plain) {
  return Zlib(plain, 31);
}

std::string Zstd(const std::string& plain) {
  std::string out(ZSTD_compressBound(plain.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), plain.data(), plain.size(), 3));
  return out;
}

// What the reference encoder makes of BrotliPlain().
constexpr char kBrotliBytes[] =
    "\x1b\xe5\x05\x68\x1c\x09\x36\x8e\x72\xab\x1a\x3b\x8f\x50\xe9\x2a\x1e\x92\x0e\x30\xaf\xcf"
    "\x70\xf1\xd6\x20\x0a\x66\x73\x89\x26\x07\x40\x87\x8f\xd2\xb2\x34\xa3\xc4\xab\x0e\xb1\x0b"
    "\x9e\xd1\x49\xe9\xc0\x9b\xef\x83\xf6\x62\x2f\x98\x1c\x93\xc5\xe6\x70\x71\xf3\xf0\xf2\xfd"
    "\x09\x9c\x2e\xb7\xc7\xcb\xdb\xc7\x97\x2f\x17\x9c\x2e\xb7\xc7\xcb\xdb\xc7\x97\x2f\x37\x9c"
    "\x2e\xb7\xc7\xcb\xdb\xc7\x57\x0e";
const std::string kBrotli(kBrotliBytes, sizeof kBrotliBytes - 1);
std::string BrotliPlain() {
  std::string plain;
  for (int i = 0; i < 40; i++)
    plain += "line " + std::to_string(i) + " of a text that repeats itself\n";
  return plain;
}

std::unique_ptr<Decoder> For(const std::string& coding) {
  ResponseHead head;
  const std::string name = "content-encoding";
  head.Add(name, coding);
  return MakeDecoder(head);
}

// Decodes in pieces of `piece` bytes into rooms of `room` bytes. "failed" and what was made before,
// or "cut", or the plain text.
std::string Decode(const std::string& coding, const std::string& input, size_t piece, size_t room) {
  const std::unique_ptr<Decoder> decoder = For(coding);
  if (!decoder) return "no decoder";
  std::string plain;
  std::string out(room, '\0');
  for (size_t at = 0; at < input.size(); at += piece) {
    std::string_view in = std::string_view(input).substr(at, piece);
    size_t made = room;
    while (!in.empty() || made == room) {
      if (!decoder->Decode(&in, out.data(), room, &made)) return "failed";
      EXPECT_LE(made, room);
      plain.append(out, 0, made);
    }
  }
  return decoder->Complete() ? plain : "cut";
}

std::string Plain(size_t size) {
  std::string plain;
  uint32_t x = 1;
  while (plain.size() < size) {
    x = x * 1664525 + 1013904223;
    plain += std::to_string(x % 1000) + " ";
  }
  plain.resize(size);
  return plain;
}

struct Coding {
  const char* name;
  std::string coded;
};
std::vector<Coding> Codings(const std::string& plain) {
  return {{"gzip", Gzip(plain)},
          {"x-gzip", Gzip(plain)},
          {"GZip", Gzip(plain)},
          {"deflate", Zlib(plain, 15)},
          {"deflate", Zlib(plain, -15)},
          {"zstd", Zstd(plain)},
          {"gzip, zstd", Zstd(Gzip(plain))},
          {"identity,deflate, gzip", Gzip(Zlib(plain, 15))},
          {"gzip", Gzip(plain.substr(0, 10)) + Gzip(plain.substr(10))},
          {"zstd", Zstd(plain.substr(0, 10)) + Zstd(plain.substr(10))}};
}

TEST(DecoderTest, AnySizeOfPiecesAndRooms) {
  const std::string plain = Plain(5000);
  for (const Coding& c : Codings(plain))
    for (const size_t piece : {1u, 2u, 3u, 100u, 100000u})
      for (const size_t room : {1u, 7u, 4096u, 100000u})
        ASSERT_EQ(Decode(c.name, c.coded, piece, room), plain) << c.name << piece << "," << room;
}

TEST(DecoderTest, Brotli) {
  for (const size_t piece : {1u, 3u, 100u})
    for (const size_t room : {1u, 3u, 100u})
      EXPECT_EQ(Decode("br", kBrotli, piece, room), BrotliPlain());
  for (size_t cut = 1; cut < kBrotli.size(); cut++)
    EXPECT_EQ(Decode("br", kBrotli.substr(0, cut), 100, 100), "cut") << cut;
  for (const size_t piece : {1u, 100u, 1000u})
    EXPECT_EQ(Decode("br", kBrotli + "x", piece, 100), BrotliPlain());
  EXPECT_EQ(Decode("br", "\xff\xff\xff\xff", 100, 100), "failed");
}

TEST(DecoderTest, TruncationIsAnError) {
  const std::string plain = Plain(300);
  for (const Coding& c : Codings(plain)) {
    const std::unique_ptr<Decoder> decoder = For(c.name);
    EXPECT_TRUE(decoder->Complete()) << "nothing at all is an empty body";
    int complete = 0;
    for (size_t cut = 1; cut < c.coded.size(); cut++)
      complete += Decode(c.name, c.coded.substr(0, cut), 100000, 4096) != "cut";
    // Between two members or frames it may end, or within the few bytes by which one is known.
    EXPECT_LE(complete, 4) << c.name;
  }
}

TEST(DecoderTest, Garbage) {
  const std::string plain = Plain(300);
  for (const Coding& c : Codings(plain))
    EXPECT_EQ(Decode(c.name, "\xffplain text that was never coded", 100000, 4096), "failed")
        << c.name;
  std::string broken = Gzip(plain);
  broken[broken.size() - 6] ^= 1;  // its checksum
  EXPECT_EQ(Decode("gzip", broken, 100000, 4096), "failed");
}

// What comes behind the end of the coding is no part of the body, however it is cut.
TEST(DecoderTest, WhatFollowsIsDropped) {
  const std::string plain = Plain(300);
  const std::string behind[] = {
      "\r\n",    std::string(10, '\0'), "\x1f",      "\x28\xb5\x2f", "\x5f\x2a",
      "\x1fxyz", "\x28\xb5xyz",         Plain(20000)};
  for (const Coding& c : Codings(plain))
    for (const std::string& junk : behind)
      for (const size_t piece : {1u, 2u, 3u, 100u, 100000u})
        for (const size_t room : {1u, 299u, 300u, 4096u})
          ASSERT_EQ(Decode(c.name, c.coded + junk, piece, room), plain) << c.name << junk;
  // What begins another member is one, and must be whole and right.
  const std::string gzip = Gzip(plain);
  const std::string zstd = Zstd(plain);
  for (const size_t piece : {1u, 3u, 100000u}) {
    EXPECT_EQ(Decode("gzip", gzip + "\x1f\x8b", piece, 4096), "cut");
    EXPECT_EQ(Decode("gzip", gzip + "\x1f\x8b\x07xxx", piece, 4096), "failed");
    EXPECT_EQ(Decode("zstd", zstd + zstd.substr(0, 4), piece, 4096), "cut");
    EXPECT_EQ(Decode("zstd", zstd + zstd.substr(0, 4) + "\x08xxxxxxxxx", piece, 4096), "failed");
    // A frame to be skipped, with three bytes.
    EXPECT_EQ(
        Decode("zstd", zstd + std::string("\x50\x2a\x4d\x18\x03\0\0\0abc", 11) + zstd, piece, 4096),
        plain + plain);
    EXPECT_EQ(Decode("gzip", gzip + gzip + "\n", piece, 4096), plain + plain);
  }
}

TEST(DecoderTest, EmptyPartsHaveAnEnd) {
  const std::string plain = Plain(300);
  for (const auto& [name, empty, full] :
       {std::tuple{"gzip", Gzip(""), Gzip(plain)}, std::tuple{"zstd", Zstd(""), Zstd(plain)}}) {
    std::string many;
    for (int i = 0; i < kMaxEmptyParts; i++) many += empty;
    for (const size_t piece : {7u, 1000000u}) {
      EXPECT_EQ(Decode(name, many + full, piece, 4096), plain) << name;
      EXPECT_EQ(Decode(name, many + full + empty, piece, 4096), "failed") << name;
    }
  }
}

TEST(DecoderTest, BombsComeInSteps) {
  const std::string plain(50 << 20, '\0');
  for (const Coding& c : {Coding{"gzip", Gzip(plain)}, Coding{"zstd", Zstd(plain)},
                          Coding{"gzip, gzip", Gzip(Gzip(plain))}}) {
    const std::unique_ptr<Decoder> decoder = For(c.name);
    std::string_view in = c.coded;
    std::string room(1000, '\0');
    size_t made = 0;
    ASSERT_TRUE(decoder->Decode(&in, room.data(), room.size(), &made));
    EXPECT_EQ(made, room.size());
  }
}

TEST(DecoderTest, NothingToUndo) {
  for (const char* coding :
       {"", "identity", "compress", "gzip, foo", "foo, gzip", "UTF-8", "gzip,gzip,gzip,gzip,gzip"})
    EXPECT_EQ(For(coding), nullptr) << coding;
  EXPECT_EQ(MakeDecoder(ResponseHead()), nullptr);
}

}  // namespace
}  // namespace creche::http
