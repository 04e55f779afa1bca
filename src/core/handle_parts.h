// What the parts of the handle table share. handles.h is how it is used: handles.cc finds by id,
// handle_table.cc has the memory, domain.cc whose it is, objects.cc the objects with a count.
#pragma once
#include "core/handles.h"

namespace creche::table {

// Guards what changes g_chunks, what is spare, and which domains there are for objects. A leaf;
// taken behind a domain's.
extern platform::Lock g_lock;
// Ends all ids of a domain, whose lock is held, and makes its chunks spare.
void GiveBackChunks(Domain* domain) noexcept;

// Around fork: the locks of all domains for objects, which come before g_lock.
void LockObjects() noexcept;
void UnlockObjects() noexcept;

}  // namespace creche::table
