// What a child of fork must find in a sound state is watched from the first domain on; whoever uses
// something of the kind before that says so.
#pragma once

namespace creche {

void WatchForks() noexcept;

}  // namespace creche
