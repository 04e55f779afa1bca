// creche/cpp/request.hpp: what can be said of an HTTP request.
#ifndef CRECHE_CPP_REQUEST_HPP
#define CRECHE_CPP_REQUEST_HPP

#include <string_view>

#include "auth.hpp"
#include "headers.hpp"
#include "options.hpp"
#include "tls.hpp"

namespace creche {

/// Options of a request: creche_request_options. Texts are the caller's, until the request is made.
struct request_options {
  ctext method = {};             ///< GET, or POST with a body
  creche::headers headers = {};  ///< {{"name", "value"}, ...}
  std::string_view body = {};    ///< not there if its data is NULL
  duration timeout = never;      ///< for all of it, in which it fails with CRECHE_E_TIMEOUT
  bool fail_on_status = false;   ///< 400 and above are a failure: CRECHE_E_HTTP_STATUS
  uint32_t flags = 0;            ///< CRECHE_REQUEST_*
  uint32_t versions = 0;         ///< CRECHE_HTTP_1_1, CRECHE_HTTP_2; 0: the session's
  uint64_t max_body = 0;         ///< of a whole body; 0: the session's
  const creche_retry* retry = nullptr;
  const creche::auth* auth = nullptr;  ///< in place of the session's
  const creche::tls* tls = nullptr;    ///< in place of the session's
  /// Whatever else: these are the options then, and what is said above is put into a copy of them.
  const creche_request_options* more = nullptr;
};

namespace detail {
/// call(const creche_request_options*), with these in C.
template <class Call>
creche_status with(const request_options& o, Call&& call) {
  auto c =
      o.more != nullptr ? *o.more : defaults<creche_request_options, creche_request_options_init>();
  if (o.headers.size() != 0) {
    c.headers = o.headers.data();
    c.headers_count = o.headers.size();
  }
  if (o.method) c.method = o.method.c_str();
  if (o.body.data() != nullptr) {
    c.body = o.body.data();
    c.body_size = o.body.size();
  }
  c.flags |= o.flags;
  if (o.fail_on_status) c.flags |= CRECHE_REQUEST_FAIL_ON_STATUS;
  if (o.versions != 0) c.versions = o.versions;
  if (o.max_body != 0) c.max_body = o.max_body;
  if (o.retry != nullptr) c.retry = o.retry;
  creche_auth shown;
  if (o.auth != nullptr) c.auth = &(shown = o.auth->in_c());
  if (o.tls != nullptr) c.tls = o.tls->get();
  creche_task_options task = in_c(o.timeout);
  if (c.task == nullptr || o.timeout != never) c.task = &task;
  return call(static_cast<const creche_request_options*>(&c));
}
}  // namespace detail

}  // namespace creche
#endif
