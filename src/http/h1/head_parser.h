// HeadParser: reads one head of a response, line by line, with llhttp as the judge of each. In
// front of it stands what RFC 9112 wants of a user agent and llhttp does not do: folded lines are
// joined, blanks around a value are dropped, and equal Content-Lengths become one where that is
// allowed.
#pragma once
#include <llhttp.h>

#include <string>
#include <string_view>

#include "http/problem.h"
#include "http/response_head.h"

namespace creche::http {

class HeadParser {
 public:
  HeadParser();
  HeadParser(const HeadParser&) = delete;
  HeadParser& operator=(const HeadParser&) = delete;

  // Ready for the status line. `head` is cleared, and must outlive the parsing. lenient: see
  // H1Parser.
  void Begin(bool lenient, ResponseHead* head);
  // Takes a line without its end; the empty one ends the head. False: see problem.
  [[nodiscard]] bool Take(std::string_view line);
  // The head is whole: nothing more may be taken.
  bool ended() const { return ended_; }
  bool has_status() const { return status_read_; }
  const Problem& problem() const { return problem_; }

 private:
  static const llhttp_settings_t& Settings();
  static int OnHeadEnd(llhttp_t* p);

  bool Fail(const char* text);
  bool Fold(std::string_view line);
  bool GiveStatusLine(std::string_view line);
  bool GiveField();
  bool GiveParts(std::string_view name, std::string_view value);
  // Shows bytes to llhttp; false with `text` as the problem if it does not like them.
  bool Give(std::string_view bytes, const char* text);

  llhttp_t llhttp_;
  ResponseHead* head_ = nullptr;
  std::string field_;  // the last one, until it is known that no folded line follows
  Problem problem_;
  bool lenient_ = false;
  bool status_read_ = false;
  bool field_open_ = false;
  bool ended_ = false;
};

// The number that a Content-Length says, if each element of its list says the same; `numbers`
// counts them. False if it is none.
[[nodiscard]] bool ReadLengths(std::string_view list, uint64_t* length, int* numbers);

}  // namespace creche::http
