// creche/response.h
#include <creche/response.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "capi/guard.h"
#include "capi/open_close.h"
#include "capi/options.h"
#include "capi/start_args.h"
#include "http/read_operation.h"
#include "http/retry_after.h"
#include "platform/tls_chain.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

static constexpr size_t kDefaultRead = 64 << 10;

// wanted: what a ReadOperation is made from.
template <class W>
static creche_status StartRead(creche_response response, creche_scope in,
                               const creche_task_options* options, creche_done_fn done, void* user,
                               creche_task* task, W wanted) {
  StartArgsReader reader;
  if (creche_status failed = reader.Read(in, options, done, user, task)) return failed;
  creche_status failed = CRECHE_OK;
  Ref<http::Response> found = Find<http::Response>(response.id, &failed);
  if (!found) return failed;
  if (found->whole())
    return Fail(Status::kState, "the response is whole: its body came with its completion");
  Loop& loop = found->loop();
  return Started(tasks::StartOperation(
                     loop, reader.args,
                     std::make_unique<http::ReadOperation>(std::move(found), std::move(wanted))),
                 in);
}

// The value of the first field of that name; null for none.
static const char* ValueOf(const http::ResponseHead* fields, const char* name, size_t* size) {
  if (!fields || !name) return nullptr;
  const size_t index = fields->IndexOf(name);
  if (index == fields->size()) return nullptr;
  const std::string_view value = fields->at(index).value;
  if (size) *size = value.size();
  return value.data();
}

static creche_status FieldAt(const http::ResponseHead* fields, const char* what, size_t index,
                             creche_header* header) {
  const size_t count = fields ? fields->size() : 0;
  if (index >= count) return Fail(Status::kLimit, "there are %zu %s, from 0 on", count, what);
  const http::ResponseHead::Field field = fields->at(index);
  *header = {field.name.data(), field.value.data(), field.value.size()};
  return CRECHE_OK;
}

}  // namespace creche::capi

extern "C" {

creche_status creche_response_read(creche_response response, creche_scope in, size_t capacity,
                                   const creche_task_options* options, creche_done_fn done,
                                   void* user, creche_task* task) {
  return Guard([&] {
    return StartRead(response, in, options, done, user, task,
                     capacity != 0 ? capacity : kDefaultRead);
  });
}

creche_status creche_response_read_until(creche_response response, creche_scope in,
                                         const void* delimiter, size_t delimiter_size, size_t max,
                                         const creche_task_options* options, creche_done_fn done,
                                         void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    if (!delimiter || delimiter_size == 0)
      return Fail(Status::kInvalid, "the delimiter is empty: a record would have no end");
    if (max == 0) max = kDefaultRead;
    if (delimiter_size > max)
      return Fail(Status::kInvalid, "the delimiter is longer than max: no record would be there");
    return StartRead(
        response, in, options, done, user, task,
        http::Record{std::string(static_cast<const char*>(delimiter), delimiter_size), max});
  });
}

creche_status creche_response_read_exactly(creche_response response, creche_scope in, size_t size,
                                           const creche_task_options* options, creche_done_fn done,
                                           void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    if (size == 0) return Fail(Status::kInvalid, "size is 0: there is nothing to be read");
    return StartRead(response, in, options, done, user, task, http::Record{.size = size});
  });
}

creche_status creche_response_move(creche_response response, creche_scope to) {
  return Guard([&]() -> creche_status {
    creche_status failed = CRECHE_OK;
    Ref<http::Response> found = Find<http::Response>(response.id, &failed);
    if (!found) return failed;
    if (found->whole())
      return Fail(Status::kState, "the response is whole: it is yours, and belongs to no scope");
    return Started(found->Move(to.id), to);
  });
}

void creche_response_release(creche_response response) {
  ReleaseHandle<http::Response>(response.id);
}

int32_t creche_response_status(creche_response response) {
  return Guard([&]() -> creche_status {
    creche_status failed = CRECHE_OK;
    Ref<http::Response> found = Find<http::Response>(response.id, &failed);
    return found ? found->head().status : failed;
  });
}

const char* creche_response_header(creche_response response, const char* name, size_t* size) {
  return GuardOr<const char*>(nullptr, [&]() -> const char* {
    if (size) *size = 0;
    creche_status failed = CRECHE_OK;
    Ref<http::Response> found = Find<http::Response>(response.id, &failed);
    return found ? ValueOf(&found->head(), name, size) : nullptr;
  });
}

creche_status creche_response_header_at(creche_response response, size_t index,
                                        creche_header* header) {
  return Guard([&]() -> creche_status {
    if (!header) return Fail(Status::kInvalid, "header is NULL");
    *header = {};
    creche_status failed = CRECHE_OK;
    Ref<http::Response> found = Find<http::Response>(response.id, &failed);
    return found ? FieldAt(&found->head(), "header fields", index, header) : failed;
  });
}

const char* creche_response_trailer(creche_response response, const char* name, size_t* size) {
  return GuardOr<const char*>(nullptr, [&]() -> const char* {
    if (size) *size = 0;
    creche_status failed = CRECHE_OK;
    Ref<http::Response> found = Find<http::Response>(response.id, &failed);
    return found ? ValueOf(found->trailer(), name, size) : nullptr;
  });
}

creche_status creche_response_trailer_at(creche_response response, size_t index,
                                         creche_header* header) {
  return Guard([&]() -> creche_status {
    if (!header) return Fail(Status::kInvalid, "header is NULL");
    *header = {};
    creche_status failed = CRECHE_OK;
    Ref<http::Response> found = Find<http::Response>(response.id, &failed);
    return found ? FieldAt(found->trailer(), "trailer fields", index, header) : failed;
  });
}

