// The default loop of the process, for calls that name none. Any thread.
#pragma once
#include <creche/http.h>

namespace creche::capi {

// Opened if there is none. May throw bad_alloc.
creche_status UseDefaultLoop(creche_loop* loop);
// The session on it that has the defaults.
creche_status UseDefaultSession(creche_session* session);
// Closes it, if there is one, and waits for its end.
creche_status CloseDefaultLoop(int64_t timeout);

}  // namespace creche::capi
