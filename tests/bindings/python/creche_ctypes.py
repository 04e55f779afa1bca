"""libcreche by ctypes: declarations, errors, options, parameters and rows.

The library is what CRECHE_LIBRARY names, else libcreche.so.0.1 of the system."""
import ctypes
import itertools
import os
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_char, c_char_p, c_double, c_int32, c_int64,
                    c_size_t, c_uint32, c_uint64, c_void_p, sizeof)

# ---- Constants ----
OK = 0
STATUSES = {
    "INVALID": -1, "BAD_HANDLE": -2, "ENDED": -3, "CLOSED": -4, "WRONG_LOOP": -5,
    "WOULD_DEADLOCK": -6, "INTERRUPTED": -7, "FORKED": -8, "UNSUPPORTED": -9, "STATE": -10,
    "BUSY": -11, "NO_MEMORY": -12, "LIMIT": -13, "INTERNAL": -14, "SYSTEM": -15, "CANCELLED": -20,
    "TIMEOUT": -21, "GROUP": -22, "MISNESTED": -23, "NOT_CANCELLED": -24, "USER": -25, "URL": -40,
    "DNS": -41, "CONNECT": -42, "TLS": -43, "TLS_VERIFY": -44, "DISCONNECTED": -45, "PROTOCOL": -46,
    "TRUNCATED": -47, "CODING": -48, "BODY": -49, "REDIRECT": -50, "PG": -60, "OUTCOME_UNKNOWN": -61,
    "ROLLED_BACK": -62, "TYPE": -63}
globals().update({f"E_{name}": number for name, number in STATUSES.items()})
E_INVALID, E_CANCELLED, E_USER, E_CLOSED = -1, -20, -25, -4  # again, for readers and linters
DONE, BEGIN, CANCEL, PULL, ASK, CHUNK, END, ROWS, POST, STALLED, EVENT = range(11)
MORE, OWNED, CAUGHT, PASSING = 1, 2, 4, 8
FAIL_FAST, COLLECT, RACE = range(3)
FAIL, MOVE_ON = range(2)
FAIL_ON_STATUS = 16  # of RequestOptions.flags
RUN_THREAD, RUN_CALLER = range(2)
PHASE_QUERY, PHASE_TASK = 10, 14
REASON_DEADLINE, REASON_EXPLICIT, REASON_SIBLING, REASON_SHUTDOWN = 1, 2, 3, 5
NEVER, SECOND = 2**63 - 1, 10**9
PG_UNKNOWN, PG_BOOL, PG_BYTEA, PG_INT8, PG_INT2, PG_INT4 = 0, 16, 17, 20, 21, 23
PG_OID, PG_FLOAT4, PG_FLOAT8 = 26, 700, 701
PG_DATE, PG_TIMESTAMP, PG_TIMESTAMPTZ = 1082, 1114, 1184
VALUE_NULL, VALUE_TEXT, VALUE_BINARY, VALUE_INTEGER, VALUE_REAL = range(5)


# ---- Structures; handles are plain 64-bit numbers ----
def structure(name, fields):
    return type(name, (Structure,), {"_fields_": fields})


SIZED = [("size", c_uint32), ("flags", c_uint32)]


class Error(Structure):
    pass


Error._fields_ = [
    *SIZED, ("status", c_int32), ("phase", c_uint32), ("reason", c_uint32), ("system_errno", c_int32),
    ("tls_verify", c_int32), ("http_status", c_uint32), ("sqlstate", c_char * 8), ("message", c_char_p),
    ("reason_text", c_char_p), ("by", c_uint64), ("cookie", c_void_p), ("cause", POINTER(Error)),
    ("children", POINTER(POINTER(Error))), ("children_count", c_size_t),
    ("children_dropped", c_size_t), ("server_severity", c_char_p), ("server_message", c_char_p),
    ("server_detail", c_char_p), ("server_hint", c_char_p), ("server_context", c_char_p),
    ("server_schema", c_char_p), ("server_table", c_char_p), ("server_column", c_char_p),
    ("server_datatype", c_char_p), ("server_constraint", c_char_p), ("server_routine", c_char_p),
    ("server_position", c_int32), ("http_attempts", c_uint32), ("http_body", c_void_p),
    ("http_body_size", c_size_t)]
