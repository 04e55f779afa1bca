// What can be wrong with the body of a response, however it is kept.
#pragma once
#include "http/body/decoder.h"
#include "http/problem.h"

namespace creche::http {

inline constexpr Problem kNoMemory{Status::kNoMemory, "no memory for the body"};
inline constexpr Problem kUndecodable{Status::kCoding,
                                      "the body does not decode as its Content-Encoding says"};
inline constexpr Problem kCodingCut{
    Status::kCoding, "the coded body ends too early (its Content-Encoding is not complete)"};
inline constexpr Problem kExpandsTooMuch{
    Status::kLimit, "the body decodes to more than max_expansion times what was received"};
inline constexpr Problem kNothingIn{
    Status::kLimit, "1 MiB of the coded body decode to nothing: the server sends no content"};

// Why `decoder` failed.
inline Problem DecodingProblem(const Decoder& decoder) {
  if (decoder.TooMuch()) return kExpandsTooMuch;
  return decoder.NoMemory() ? kNoMemory : kUndecodable;
}

}  // namespace creche::http
