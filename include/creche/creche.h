/* libcreche: asynchronous HTTP and PostgreSQL with structured concurrency, for any language that can
 * call C. This header includes all others; each can be included alone. */
#ifndef CRECHE_CRECHE_H
#define CRECHE_CRECHE_H

#include "base.h"
#include "hooks.h"
#include "loop.h"
#include "scope.h"
#include "group.h"
#include "task.h"
#include "queue.h"
#include "limiter.h"
#include "event.h"
#include "channel.h"
#include "url.h"
#include "watch.h"
#include "body.h"
#include "retry.h"
#include "cookies.h"
#include "tls.h"
#include "response.h"
#include "http.h"
#include "http2.h"
#include "events.h"
#include "websocket.h"
#include "value.h"
#include "rows.h"
#include "export.h"
#include "batch.h"
#include "copy.h"
#include "cursor.h"
#include "listen.h"
#include "pg.h"
#include "pool_calls.h"
#include "transaction.h"

#endif