Completion = structure("Completion", [
    ("status", c_int32), ("kind", c_uint32), ("flags", c_uint32), ("code", c_uint32),
    ("value", c_uint64), ("data", c_void_p), ("data_size", c_size_t), ("error", POINTER(Error)),
    ("user", c_void_p), ("task", c_uint64), ("hold", c_uint64), ("reserved", c_uint64)])
Done = CFUNCTYPE(None, c_void_p, POINTER(Completion))
CookieFree = CFUNCTYPE(None, c_void_p)
LoopOptions = structure("LoopOptions", [
    *SIZED, ("run", c_uint32), ("offload_limit", c_uint32), ("clock", c_uint32),
    ("reserved", c_uint32), ("shuffle_seed", c_uint64), ("name", c_char_p), ("done", Done),
    ("user", c_void_p), ("context", c_void_p), ("stall_after", c_int64), ("hooks", c_void_p),
    ("busy_poll", c_int64), ("log", c_void_p)])
QueueOptions = structure("QueueOptions", [*SIZED, ("name", c_char_p)])
ScopeOptions = structure("ScopeOptions", [
    *SIZED, ("on_timeout", c_uint32), ("shield", c_uint32), ("timeout", c_int64),
    ("deadline", c_int64), ("name", c_char_p), ("site", c_char_p)])
Outcome = structure("Outcome", [
    ("status", c_int32), ("flags", c_uint32), ("reason", c_uint32), ("reserved", c_uint32)])
TaskOptions = structure("TaskOptions", [
    *ScopeOptions._fields_, ("queue", c_uint64), ("context", c_void_p)])
GroupOptions = structure("GroupOptions", [
    *SIZED, ("policy", c_uint32), ("on_timeout", c_uint32), ("shield", c_uint32), ("limit", c_uint32),
    ("max_errors", c_uint32), ("reserved", c_uint32), ("timeout", c_int64), ("deadline", c_int64),
    ("grace", c_int64), ("name", c_char_p), ("site", c_char_p), ("queue", c_uint64)])
Header = structure("Header", [("name", c_char_p), ("value", c_char_p), ("value_size", c_size_t)])
HttpTimeouts = structure("HttpTimeouts", [
    (name, c_int64) for name in
    ("pool", "dns", "connect", "tls", "send", "first_byte", "read_gap", "proxy")])
SessionOptions = structure("SessionOptions", [
    *SIZED, ("limit", c_uint32), ("limit_per_host", c_uint32), ("max_waiting", c_uint32),
    ("max_redirects", c_uint32), ("max_header_bytes", c_uint32), ("dns_ttl_ms", c_uint32),
    ("max_body", c_uint64), ("keepalive", c_int64), ("timeouts", HttpTimeouts),
    ("user_agent", c_char_p), ("ca_file", c_char_p), ("headers", POINTER(Header)),
    ("headers_count", c_size_t), ("queue", c_uint64), ("base_url", c_char_p), ("proxy", c_char_p),
    ("proxy_headers", POINTER(Header)), ("proxy_headers_count", c_size_t), ("no_proxy", c_char_p),
    ("retry", c_void_p), ("unix_path", c_char_p), ("hosts", c_void_p), ("hosts_count", c_size_t),
    ("local_address", c_char_p), ("cookies", c_uint64), ("auth", c_void_p), ("max_requests", c_uint32),
    ("streams_per_connection", c_uint32), ("max_lifetime", c_int64), ("tls", c_uint64), ("versions", c_uint32),
    ("reserved2", c_uint32), ("watch", c_void_p), ("redirect_hosts", c_char_p),
    ("rate_per_host", c_uint32), ("burst_per_host", c_uint32), ("rate_interval", c_int64),
    ("dns_negative_ttl_ms", c_uint32), ("dns_stale_ms", c_uint32), ("proxy_tls", c_uint64),
    ("max_expansion", c_uint32), ("reserved3", c_uint32), ("middleware", c_void_p), ("sockets", c_void_p),
    ("private_headers", c_char_p)])