creche_status creche_response_certificate(creche_response response, size_t index, uint32_t form,
                                          void* certificate, size_t capacity, size_t* size) {
  return Guard([&]() -> creche_status {
    if (size) *size = 0;
    if (!certificate && capacity != 0)
      return Fail(Status::kInvalid, "certificate is NULL, and capacity is not 0");
    if (form != CRECHE_CERTIFICATE_DER && form != CRECHE_CERTIFICATE_PEM)
      return Fail(Status::kInvalid, "form is %u; it is CRECHE_CERTIFICATE_DER or _PEM", form);
    creche_status failed = CRECHE_OK;
    Ref<http::Response> found = Find<http::Response>(response.id, &failed);
    if (!found) return failed;
    const http::ConnectionInfoRef connection = found->info().connection;
    const platform::TlsChain* chain = connection ? connection->chain.get() : nullptr;
    const size_t count = chain ? chain->size() : 0;
    if (index >= count) return Fail(Status::kLimit, "there are %zu certificates, from 0 on", count);
    const bool pem = form == CRECHE_CERTIFICATE_PEM;
    const std::string made = pem ? chain->Pem(index) : chain->Der(index);
    if (size) *size = made.size();
    const size_t needed = made.size() + (pem ? 1 : 0);
    if (capacity > 0) memcpy(certificate, made.c_str(), std::min(needed, capacity));
    if (needed <= capacity) return CRECHE_OK;
    if (pem && capacity > 0) static_cast<char*>(certificate)[capacity - 1] = '\0';
    return Fail(Status::kLimit, "the certificate needs %zu bytes, and there are %zu", needed,
                capacity);
  });
}

const char* creche_response_body(creche_response response, size_t* size) {
  if (size) *size = 0;
  return GuardOr<const char*>(nullptr, [&]() -> const char* {
    creche_status failed = CRECHE_OK;
    const Ref<http::Response> found = Find<http::Response>(response.id, &failed);
    if (!found) return nullptr;
    if (!found->whole()) {
      Fail(Status::kState, "the body of this response is read, by creche_response_read");
      return nullptr;
    }
    const Buffer& body = found->body();
    if (size) *size = body.size();
    return body.size() == 0 ? "" : body.data();
  });
}

const char* creche_response_url(creche_response response) {
  return GuardOr<const char*>(nullptr, [&]() -> const char* {
    creche_status failed = CRECHE_OK;
    Ref<http::Response> found = Find<http::Response>(response.id, &failed);
    return found ? found->url().c_str() : nullptr;
  });
}

creche_status creche_response_redirect_at(creche_response response, size_t index,
                                          creche_redirect* redirect) {
  return Guard([&]() -> creche_status {
    if (!redirect) return Fail(Status::kInvalid, "redirect is NULL");
    *redirect = {};
    creche_status failed = CRECHE_OK;
    Ref<http::Response> found = Find<http::Response>(response.id, &failed);
    if (!found) return failed;
    const size_t count = found->hops() ? found->hops()->all.size() : 0;
    if (index >= count) return Fail(Status::kLimit, "there are %zu redirects, from 0 on", count);
    const http::Hop& hop = found->hops()->all[index];
    redirect->url = hop.url.c_str();
    redirect->status = hop.status;
    return CRECHE_OK;
  });
}

creche_status creche_response_get_info(creche_response response, creche_response_info* info,
                                       size_t size) {
  return Guard([&]() -> creche_status {
    if (creche_status failed = CheckFilled(info, size, "info")) return failed;
    creche_status failed = CRECHE_OK;
    Ref<http::Response> found = Find<http::Response>(response.id, &failed);
    if (!found) return failed;
    const http::ResponseInfo known = found->info();
    creche_response_info i{};
    i.size = static_cast<uint32_t>(size);
    i.started = known.times.started;
    i.connected = known.times.connected;
    i.sent = known.times.sent;
    i.first_byte = known.times.first_byte;
    i.ended = known.times.ended;
    i.body_bytes = known.body_bytes;
    i.reused = known.reused;
    i.redirects = known.redirects;
    i.http_minor = found->head().minor;
    i.tls = known.tls;
    i.attempts = known.attempts;
    i.decoded_bytes = known.decoded_bytes;
    i.request_bytes = known.sent_bytes;
    i.queue_time = known.waited;
    const http::ResponseHead& head = found->head();
    i.reason = head.reason.c_str();
    i.method = found->method().c_str();
    i.head_bytes = head.bytes;
    const auto field = [&](const char* name) {
      const size_t index = head.IndexOf(name);
      return index < head.size() ? head.at(index).value : std::string_view();
    };
    i.retry_after =
        http::ReadRetryAfter(field("Retry-After"), field("Date"), std::time(nullptr)).value_or(-1);
    if (const http::ConnectionInfo* c = known.connection.get()) {
      i.peer = c->peer.c_str();
      i.local = c->local.c_str();
      i.tls_version = c->tls_version;
      i.tls_cipher = c->cipher;
      i.tls_cipher_id = c->cipher_id;
      if (!c->alpn.empty()) i.alpn = c->alpn.c_str();
      i.connection = c->id;
      i.http_major = c->http_major;
      if (!known.reused) {
        i.dns_time = c->times.dns;
        i.connect_time = c->times.connect;
        i.proxy_time = c->times.proxy;
        i.tls_time = c->times.tls;
      }
    }
    StoreSized(i, info, size);
    return CRECHE_OK;
  });
}

}  // extern "C"
