/* The support library of tests, examples' tests and benchmarks: real servers and hostile ones, all
 * private to the process that starts them: own temporary folder, free loopback ports, and gone when
 * that process is gone. C99, no dependency on libcreche.
 *
 * A start function returns NULL after saying on stderr what went wrong. Call start functions from a
 * thread that lives as long as the servers should: the kernel stops a child when the thread that
 * made it ends. */
#ifndef SUPPORT_SUPPORT_H
#define SUPPORT_SUPPORT_H

#include "hostile.h"
#include "nginx.h"
#include "pgbouncer.h"
#include "postgres.h"

#endif