RequestOptions = structure("RequestOptions", [
    *SIZED, ("method", c_char_p), ("headers", POINTER(Header)), ("headers_count", c_size_t),
    ("body", c_char_p), ("body_size", c_size_t), ("max_body", c_uint64), ("max_redirects", c_uint32),
    ("versions", c_uint32), ("timeouts", HttpTimeouts), ("task", POINTER(TaskOptions)),
    ("params", c_void_p), ("params_count", c_size_t), ("proxy", c_char_p), ("retry", c_void_p),
    ("body_file", c_void_p), ("form", c_void_p), ("form_count", c_size_t), ("coding", c_uint32),
    ("reserved2", c_uint32), ("expect_timeout", c_int64), ("unix_path", c_char_p), ("auth", c_void_p),
    ("tls", c_uint64), ("watch", c_void_p), ("to_file", c_void_p),
    ("max_expansion", c_uint32), ("reserved3", c_uint32), ("private_headers", c_char_p)])
PoolOptions = structure("PoolOptions", [
    *SIZED, ("min_size", c_uint32), ("max_size", c_uint32), ("max_waiting", c_uint32),
    ("statement_cache", c_uint32), ("pipeline_depth", c_uint32), ("reset", c_uint32),
    ("connect_timeout", c_int64), ("acquire_timeout", c_int64), ("idle_timeout", c_int64),
    ("max_lifetime", c_int64), ("cancel_timeout", c_int64), ("application_name", c_char_p),
    ("queue", c_uint64), ("statement_lifetime", c_int64), ("max_uses", c_uint32),
    ("initial_size", c_uint32), ("init", c_char_p), ("command_timeout", c_int64), ("calls", c_void_p),
    ("setup", c_char_p)])
Value = structure("Value", [
    ("type", c_uint32), ("form", c_uint32), ("integer", c_int64), ("real", c_double),
    ("data", c_char_p), ("size", c_size_t)])
RowBlock = structure("RowBlock", [
    ("magic", c_uint32), ("version", c_uint32), ("total_size", c_uint64), ("row_count", c_uint64),
    ("column_count", c_uint32), ("columns_offset", c_uint32), ("cells_offset", c_uint64),
    ("affected", c_int64), ("tag_offset", c_uint32), ("types_offset", c_uint32)])
LoopCounters = structure("LoopCounters", SIZED + [(name, c_uint64) for name in (
    "turns", "started", "ended", "completions", "cancelled", "unobserved", "posts", "live_tasks",
    "live_groups", "live_scopes", "live_leases", "longest_callback", "stalls", "leaked",
    "live_handles", "events_lost")])
PoolCounters = structure("PoolCounters", SIZED + [(name, c_uint64) for name in (
    "connections", "idle", "leased", "waiting", "connects", "statements", "pipelined", "prepares",
    "cancels", "resent", "dropped", "acquires", "empty_acquires", "cancelled_acquires", "waited",
    "min_size", "max_size", "connecting", "connect_failures", "refused_acquires", "timed_out_acquires",
    "retired")])

