// creche/http.h: sessions and requests.
#include <creche/http.h>

#include <cstring>

#include "capi/guard.h"
#include "capi/http_options.h"
#include "capi/open_close.h"
#include "capi/options.h"
#include "capi/request_start.h"
#include "http/download_operation.h"
#include "http/request_operation.h"
#include "http/session.h"
#include "http/warm_up_operation.h"
#include "platform/file.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

// Has an operation of T, made from the session and `argument`, send or prepare the request.
template <class T, class A>
static creche_status StartRequest(creche_session session, creche_scope in, const char* url,
                                  const creche_request_options* options, creche_done_fn done,
                                  void* user, creche_task* task, A argument) {
  if (task) *task = {};
  RequestStart start;
  if (creche_status failed = start.Read(session, in, url, options, done, user, task)) return failed;
  auto operation = std::make_unique<T>(start.TakeUse(), argument);
  const Result<void> filled = start.Fill(url, &operation->request());
  return start.Start(std::move(operation), filled);
}

// A fetch whose body goes to a file.
static creche_status StartDownload(creche_session session, creche_scope in, const char* url,
                                   const creche_request_options* options, creche_done_fn done,
                                   void* user, creche_task* task) {
  if (task) *task = {};
  RequestStart start;
  start.AllowFile();
  if (creche_status failed = start.Read(session, in, url, options, done, user, task)) return failed;
  const creche_file& file = *start.options().to_file;
  http::Download to;
  int error = platform::CanWriteAt(file.fd);
  if (error == 0) error = platform::DuplicateFile(file.fd, &to.file);
  to.offset = file.offset;
  if (file.size != CRECHE_TO_THE_END) to.most = file.size;
  auto operation = std::make_unique<http::DownloadOperation>(start.TakeUse(), std::move(to));
  Result<void> filled = start.Fill(url, &operation->request());
  if (error != 0)
    filled = MakeSystemError(Status::kSystem, Phase::kOptions,
                             "to_file cannot be used (it must be open for writing, "
                             "without O_APPEND)",
                             error);
  return start.Start(std::move(operation), filled);
}

static bool HasFile(const creche_request_options* options) noexcept {
  constexpr size_t kEnd = offsetof(creche_request_options, to_file) + sizeof options->to_file;
  return options && options->size >= kEnd && options->to_file;
}

}  // namespace creche::capi

