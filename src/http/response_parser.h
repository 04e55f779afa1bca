// ResponseParser: the framing of one response after another on a connection, over llhttp in strict
// mode. llhttp tells the tokens apart; around it stand the checks that it leaves out and that keep
// a client from being led astray: line ends, folded lines, versions, transfer codings, limits.
// Bytes may come in pieces of any size: where they are cut never changes the verdict.
#pragma once
#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "http/problem.h"
#include "http/response_head.h"

namespace creche::http {

class ResponseSink {
 public:
  // The head is complete (never an informational one): parser.framing() and so on are known.
  virtual void OnHead() noexcept = 0;
  // Bytes of the body, transfer coding undone. They live until Feed returns.
  virtual void OnBody(const char* data, size_t size) noexcept = 0;

 protected:
  ~ResponseSink() = default;
};

class ResponseParser {
 public:
  enum class Verdict : uint8_t { kMore, kDone, kFailed };
  enum class BodyFraming : uint8_t { kNone, kLength, kChunked, kUntilClose };

  ResponseParser();
  // llhttp keeps a pointer to this.
  ResponseParser(const ResponseParser&) = delete;
  ResponseParser& operator=(const ResponseParser&) = delete;

  // Ready for the response to one request. `head` is cleared and filled; both must outlive the
  // parsing. max_head: bytes of one head.
  void Begin(bool head_request, size_t max_head, ResponseHead* head, ResponseSink* sink);
  // Takes bytes; *used says how many belong to this response. After kDone or kFailed: Begin.
  Verdict Feed(const char* data, size_t size, size_t* used);
  // The peer has closed. clean: by a FIN, or a TLS close_notify where there is TLS.
  Verdict Finish(bool clean);

  const Problem& problem() const { return problem_; }
  // Any byte of a response, informational ones included, has been read.
  bool started() const { return started_; }
  bool head_done() const { return head_done_; }
  // Some of a head has come, an informational one's too, and not all of it.
  bool head_open() const { return head_bytes_ > 0 && !head_done_; }
  // From OnHead on.
  BodyFraming framing() const { return framing_; }
  uint64_t content_length() const { return content_length_; }  // for kLength
  // After kDone: the connection may carry another request, as far as the response says.
  bool keep_alive() const { return keep_alive_; }
  // Bytes of the body so far, still content-coded.
  uint64_t body_bytes() const { return body_bytes_; }

 private:
  static int OnStatus(llhttp_t* p, const char* at, size_t n);
  static int OnName(llhttp_t* p, const char* at, size_t n);
  static int OnNameEnd(llhttp_t* p);
  static int OnValue(llhttp_t* p, const char* at, size_t n);
  static int OnValueEnd(llhttp_t* p);
  static int OnHeadersEnd(llhttp_t* p);
  static int OnChunkHead(llhttp_t* p);
  static int OnBodyBytes(llhttp_t* p, const char* at, size_t n);
  static int OnMessageEnd(llhttp_t* p);
  static const llhttp_settings_t& Settings();

  void BeginHead();
  bool SkipLeadingLines(const char* data, size_t size, size_t* at);
  bool CheckHeadBytes(const char* data, size_t size);
  bool DecideFraming();
  bool CountFraming(size_t bytes);
  bool Fail(Status status, const char* text);
  Verdict EndMessage(const char* data, size_t end);

  llhttp_t llhttp_;
  ResponseHead* head_ = nullptr;
  ResponseSink* sink_ = nullptr;
  size_t max_head_ = 0;
  Problem problem_;
  uint64_t content_length_ = 0;
  uint64_t body_bytes_ = 0;

  // Of the head being read.
  size_t head_bytes_ = 0;
  size_t line_bytes_ = 0;        // of the line that is open
  uint8_t version_matched_ = 0;  // characters of "HTTP/1."
  uint8_t leading_ = 0;          // characters of CRLFs before the status line
  uint8_t informational_ = 0;
  char last_ = 0;  // the byte before the next one

  // Of a chunked body: what lies between two pieces of it.
  const char* cursor_ = nullptr;
  uint64_t gap_ = 0;
  uint64_t gaps_ = 0;
  std::string trailer_name_;

  BodyFraming framing_ = BodyFraming::kNone;
  bool head_request_ = false;
  bool started_ = false;
  bool scanning_ = false;  // llhttp is given bytes of a head that are checked before
  bool head_done_ = false;
  bool interim_ = false;
  bool ended_ = false;
  bool keep_alive_ = false;
};

}  // namespace creche::http