# ---- Functions ----
lib = ctypes.CDLL(os.environ.get("CRECHE_LIBRARY", "libcreche.so.0.1"))
_h, _s, _p, _z = c_uint64, c_char_p, POINTER, c_size_t
_tail = (c_void_p, c_void_p, _p(c_uint64))  # done (a route, a callback or NULL), user, task
_query = (_h, _h, _s, _p(Value), _z, c_void_p)
_cell = (c_void_p, c_uint64, c_uint32)
_FUNCTIONS = {
    c_int32: {  # statuses, most of them
        "loop_open": (_p(LoopOptions), _p(_h)), "loop_close": (_h,), "loop_join": (_h, c_int64),
        "loop_run": (_h,), "loop_poll": (_h, c_int64), "loop_post": (_h, Done, c_void_p),
        "loop_get_counters": (_h, _p(LoopCounters), _z), "now": (_h, _p(c_int64)),
        "queue_open": (_h, _p(QueueOptions), _p(_h)), "queue_fd": (_h,),
        "queue_drain": (_h, _p(Completion), _z, _p(_z)),
        "queue_wait": (_h, _p(Completion), _z, c_int64, _p(_z)), "queue_close": (_h, c_void_p, c_void_p),
        "scope_open": (_h, _p(ScopeOptions), _p(_h)), "scope_leave": (_h, _p(Outcome)),
        "scope_cancel": (_h, _s), "scope_set_timeout": (_h, c_int64),
        "group_open": (_h, _p(GroupOptions), *_tail), "group_close": (_h,),
        "group_join": (_h, c_int64, _p(Outcome)),
        "group_join_error": (_h, c_int64, _p(Outcome), _p(_p(Error))),
        "task_open": (_h, _p(TaskOptions), *_tail), "task_finish": (_h, c_int32, c_uint64, _p(Error)),
        "sleep": (_h, c_int64, _p(TaskOptions), *_tail),
        "sleep_until": (_h, c_int64, _p(TaskOptions), *_tail),
        "session_open": (_h, _p(SessionOptions), _p(_h)),
        "session_fetch": (_h, _h, _s, _p(RequestOptions), *_tail),
        "session_close": (_h, c_void_p, c_void_p), "response_status": (_h,),
        "pool_open": (_h, _s, _p(PoolOptions), _p(_h)), "pool_close": (_h, c_void_p, c_void_p),
        "pool_get_counters": (_h, _p(PoolCounters), _z), "pool_query": (*_query, *_tail),
        "pool_stream": (*_query, *_tail),
        "pool_acquire": (_h, _h, _p(TaskOptions), *_tail), "connection_query": (*_query, *_tail),
        "connection_begin": (_h, _h, c_void_p, *_tail),
        "connection_commit": (_h, _h, c_void_p, *_tail),
        "connection_rollback": (_h, _h, c_void_p, *_tail),
        "row_is_null": _cell, "row_bool": _cell, "row_int4": _cell,
        "row_column_index": (c_void_p, _s), "error_is_retryable": (_p(Error),),
        "error_new": (c_int32, _s, c_void_p, CookieFree, _p(Error), _p(_p(Error))),
        **{f"{name}_options_init": (c_void_p, _z) for name in (
            "loop", "queue", "scope", "task", "group", "session", "request", "pool", "query",
            "transaction", "offload")}},
    c_int64: {"row_int8": _cell}, c_double: {"row_float8": _cell},
    c_uint32: {"version": (), "row_column_type": (c_void_p, c_uint32)},
    c_char_p: {"version_string": (), "status_name": (c_int32,), "error_message": (_p(Error),),
               "row_column_name": (c_void_p, c_uint32), "response_url": (_h,)},
    c_void_p: {"row_text": (*_cell, _p(_z)), "row_bytes": (*_cell, _p(_z)),
               "response_header": (_h, _s, _p(_z))},
    _p(Error): {"last_error": ()}, _p(RowBlock): {"rows_block": (_h,)},
    c_size_t: {"row_format": (*_cell, c_void_p, _z),
               "error_flatten": (_p(Error), _p(_p(Error)), _z)},
    None: {"completions_release": (_p(Completion), _z), "value_release": (c_uint64,),
           "error_release": (_p(Error),), "session_release": (_h,), "pool_release": (_h,),
           "queue_release": (_h,), "response_release": (_h,), "rows_release": (_h,),
           "connection_release": (_h,)}}
for _result, _named in _FUNCTIONS.items():
    for _name, _arguments in _named.items():
        _function = getattr(lib, f"creche_{_name}")
        _function.restype, _function.argtypes = _result, _arguments


# ---- Errors and options ----
class CrecheError(Exception):
    """A failure with all that is known about it, copied: free of the library's lifetimes."""

    def __init__(self, status, error=None):
        self.status, self.message = status, ""
        self.phase = self.reason = self.by = self.server_position = self.http_status = 0
        self.sqlstate = self.reason_text = self.server_message = None
        self.children, self.cause = [], None
        if error:
            it = error.contents
            self.message = it.message.decode()
            self.phase, self.reason, self.by = it.phase, it.reason, it.by
            self.sqlstate = it.sqlstate.decode() or None
            self.http_status = it.http_status
            self.reason_text = it.reason_text.decode() if it.reason_text else None
            self.server_message = it.server_message.decode() if it.server_message else None
            self.server_position = it.server_position
            self.children = [from_error(it.children[i]) for i in range(it.children_count)]
            self.cause = from_error(it.cause) if it.cause else None
        super().__init__(f"{self.name}: {self.message}")

    @property
    def name(self):
        return lib.creche_status_name(self.status).decode()


_cookies = {}  # exceptions that travel through the library
_ids = itertools.count(1)


@CookieFree
def _cookie_free(cookie):
    _cookies.pop(cookie, None)


