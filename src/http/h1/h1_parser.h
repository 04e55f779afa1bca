// H1Parser: the framing of one response after another on a connection (RFC 9112). llhttp
// judges the syntax, behind HeadParser and ChunkedReader; what a response means is decided here.
// Strict: what two parties could read in two ways is refused, for that is how smuggled bytes hide:
// line ends, folded lines, blanks in odd places, versions, transfer codings, lengths, limits.
// lenient takes what old and small servers write and what can be read in one way only. Bytes may
// come in pieces of any size: where they are cut never changes the verdict.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "http/h1/chunked_reader.h"
#include "http/h1/head_lines.h"
#include "http/h1/head_parser.h"
#include "http/problem.h"
#include "http/response_head.h"

namespace creche::http {

class H1Parser {
 public:
  class Sink {
   public:
    // The head is complete (never an informational one): framing() and so on are known.
    virtual void OnHead() noexcept = 0;
    // An informational head has come, and is forgotten then.
    virtual void OnInformational() noexcept {}
    // So many bytes of the body are to come in one chunk.
    virtual void OnChunk(uint64_t size) noexcept = 0;
    // Bytes of the body, transfer coding undone. They live until Feed returns.
    virtual void OnBody(const char* data, size_t size) noexcept = 0;

   protected:
    ~Sink() = default;
  };

  enum class Verdict : uint8_t { kMore, kDone, kFailed };
  enum class BodyFraming : uint8_t { kNone, kLength, kChunked, kUntilClose };

  // Ready for the response to one request. `head` is cleared and filled; both must outlive the
  // parsing. max_head: bytes of one head. lenient: takes lines of a head that end in a line feed
  // alone, any folded ones, equal Content-Lengths, blanks behind a chunk's size.
  // upgrade: a 101 is the end of the answer, not an informational one.
  void Begin(bool head_request, size_t max_head, bool lenient, ResponseHead* head, Sink* sink,
             bool upgrade = false);
  // Takes bytes; *used says how many belong to this response. After kDone or kFailed: Begin.
  Verdict Feed(const char* data, size_t size, size_t* used);
  // The peer has closed. clean: by a FIN, or a TLS close_notify where there is TLS.
  Verdict Finish(bool clean);

  const Problem& problem() const { return problem_; }
  // Any byte of a response, informational ones included, has been read.
  bool started() const { return started_; }
  bool head_done() const { return head_done_; }
  // Some of a head has come, an informational one's too, and not all of it.
  bool head_open() const { return version_matched_ > 0 && !head_done_; }
  // A 100 Continue has come.
  bool continued() const { return continued_; }
  // From OnHead on.
  BodyFraming framing() const { return framing_; }
  uint64_t content_length() const { return content_length_; }  // for kLength
  // After kDone: the connection may carry another request, as far as the response says.
  bool keep_alive() const { return keep_alive_; }
  // After kDone, once: what came behind a chunked body; null for nothing.
  std::unique_ptr<ResponseHead> TakeTrailer() { return chunks_.TakeTrailer(); }
  // Bytes of the body so far, still content-coded.
  uint64_t body_bytes() const { return body_bytes_; }

 private:
  void BeginHead();
  bool Fail(Status status, const char* text);
  bool FeedHead(const char* data, size_t size, size_t* at);
  bool CheckVersion(const char* data, size_t size);
  bool FeedLines(const char* data, size_t size, size_t* at);
  bool TakeLine(std::string_view line);
  bool EndHead();
  bool DecideFraming();
  bool ReadLength(uint64_t* length);
  Verdict FeedBody(const char* data, size_t size, size_t* at);
  Verdict FeedChunks(const char* data, size_t size, size_t* at);
  void TakeBody(const char* data, size_t size);

  HeadLines lines_;
  HeadParser fields_;
  ChunkedReader chunks_;
  ResponseHead* head_ = nullptr;
  Sink* sink_ = nullptr;
  size_t max_head_ = 0;
  Problem problem_;
  uint64_t content_length_ = 0;
  uint64_t body_bytes_ = 0;

  // Of the head being read.
  uint8_t version_matched_ = 0;  // characters of "HTTP/1."
  uint8_t empty_lines_ = 0;      // before the status line
  uint8_t informational_ = 0;
  bool in_lines_ = false;  // it is read line by line
  bool continued_ = false;

  BodyFraming framing_ = BodyFraming::kNone;
  bool head_request_ = false;
  bool lenient_ = false;
  bool upgrade_ = false;
  bool started_ = false;
  bool head_done_ = false;
  bool keep_alive_ = false;
};

}  // namespace creche::http
