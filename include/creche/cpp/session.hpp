// creche/cpp/session.hpp: the HTTP client.
#ifndef CRECHE_CPP_SESSION_HPP
#define CRECHE_CPP_SESSION_HPP

#include "cookies.hpp"
#include "loop.hpp"
#include "request.hpp"
#include "response.hpp"
#include "server_events.hpp"
#include "temporaries.hpp"
#include "websocket.hpp"
#include "writer.hpp"

namespace creche {

/// Options of a session: creche_session_options. Texts are the caller's, until it is made.
struct session_options {
  uint32_t limit = 100;  ///< connections at the most; 0: no limit
  uint32_t limit_per_host = 0;
  uint32_t versions = 0;         ///< CRECHE_HTTP_1_1 (the default), CRECHE_HTTP_2
  uint32_t flags = 0;            ///< CRECHE_SESSION_*
  creche::headers headers = {};  ///< sent with every request
  ctext base_url = {};
  ctext ca_file = {};
  ctext proxy = {};
  ctext user_agent = {};
  const creche_retry* retry = nullptr;
  const cookie_jar* cookies = nullptr;  ///< kept by the session
  const creche::auth* auth = nullptr;   ///< copied
  const creche::tls* tls = nullptr;     ///< kept by the session
  /// Whatever else: these are the options then, and what is said above is put into a copy of them.
  const creche_session_options* more = nullptr;
};

/// A session: connections that are kept, and what requests have in common. Moves only; its end
/// closes it.
class session {
 public:
  /// On the loop of the coroutine that makes it.
  explicit session(const session_options& options = {}) : session(current_loop(), options) {}
  explicit session(const loop& on, const session_options& options = {})
      : session(on.get(), options) {}
  explicit session(creche_loop on, const session_options& options = {}) {
    auto c = options.more != nullptr
                 ? *options.more
                 : detail::defaults<creche_session_options, creche_session_options_init>();
    if (options.headers.size() != 0) {
      c.headers = options.headers.data();
      c.headers_count = options.headers.size();
    }
    c.flags |= options.flags;
    if (options.more == nullptr || options.limit != 100) c.limit = options.limit;
    if (options.limit_per_host != 0) c.limit_per_host = options.limit_per_host;
    if (options.versions != 0) c.versions = options.versions;
    if (options.base_url) c.base_url = options.base_url.c_str();
    if (options.ca_file) c.ca_file = options.ca_file.c_str();
    if (options.proxy) c.proxy = options.proxy.c_str();
    if (options.user_agent) c.user_agent = options.user_agent.c_str();
    if (options.retry != nullptr) c.retry = options.retry;
    if (options.cookies != nullptr) c.cookies = options.cookies->get();
    if (options.tls != nullptr) c.tls = options.tls->get();
    creche_auth shown;
    if (options.auth != nullptr) c.auth = &(shown = options.auth->in_c());
    creche_session raw;
    detail::check(creche_session_open(on, &c, &raw));
    raw_.reset(raw);
  }

  /// Fetches a URL whole: a response whose body is there. Any HTTP status is success, unless it is
  /// asked for otherwise. url and what the options name must live until the await is over.
  auto fetch(ctext url, request_options options = {}) {
    return call(
        [raw = raw_.get(), url, options = std::move(options)](creche_scope in, creche_done_fn done,
                                                              void* user) {
          return detail::with(options, [&](const creche_request_options* o) {
            return creche_session_fetch(raw, in, url.c_str(), o, done, user, nullptr);
          });
        },
        detail::take_response());
  }
  auto try_fetch(ctext url, request_options options = {}) {
    return fetch(url, std::move(options)).as_result();
  }
  /// Sends a request, and has its answer when the head is there; the body is read from that.
  auto send(ctext url, request_options options = {}) {
    return call(
        [raw = raw_.get(), url, options = std::move(options)](creche_scope in, creche_done_fn done,
                                                              void* user) {
          return detail::with(options, [&](const creche_request_options* o) {
            return creche_session_send(raw, in, url.c_str(), o, done, user, nullptr);
          });
        },
        detail::take_response());
  }
  auto try_send(ctext url, request_options options = {}) {
    return send(url, std::move(options)).as_result();
  }

  /// Sends a request with a body that body(writer&), a coroutine, writes (in chunks; POST unless
  /// the options say otherwise), and has the whole answer. If the body throws, the request is given
  /// up.
  template <class F>
  task<response> upload(ctext url, const request_options& options, F&& body) {
    CRECHE_CPP_CHECK_TEMPORARY(F);
    return run_upload<std::decay_t<F>>(raw_.get(), url, options, std::forward<F>(body));
  }
  /// Listens to a stream of events, from now on: `auto events = web.events(url); while (auto event
  /// = co_await events.next()) ...`. What fails is told by the first next.
  event_stream events(ctext url, const events_options& options = {}) {
    return event_stream([&](creche_scope in, creche_done_fn done, void* user, creche_task* task) {
      return detail::with(options, [&](const creche_events_options* o) {
        return creche_session_events(raw_.get(), in, url.c_str(), o, done, user, task);
      });
    });
  }
  /// Opens a WebSocket: ws:, wss:, http: or https:.
  auto websocket(ctext url, websocket_options options = {}) {
    return call(
        [raw = raw_.get(), url, options](creche_scope in, creche_done_fn done, void* user) {
          return detail::with(options, [&](const creche_websocket_options* o) {
            return creche_session_websocket(raw, in, url.c_str(), o, done, user, nullptr);
          });
        },
        detail::take_websocket());
  }

  /// Closes it, and waits until its connections are closed. (Without, its end does it alone.)
  auto close() {
    return call([raw = raw_.get()](creche_scope, creche_done_fn done, void* user) {
      return creche_session_close(raw, done, user);
    });
  }
  creche_session_counters counters() const {
    creche_session_counters counters;
    detail::check(creche_session_get_counters(raw_.get(), &counters, sizeof counters));
    return counters;
  }
  creche_session get() const noexcept { return raw_.get(); }

 private:
  template <class F>
  static task<response> run_upload(creche_session raw, ctext url, request_options options, F body) {
    auto more = options.more != nullptr
                    ? *options.more
                    : detail::defaults<creche_request_options, creche_request_options_init>();
    more.body_size = CRECHE_UNKNOWN_SIZE;
    options.more = &more;
    options.flags |= CRECHE_REQUEST_PULL_BODY;
    if (!options.method) options.method = "POST";
    writer out([&](creche_scope in, creche_done_fn done, void* user, creche_task* task) {
      return detail::with(options, [&](const creche_request_options* o) {
        return creche_session_fetch(raw, in, url.c_str(), o, done, user, task);
      });
    });
    co_await detail::write_all(out, body);
    co_return response(out.take_last());
  }
  detail::handle<creche_session, creche_session_release> raw_;
};

}  // namespace creche
#endif