def from_error(error, status=STATUSES["INTERNAL"]):
    """A Python exception: the very one that a coroutine raised, if it comes from one of ours."""
    if not error:
        return CrecheError(status)
    return _cookies.get(error.contents.cookie) or CrecheError(error.contents.status, error)


def check(status):
    """Raises what a synchronous call returned."""
    if status < 0:
        raise CrecheError(status, lib.creche_last_error())
    return status


def options(kind, **fields):
    """Options with their defaults, and what is given set."""
    it = kind()
    name = kind.__name__.removesuffix("Options").lower()
    check(getattr(lib, f"creche_{name}_options_init")(byref(it), sizeof(it)))
    for field, value in fields.items():
        setattr(it, field, value)
    return it


def nanoseconds(seconds):
    return NEVER if seconds is None else int(seconds * SECOND)


# ---- PostgreSQL: parameters and rows ----
def values(arguments):
    """An array of parameters; must outlive the call, which copies them."""
    array = (Value * len(arguments))()
    for slot, it in zip(array, arguments):
        if it is None:
            continue  # all zero: NULL
        if isinstance(it, bool):
            slot.type, slot.form, slot.integer = PG_BOOL, VALUE_INTEGER, it
        elif isinstance(it, int):
            slot.type, slot.form, slot.integer = PG_INT8, VALUE_INTEGER, it
        elif isinstance(it, float):
            slot.type, slot.form, slot.real = PG_FLOAT8, VALUE_REAL, it
        elif isinstance(it, bytes):
            slot.type, slot.form, slot.data, slot.size = PG_BYTEA, VALUE_BINARY, it, len(it)
        else:
            it = str(it).encode()
            slot.form, slot.data, slot.size = VALUE_TEXT, it, len(it)
    return array


class Owned:
    """A handle that is given back by close(), `with`, or at the latest by the collector."""
    _release = None

    def __init__(self, completion):
        self.handle = completion.value

    def close(self):
        handle, self.handle = self.handle, 0
        if handle:
            getattr(lib, self._release)(handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    __del__ = close


class Response(Owned):
    _release = "creche_response_release"

    def __init__(self, completion):
        super().__init__(completion)
        self.status = completion.code
        self.body = ctypes.string_at(completion.data, completion.data_size)

    def header(self, name):
        size = c_size_t()
        found = lib.creche_response_header(self.handle, name.encode(), byref(size))
        return None if found is None else ctypes.string_at(found, size.value).decode()


class Rows(Owned):
    """Rows as a sequence of tuples, read in place by the accessors."""
    _release = "creche_rows_release"
    _integers = {PG_INT8, PG_INT2, PG_INT4, PG_OID, PG_DATE, PG_TIMESTAMP, PG_TIMESTAMPTZ}

    def __init__(self, completion):
        super().__init__(completion)
        self.block = completion.data
        head = RowBlock.from_address(completion.data)
        self.affected, self._count = head.affected, head.row_count
        self.tag = ctypes.string_at(self.block + head.tag_offset).decode() if head.tag_offset else None
        columns = range(head.column_count)
        self.columns = [lib.creche_row_column_name(self.block, c).decode() for c in columns]
        self.types = [lib.creche_row_column_type(self.block, c) for c in columns]

    def __len__(self):
        return self._count

    def __getitem__(self, row):
        if not self.handle:
            raise ValueError("these rows were released")
        if not 0 <= row < self._count:
            raise IndexError(row)
        return tuple(self.cell(row, c) for c in range(len(self.columns)))

    def cell(self, row, column):
        at, kind = (self.block, row, column), self.types[column]
        if lib.creche_row_is_null(*at):
            return None
        if kind == PG_BOOL:
            return bool(lib.creche_row_bool(*at))
        if kind in self._integers:
            return lib.creche_row_int8(*at)
        if kind in (PG_FLOAT4, PG_FLOAT8):
            return lib.creche_row_float8(*at)
        size = c_size_t()
        if (text := lib.creche_row_text(*at, byref(size))) is not None:
            return ctypes.string_at(text, size.value).decode()
        if kind == PG_BYTEA:
            return ctypes.string_at(lib.creche_row_bytes(*at, byref(size)), size.value)
        buffer = ctypes.create_string_buffer(lib.creche_row_format(*at, None, 0) + 1)
        lib.creche_row_format(*at, buffer, len(buffer))
        return buffer.value.decode()
