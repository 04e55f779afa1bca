// creche/response.h
#include <creche/response.h>

#include "capi/guard.h"
#include "capi/open_close.h"
#include "capi/options.h"
#include "capi/start_args.h"
#include "http/read_operation.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

static constexpr size_t kDefaultRead = 64 << 10;

}  // namespace creche::capi

extern "C" {

creche_status creche_response_read(creche_response response, creche_scope in, size_t capacity,
                                   const creche_task_options* options, creche_done_fn done,
                                   void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    StartArgsReader reader;
    if (creche_status failed = reader.Read(in, options, done, user, task)) return failed;
    creche_status failed = CRECHE_OK;
    Ref<http::Response> found = Find<http::Response>(response.id, &failed);
    if (!found) return failed;
    if (found->whole())
      return Fail(Status::kState, "the response is whole: its body came with its completion");
    Loop& loop = found->loop();
    return Started(
        tasks::StartOperation(loop, reader.args,
                              std::make_unique<http::ReadOperation>(
                                  std::move(found), capacity != 0 ? capacity : kDefaultRead)),
        in);
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
    if (!found || !name) return nullptr;
    const http::ResponseHead& head = found->head();
    const size_t index = head.IndexOf(name);
    if (index == head.size()) return nullptr;
    const std::string_view value = head.at(index).value;
    if (size) *size = value.size();
    return value.data();
  });
}

creche_status creche_response_header_at(creche_response response, size_t index,
                                        creche_header* header) {
  return Guard([&]() -> creche_status {
    if (!header) return Fail(Status::kInvalid, "header is NULL");
    *header = {};
    creche_status failed = CRECHE_OK;
    Ref<http::Response> found = Find<http::Response>(response.id, &failed);
    if (!found) return failed;
    const http::ResponseHead& head = found->head();
    if (index >= head.size())
      return Fail(Status::kLimit, "there are %zu header fields, from 0 on", head.size());
    const http::ResponseHead::Field field = head.at(index);
    *header = {field.name.data(), field.value.data(), field.value.size()};
    return CRECHE_OK;
  });
}

const char* creche_response_url(creche_response response) {
  return GuardOr<const char*>(nullptr, [&]() -> const char* {
    creche_status failed = CRECHE_OK;
    Ref<http::Response> found = Find<http::Response>(response.id, &failed);
    return found ? found->url().c_str() : nullptr;
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
    if (known.connection) {
      i.peer = known.connection->peer.c_str();
      i.tls_version = known.connection->tls_version;
      i.tls_cipher = known.connection->cipher;
    }
    StoreSized(i, info, size);
    return CRECHE_OK;
  });
}

}  // extern "C"
