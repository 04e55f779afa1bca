// creche/body.h, and what else the body of a request is made of.
#include <creche/body.h>

#include <string_view>

#include "capi/http_options.h"
#include "http/body/form.h"
#include "platform/file.h"

namespace creche::capi {

creche_status CheckFile(const creche_file& file) {
  if (file.reserved != 0) return Fail(Status::kUnsupported, "creche_file.reserved is set");
  if (file.fd < 0) return Fail(Status::kInvalid, "creche_file.fd is negative");
  if (file.offset > INT64_MAX || (file.size > INT64_MAX && file.size != CRECHE_TO_THE_END))
    return Fail(Status::kInvalid, "offset or size of a creche_file is out of range");
  return CRECHE_OK;
}

namespace {

creche_status CheckForm(const creche_request_options& o) {
  if (!o.form && o.form_count > 0) return Fail(Status::kInvalid, "form is NULL, form_count not 0");
  for (size_t i = 0; i < o.form_count; i++) {
    const creche_part& part = o.form[i];
    if (!part.name) return Fail(Status::kInvalid, "form[%zu].name is NULL", i);
    if (!part.value && part.value_size > 0)
      return Fail(Status::kInvalid, "form[%zu].value is NULL, its size not 0", i);
    if (part.value && part.file)
      return Fail(Status::kInvalid, "form[%zu] has a value and a file; give one", i);
    if (part.file)
      if (creche_status failed = CheckFile(*part.file)) return failed;
  }
  return CRECHE_OK;
}

// The descriptor is duplicated: the user's may be closed at once.
Result<http::Segment> ToSegment(const creche_file& file) {
  http::Segment segment;
  segment.offset = file.offset;
  segment.size = file.size;
  int error = platform::DuplicateFile(file.fd, &segment.file);
  uint64_t behind = 0;
  if (error == 0) error = platform::SizeBehind(segment.file.get(), file.offset, &behind);
  if (error != 0)
    return MakeSystemError(Status::kBody, Phase::kOptions,
                           "the file of the body cannot be used (give one that can be read at an "
                           "offset, or pull the body)",
                           error);
  if (file.size == CRECHE_TO_THE_END) segment.size = behind;
  return segment;
}

bool IsMultipart(const creche_request_options& o) {
  bool multipart = (o.flags & CRECHE_REQUEST_MULTIPART) != 0;
  for (size_t i = 0; i < o.form_count; i++)
    multipart = multipart || o.form[i].file || o.form[i].filename || o.form[i].type;
  return multipart;
}

http::BodySource OfSegments(Loop& loop, std::vector<http::Segment> segments) {
  auto producer = std::make_unique<http::Segments>(loop, std::move(segments));
  const uint64_t size = producer->size();
  return http::BodySource::Produced(std::move(producer), size);
}

http::BodySource OfBytes(std::string bytes, Loop& loop, bool coded) {
  if (!coded) return http::BodySource::Bytes(std::move(bytes));
  std::vector<http::Segment> segments(1);
  segments[0].bytes = std::move(bytes);
  return OfSegments(loop, std::move(segments));
}

Result<http::BodySource> OfForm(const creche_request_options& o, Loop& loop, http::Request* r) {
  const bool coded = o.coding != CRECHE_CODING_NONE;
  std::vector<http::FormPart> parts;
  for (size_t i = 0; i < o.form_count; i++) {
    const creche_part& given = o.form[i];
    http::FormPart part{.name = given.name, .filename = given.filename, .type = given.type};
    if (given.value) part.value = {static_cast<const char*>(given.value), given.value_size};
    if (given.file) {
      auto segment = ToSegment(*given.file);
      if (!segment.ok()) return segment.error();
      part.file = std::move(segment).value();
    }
    parts.push_back(std::move(part));
  }
  const std::string_view type = r->headers.Find(http::Known::kContentType);
  if (!IsMultipart(o)) {
    if (type.empty())
      if (auto added = r->headers.Add("Content-Type", "application/x-www-form-urlencoded");
          !added.ok())
        return added.error();
    return OfBytes(http::UrlEncodedForm(parts), loop, coded);
  }
  std::string boundary(http::BoundaryOf(type));
  if (type.empty()) {
    boundary = http::RandomBoundary();
    if (auto added = r->headers.Add("Content-Type", "multipart/form-data; boundary=" + boundary);
        !added.ok())
      return added.error();
  }
  auto segments = http::MultipartForm(parts, boundary);
  if (!segments.ok()) return segments.error();
  if (segments.value().size() == 1)
    return OfBytes(std::move(segments.value()[0].bytes), loop, coded);
  return OfSegments(loop, std::move(segments).value());
}

Result<void> EncodeBody(uint32_t given, http::Request* r) {
  const auto coding = static_cast<http::BodyCoding>(given);
  if (r->body.framing() == http::Framing::kNone) return {};
  if (r->headers.Has(http::Known::kContentEncoding))
    return MakeError(Status::kInvalid, Phase::kOptions,
                     "a Content-Encoding header and coding are both given: give one");
  r->body.EncodeAs(coding);
  return r->headers.Add("Content-Encoding", http::NameOf(coding));
}

}  // namespace

creche_status CheckBody(const creche_request_options& o) {
  const bool pulled = (o.flags & CRECHE_REQUEST_PULL_BODY) != 0;
  if (pulled + (o.body != nullptr) + (o.body_file != nullptr) + (o.form != nullptr) > 1)
    return Fail(Status::kInvalid,
                "a body is given as bytes, as a file or as a form, or it is pulled: only one of "
                "these");
  if (!pulled && !o.body && o.body_size > 0)
    return Fail(Status::kInvalid, "body is NULL, body_size not 0");
  if (o.body && o.body_size == CRECHE_UNKNOWN_SIZE)
    return Fail(Status::kInvalid, "only the size of a pulled body may be unknown");
  if (o.coding > CRECHE_CODING_DEFLATE)
    return Fail(Status::kUnsupported, "coding is %u; it is one of CRECHE_CODING_*", o.coding);
  if (o.body_file)
    if (creche_status failed = CheckFile(*o.body_file)) return failed;
  return CheckForm(o);
}

Result<void> FillBody(const creche_request_options& o, Loop& loop, http::Request* request) {
  http::Request& r = *request;
  const bool coded = o.coding != CRECHE_CODING_NONE;
  if (o.body) {
    r.body = OfBytes({static_cast<const char*>(o.body), o.body_size}, loop, coded);
  } else if (o.flags & CRECHE_REQUEST_PULL_BODY) {
    r.body = o.body_size == CRECHE_UNKNOWN_SIZE ? http::BodySource::PulledOfUnknownSize()
                                                : http::BodySource::Pulled(o.body_size);
    if ((o.flags & CRECHE_REQUEST_REWIND) != 0) r.body.set_rewindable();
  } else if (o.body_file) {
    auto segment = ToSegment(*o.body_file);
    if (!segment.ok()) return segment.error();
    std::vector<http::Segment> segments;
    segments.push_back(std::move(segment).value());
    r.body = OfSegments(loop, std::move(segments));
  } else if (o.form) {
    auto body = OfForm(o, loop, &r);
    if (!body.ok()) return body.error();
    r.body = std::move(body).value();
  }
  return coded ? EncodeBody(o.coding, &r) : Result<void>();
}

}  // namespace creche::capi
