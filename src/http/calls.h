// Calls: those of a session that are under way, and what they share. Loop's thread only.
#pragma once
#include "core/handles.h"
#include "core/list.h"
#include "core/loop.h"
#include "http/counters.h"
#include "http/guest.h"
#include "http/layer/layers.h"
#include "http/pool.h"
#include "http/turns.h"

namespace creche::http {

class Call;

struct Calls {
  Loop& loop;
  Counters& counters;
  Pool& pool;
  TlsConfig* const tls;  // of their routes
  const Layers layers;
  Turns* const turns = nullptr;  // of its middleware, or null
  const Object* const session = nullptr;
  List<Call> under_way{};
  List<Guest> guests{};

  // The way that a request goes; valid until its own changes. May throw bad_alloc.
  Route RouteOf(const Request& request) const;
  // Ends them all with this error, and then the guests.
  void FailAll(const ErrorRef& error) noexcept;
};

}  // namespace creche::http
