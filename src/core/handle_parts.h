// What the parts of the handle table share. handles.h is how it is used: handles.cc finds by id,
// handle_table.cc has the memory, domain.cc whose it is, objects.cc the objects with a count.
#pragma once
#include "core/handles.h"

namespace creche::table {

// Guards what changes g_chunks, what is spare, and which domain the objects are in. A leaf; taken
// behind a domain's.
extern platform::Lock g_lock;
// The domain of all objects with a reference count; null until there is one.
extern std::atomic<Domain*> g_objects;

// It, made if need be; null without memory.
Domain* ObjectsDomain() noexcept;
// Ends all ids of a domain, whose lock is held, and makes its chunks spare.
void GiveBackChunks(Domain* domain) noexcept;

}  // namespace creche::table
