// HeadLines: cuts the head of a response into its lines, and sees that they end as they must: in
// CRLF, with no carriage return elsewhere. Where the bytes are cut never changes the verdict.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "http/problem.h"

namespace creche::http {

class HeadLines {
 public:
  enum class Step : uint8_t { kMore, kLine, kFailed };

  // max: bytes of all lines together. lenient: a line feed alone ends a line, too.
  void Begin(size_t max, bool lenient);
  // Goes on to the end of a line; *at moves behind what was taken. kLine: *line is it, without its
  // end, until the next call.
  Step Next(const char* data, size_t size, size_t* at, std::string_view* line);
  const Problem& problem() const { return problem_; }

 private:
  Step Fail(Status status, const char* text);

  std::string begun_;   // the line that has no end yet
  bool given_ = false;  // begun_ was given out whole
  size_t left_ = 0;     // bytes that may still come
  Problem problem_;
  bool lenient_ = false;
};

}  // namespace creche::http