extern "C" {

creche_status creche_session_options_init(creche_session_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_request_options_init(creche_request_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_session_open(creche_loop loop, const creche_session_options* options,
                                  creche_session* session) {
  const platform::NotCancelled here;
  return Guard([&]() -> creche_status {
    if (!session) return Fail(Status::kInvalid, "session is NULL: nowhere to store the handle");
    *session = {};
    http::SessionSettings settings;
    if (creche_status failed = ReadSession(options, &settings)) return failed;
    return OpenResident<http::Session>(
        loop, &session->id, [&](Ref<Loop> found, Ref<http::Session>* made) -> creche_status {
          auto opened = http::Session::Open(std::move(found), std::move(settings));
          if (!opened.ok()) return Fail(opened.error()->status(), "%s", opened.error()->message());
          *made = std::move(opened.value());
          return CRECHE_OK;
        });
  });
}

creche_status creche_session_close(creche_session session, creche_done_fn done, void* user) {
  return CloseResident<http::Session>(session.id, done, user);
}

void creche_session_release(creche_session session) {
  ReleaseHandle<http::Session>(session.id);
}

creche_status creche_session_give_token(creche_session session, uint64_t ask, creche_status status,
                                        const char* token) {
  return Guard([&]() -> creche_status {
    creche_status failed = CRECHE_OK;
    Ref<http::Session> found = Find<http::Session>(session.id, &failed);
    if (!found) return failed;
    if (status > 0)
      return Fail(Status::kInvalid, "status is %d; it is CRECHE_OK or a failure", status);
    if (status == CRECHE_OK && token && (!*token || !http::IsFieldValue(token)))
      return Fail(Status::kInvalid, "token is empty, or holds a control character");
    ErrorRef error;
    if (status != CRECHE_OK)
      error = MakeError(static_cast<Status>(status), Phase::kAuth, "no token could be had");
    const Status given =
        found->GiveToken(ask, std::move(error), status == CRECHE_OK && token ? token : "");
    if (given == Status::kState)
      return Fail(given, "no token was asked for by this number, or it has been answered");
    return CRECHE_OK;
  });
}

creche_status creche_session_get_counters(creche_session session, creche_session_counters* counters,
                                          size_t size) {
  return Guard([&]() -> creche_status {
    if (creche_status failed = CheckFilled(counters, size, "counters")) return failed;
    creche_status failed = CRECHE_OK;
    Ref<http::Session> found = Find<http::Session>(session.id, &failed);
    if (!found) return failed;
    const http::Counters& n = found->counters();
    creche_session_counters c{};
    c.size = static_cast<uint32_t>(size);
    c.requests = n.requests.get();
    c.connects = n.connects.get();
    c.reuses = n.reuses.get();
    c.retries = n.retries.get();
    c.dns_lookups = n.dns_lookups.get();
    c.bytes_sent = n.bytes_sent.get();
    c.bytes_received = n.bytes_received.get();
    c.idle = n.idle.get();
    const uint64_t open = n.open.get();  // the two change one after the other
    c.active = open > c.idle ? open - c.idle : 0;
    c.waiting = n.waiting.get();
    c.attempts = n.attempts.get();
    c.retries_denied = n.retries_denied.get();
    StoreSized(c, counters, size);
    return CRECHE_OK;
  });
}

static_assert(sizeof(creche_histogram) == sizeof(Histogram::Values));

creche_status creche_session_get_timings(creche_session session, creche_session_timings* timings,
                                         size_t size) {
  return Guard([&]() -> creche_status {
    if (creche_status failed = CheckFilled(timings, size, "timings")) return failed;
    creche_status failed = CRECHE_OK;
    Ref<http::Session> found = Find<http::Session>(session.id, &failed);
    if (!found) return failed;
    const http::Timings& from = found->counters().timings;
    creche_session_timings t{};
    t.size = static_cast<uint32_t>(size);
    const auto read = [](const Histogram& histogram, creche_histogram* into) {
      Histogram::Values values;
      histogram.Read(&values);
      memcpy(into, &values, sizeof values);
    };
    read(from.pool, &t.pool);
    read(from.dns, &t.dns);
    read(from.connect, &t.connect);
    read(from.tls, &t.tls);
    read(from.first_byte, &t.first_byte);
    read(from.total, &t.total);
    StoreSized(t, timings, size);
    return CRECHE_OK;
  });
}

creche_status creche_session_fetch(creche_session session, creche_scope in, const char* url,
                                   const creche_request_options* options, creche_done_fn done,
                                   void* user, creche_task* task) {
  return Guard([&] {
    if (HasFile(options)) return StartDownload(session, in, url, options, done, user, task);
    return StartRequest<http::RequestOperation>(session, in, url, options, done, user, task,
                                                /*stream=*/false);
  });
}

creche_status creche_session_send(creche_session session, creche_scope in, const char* url,
                                  const creche_request_options* options, creche_done_fn done,
                                  void* user, creche_task* task) {
  return Guard([&] {
    return StartRequest<http::RequestOperation>(session, in, url, options, done, user, task,
                                                /*stream=*/true);
  });
}

creche_status creche_session_warm_up(creche_session session, creche_scope in, const char* url,
                                     uint32_t count, const creche_request_options* options,
                                     creche_done_fn done, void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    if (count == 0)
      return Fail(Status::kInvalid, "count is 0: say how many connections there shall be");
    return StartRequest<http::WarmUpOperation>(session, in, url, options, done, user, task, count);
  });
}

}  // extern "C"
