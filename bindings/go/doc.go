// Package creche is structured concurrency, an HTTP client and a PostgreSQL pool, by libcreche.
//
// Run opens a group and returns when everything in it has ended. The contexts that its functions get
// carry a scope: what is started with them belongs to their task, is cancelled with it, and has ended
// before it has. Sessions and pools work with any other context, too; an operation whose context ends
// is cancelled, cleaned up, and only then returns.
//
// A Limiter says how many may do something at once, a Rate how often; an Event happens once, and a
// channel (NewChan) hands items on. Their waits end with their context, and lose nothing then.
//
// Everything runs on one loop, with a thread of its own, that is opened when it is first needed.
//
// What happens in a loop is told to LoopOptions.Hook: tasks that start and end, cancellations, what
// blocks the loop, and children that do not end when they are cancelled (Grace).
//
// The module's path names no place; it is used from the source tree of the library:
//
//	require libcreche/creche v0.1.0
//	replace libcreche/creche => ../libcreche/bindings/go
//
// or published under another path, by module.sh beside it. cgo finds the C library by pkg-config: one
// that is not installed by PKG_CONFIG_PATH=<the folder of its build>.
package creche
