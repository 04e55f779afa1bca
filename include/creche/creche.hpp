// libcreche for C++20: coroutines over the C API, in headers alone. This includes all of
// creche/cpp; each of those can be included alone. Link what `pkg-config --libs creche` says,
// nothing else.
//
//   creche::run([&]() -> creche::task<> {
//     creche::session web;
//     auto page = co_await web.fetch("https://example.org/");
//     std::cout << page.body();
//   });
//
// What is the same everywhere:
// - What asynchronous calls give is awaited where it is written. They start then, in the scope that
//   the coroutine is in, and the coroutine goes on on the loop's thread.
// - `fetch` throws creche::error, `try_fetch` gives a creche::result; so it is with all names.
// - A cancelled await throws creche::cancelled (try_: a result whose error().is_cancelled()), and
//   so does each one after it, until the coroutine has left the scope that is cancelled: cleaning
//   up needs a shield.
// - Coroutines that run at a time are children of a group (creche::group), which ends after the
//   last of them.
// - Texts, spans and options are the caller's until the await is over; handles move, and give back
//   what they hold when they end.
// - Nothing here is to be used by two threads at a time but what says "from any thread".
#ifndef CRECHE_CRECHE_HPP
#define CRECHE_CRECHE_HPP

#include "cpp/all.hpp"
#include "cpp/array.hpp"
#include "cpp/auth.hpp"
#include "cpp/batch.hpp"
#include "cpp/channel.hpp"
#include "cpp/connection.hpp"
#include "cpp/cookies.hpp"
#include "cpp/copy.hpp"
#include "cpp/cursor.hpp"
#include "cpp/error.hpp"
#include "cpp/event.hpp"
#include "cpp/export.hpp"
#include "cpp/group.hpp"
#include "cpp/handle.hpp"
#include "cpp/headers.hpp"
#include "cpp/limiter.hpp"
#include "cpp/listener.hpp"
#include "cpp/loop.hpp"
#include "cpp/nursery.hpp"
#include "cpp/offload.hpp"
#include "cpp/operation.hpp"
#include "cpp/options.hpp"
#include "cpp/part.hpp"
#include "cpp/pool.hpp"
#include "cpp/pulled.hpp"
#include "cpp/request.hpp"
#include "cpp/response.hpp"
#include "cpp/result.hpp"
#include "cpp/root.hpp"
#include "cpp/row_stream.hpp"
#include "cpp/rows.hpp"
#include "cpp/run.hpp"
#include "cpp/scope.hpp"
#include "cpp/section.hpp"
#include "cpp/server_events.hpp"
#include "cpp/session.hpp"
#include "cpp/sleep.hpp"
#include "cpp/start.hpp"
#include "cpp/statements.hpp"
#include "cpp/strand.hpp"
#include "cpp/stream.hpp"
#include "cpp/task.hpp"
#include "cpp/temporaries.hpp"
#include "cpp/text.hpp"
#include "cpp/tls.hpp"
#include "cpp/transaction.hpp"
#include "cpp/value.hpp"
#include "cpp/websocket.hpp"
#include "cpp/writer.hpp"

#endif
