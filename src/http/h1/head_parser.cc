#include "http/h1/head_parser.h"

#include <charconv>

namespace creche::http {

namespace {

// Not to be folded: others may read only the first line.
constexpr uint32_t kOfFraming =
    Bit(Known::kContentLength) | Bit(Known::kTransferEncoding) | Bit(Known::kConnection);

constexpr char kBadField[] = "a header field is not what HTTP/1.1 allows";
constexpr char kBadLength[] = "the Content-Length is no number, or came more than once";

HeadParser* Self(llhttp_t* p) {
  return static_cast<HeadParser*>(p->data);
}

}  // namespace

bool ReadLengths(std::string_view list, uint64_t* length, int* numbers) {
  std::string_view one;
  while (NextElement(&list, &one)) {
    uint64_t n = 0;
    const auto [end, error] = std::from_chars(one.data(), one.data() + one.size(), n);
    if (one.empty() || end != one.data() + one.size() || error != std::errc()) return false;
    if ((*numbers)++ > 0 && n != *length) return false;
    *length = n;
  }
  return *numbers > 0;
}

const llhttp_settings_t& HeadParser::Settings() {
  static const llhttp_settings_t settings = [] {
    llhttp_settings_t s;
    llhttp_settings_init(&s);
    s.on_headers_complete = OnHeadEnd;
    return s;
  }();
  return settings;
}

HeadParser::HeadParser() {
  llhttp_init(&llhttp_, HTTP_RESPONSE, &Settings());
}

void HeadParser::Begin(bool lenient, ResponseHead* head) {
  llhttp_init(&llhttp_, HTTP_RESPONSE, &Settings());
  llhttp_.data = this;
  head_ = head;
  head_->Clear();
  field_.clear();
  problem_ = {};
  lenient_ = lenient;
  status_read_ = field_open_ = ended_ = false;
}

bool HeadParser::Fail(const char* text) {
  if (problem_.status == Status::kOk) problem_ = {Status::kProtocol, text};
  return false;
}

bool HeadParser::Give(std::string_view bytes, const char* text) {
  const llhttp_errno_t error = llhttp_execute(&llhttp_, bytes.data(), bytes.size());
  // What follows a head is no business of this class: the body, another protocol.
  return error == HPE_OK || ended_ || Fail(text);
}

bool HeadParser::Take(std::string_view line) {
  if (!status_read_) return GiveStatusLine(line);
  if (!line.empty() && (line[0] == ' ' || line[0] == '\t')) return Fold(TrimBlanks(line));
  if (field_open_ && !GiveField()) return false;
  if (line.empty()) return Give("\r\n", kBadField);
  field_ = line;
  field_open_ = true;
  return true;
}

// Joins a folded line to its field, by one blank (RFC 9112, 5.2).
bool HeadParser::Fold(std::string_view more) {
  if (!field_open_) return Fail("the first line of the head begins with a blank");
  const std::string_view name = std::string_view(field_).substr(0, field_.find(':'));
  if (!lenient_ && (Bit(KnownName(name)) & kOfFraming) != 0)
    return Fail("a field that says how long the body is goes over two lines");
  if (more.empty()) return true;
  field_.resize(field_.find_last_not_of(" \t") + 1);
  field_.append(" ").append(more);
  return true;
}

bool HeadParser::GiveStatusLine(std::string_view line) {
  static constexpr char kBadStatus[] =
      "the status line does not have a status of three digits behind one blank";
  constexpr size_t kCode = sizeof "HTTP/1.1 " - 1;
  constexpr size_t kReason = kCode + 3;
  if (line.size() < kCode - 1 || (line[kCode - 2] != '0' && line[kCode - 2] != '1') ||
      (line.size() >= kCode && line[kCode - 1] != ' '))
    return Fail("the answer's version is not HTTP/1.0 or HTTP/1.1");
  if (line.size() > kReason && !IsFieldValue(line.substr(kReason)))
    return Fail("a control character stands in the status line");
  if (line.size() > kCode && line[kCode] == ' ') return Fail(kBadStatus);  // llhttp reads 0
  if (!Give(line, kBadStatus) || !Give("\r\n", kBadStatus)) return false;
  if (llhttp_.status_code < 100) return Fail("the status is below 100");
  head_->status = llhttp_.status_code;
  head_->minor = llhttp_.http_minor;
  if (line.size() > kReason) head_->reason = TrimBlanks(line.substr(kReason));
  status_read_ = true;
  return true;
}

bool HeadParser::GiveField() {
  field_open_ = false;
  const std::string_view line = field_;
  const size_t colon = line.find(':');
  if (colon == line.npos) return Fail("a line of the head has no colon: it is no header field");
  const std::string_view name = line.substr(0, colon);
  // llhttp looks at each character, but lets blanks pass if it was built without its strict mode.
  if (!IsToken(name))
    return Fail(name.empty() ? "a header field has no name"
                             : "the name of a header field is no token");
  const std::string_view value = TrimBlanks(line.substr(colon + 1));
  if (!IsFieldValue(value)) return Fail("a control character stands in a header field");
  if (!GiveParts(name, value)) return false;
  head_->Add(name, value);
  return true;
}

bool HeadParser::GiveParts(std::string_view name, std::string_view value) {
  if (KnownName(name) != Known::kContentLength)
    return Give(name, kBadField) && Give(":", kBadField) && Give(value, kBadField) &&
           Give("\r\n", kBadField);
  // llhttp wants one number, once. Where more are allowed it sees the first.
  uint64_t length = 0;
  int numbers = 0;
  if (lenient_ && ReadLengths(value, &length, &numbers)) {
    if (head_->Has(Known::kContentLength))
      return length == llhttp_.content_length || Fail("more than one Content-Length came");
    std::string_view list = value;
    NextElement(&list, &value);
  }
  return Give("Content-Length:", kBadLength) && Give(value, kBadLength) && Give("\r\n", kBadLength);
}

int HeadParser::OnHeadEnd(llhttp_t* p) {
  Self(p)->ended_ = true;
  return 1;  // no body, as far as this llhttp is concerned
}

}  // namespace creche::http
