-- libcreche in LuaJIT: coroutines in nurseries, on one thread, which turns the loop while all of them wait.
-- Each coroutine is an external task of the library, so that its limits, deadlines and cancellation reach
-- it: what it waits for is stopped, and the wait raises.
local ffi, bit = require "ffi", require "bit"
local file = assert(io.open(os.getenv "CRECHE_DECLARATIONS" or "/usr/local/share/creche/creche.ffi.h"))
ffi.cdef(file:read "*a")
file:close()
local lib = ffi.load(os.getenv "CRECHE_LIBRARY" or "libcreche.so.0.1")
local creche = { lib = lib, SECOND = 1e9 }
local NEVER = 0x7fffffffffffffffLL   -- what is a macro in C is not in the declarations
local loop, queue                   -- of the run that is going on
local pending, last = {}, 0         -- operations by the number that their completions bring back
local scope_of = setmetatable({}, { __mode = "k" }) -- of each coroutine

-- ---- Errors: tables with status and message ----
local Error = { __tostring = function(e) return e.name .. ": " .. e.message end }
Error.__index = Error
local function failure(status, message)
  return setmetatable({ status = status, name = ffi.string(lib.creche_status_name(status)), message = message }, Error)
end
local function check(status)
  if status < 0 then error(failure(status, ffi.string(lib.creche_last_error().message)), 0) end
  return status
end

local function options(kind, given)
  local o = ffi.new("creche_" .. kind .. "_options")
  check(lib["creche_" .. kind .. "_options_init"](o, ffi.sizeof(o)))
  for name, value in pairs(given or {}) do o[name] = value end
  return o
end

-- A struct is passed where C wants a pointer to it. What is read out of another one is a reference into it,
-- which does not keep it: so structs that stay are copied.

-- ---- Operations: what is under way, and the completions that nobody has taken yet ----
local Operation = {}
Operation.__index = Operation

-- start(user, task) calls the C function; its `done` is NULL: completions come to the queue.
local function begin(start)
  local op = setmetatable({ ready = {}, task = ffi.new "creche_task" }, Operation)
  last = last + 1
  op.id, pending[last] = last, op
  local ok, raised = pcall(function() check(start(ffi.cast("void *", op.id), op.task)) end)
  if not ok then pending[op.id] = nil error(raised, 0) end
  return op
end

-- The next completion, which is the taker's to release.
function Operation:next()
  while #self.ready == 0 do
    self.waiter = coroutine.running()
    coroutine.yield()
    self.waiter = nil
  end
  return table.remove(self.ready, 1)
end

local function release(c) lib.creche_completions_release(c, 1) end

local function raise_failure(c)
  if c.status ~= 0 then error(failure(c.status, ffi.string(lib.creche_error_message(c.error))), 0) end
end

-- Waits for the only completion; convert(completion) copies what is wanted from it.
local function await(start, convert)
  local c = begin(start):next()
  local ok, result = pcall(function() raise_failure(c) return convert and convert(c) end)
  release(c)
  if not ok then error(result, 0) end
  return result
end

local function here() return scope_of[coroutine.running()] end

-- ---- Tasks and nurseries ----
local Task = {}
Task.__index = Task

local function run_body(task, scope, body, ...)
  scope_of[coroutine.running()] = scope.scope
  local ok, result = pcall(body, ...)
  if ok then task.result = result else task.error = result end
  local status, made = 0, ffi.new "const creche_error *[1]"
  if not ok then
    status = getmetatable(result) == Error and result.status or lib.CRECHE_E_USER
    if status == lib.CRECHE_E_USER then
      lib.creche_error_new(status, tostring(result), nil, nil, nil, made)
    end
  end
  check(lib.creche_task_finish(scope, status, 0, made[0]))
  lib.creche_error_release(made[0])
end

-- Follows an external task: begins its coroutine when the library says so, ends with it.
local function follow(task, op, body, ...)
  while true do
    local c = op:next()
    local kind, more, scope = c.kind, bit.band(c.flags, lib.CRECHE_MORE) ~= 0, ffi.new("creche_task", c.task)
    if not more then task.status = c.status end
    release(c)
    if not more then break end
    if kind == lib.CRECHE_BEGIN then
      assert(coroutine.resume(coroutine.create(run_body), task, scope, body, ...))
    end -- CRECHE_CANCEL: what the coroutine waits for is being stopped, and tells it
  end
  task.ended = true
  for _, waiter in ipairs(task.waiters) do assert(coroutine.resume(waiter)) end
end

local function spawn(scope, o, body, ...)
  local task = setmetatable({ waiters = {} }, Task)
  local op = begin(function(user, handle) return lib.creche_task_open(scope, o, nil, user, handle) end)
  task.handle = op.task
  assert(coroutine.resume(coroutine.create(follow), task, op, body, ...))
  return task
end

function Task:cancel() lib.creche_scope_cancel(self.handle.scope, "cancelled by the program") end

-- Waits for the end; gives the result, or nil and the error.
function Task:join()
  if not self.ended then
    table.insert(self.waiters, coroutine.running())
    repeat coroutine.yield() until self.ended
  end
  return self.result, self.error
end

local Nursery = {}
Nursery.__index = Nursery
function Nursery:start(body, ...) return spawn(self.group.scope, nil, body, ...) end
function Nursery:cancel() lib.creche_scope_cancel(self.group.scope, nil) end

-- Runs body(nursery) and returns when all that was started in it has ended.
function creche.nursery(given, body)
  local group = ffi.new "creche_group"
  local o, scope = options("group", given), here()
  local op = begin(function(user) return lib.creche_group_open(scope, o, nil, user, group) end)
  local self = setmetatable({ group = group }, Nursery)
  -- Its body is a child, too: its failure cancels the others, theirs what it waits for.
  local task = spawn(group.scope, options("task", { flags = lib.CRECHE_TASK_BODY }), body, self)
  local c = op:next()
  local ok, raised = pcall(raise_failure, c)
  release(c)
  if task.error then error(task.error, 0) end
  if not ok then error(raised, 0) end
  return task.result
end

-- ---- The run: opens a loop, runs body in it, ends it ----
function creche.run(body)
  local handle, line, n = ffi.new "creche_loop", ffi.new "creche_queue", ffi.new "size_t[1]"
  check(lib.creche_loop_open(options("loop", { run = lib.CRECHE_RUN_CALLER }), handle))
  check(lib.creche_queue_open(handle, nil, line))
  loop, queue = handle, line
  local batch = ffi.new "creche_completion[64]"
  local task = spawn(loop.scope, options("task", { queue = queue }), body)
  while not task.ended do
    local status = lib.creche_queue_wait(queue, batch, 64, NEVER, n)
    if status ~= lib.CRECHE_E_INTERRUPTED then check(status) end
    for i = 0, tonumber(n[0]) - 1 do
      local id = tonumber(ffi.cast("uintptr_t", batch[i].user))
      local op = pending[id]
      if bit.band(batch[i].flags, lib.CRECHE_MORE) == 0 then pending[id] = nil end
      -- Out of the batch: whoever waits for it may keep it while others run.
      table.insert(op.ready, ffi.new("creche_completion", batch[i]))
      if op.waiter then assert(coroutine.resume(op.waiter)) end
    end
  end
  check(lib.creche_loop_close(loop))
  check(lib.creche_loop_join(loop, 30 * creche.SECOND))
  if task.error then error(task.error, 0) end
  return task.result
end

function creche.sleep(seconds)
  local scope = here()
  await(function(user, task) return lib.creche_sleep(scope, seconds * creche.SECOND, nil, nil, user, task) end)
end

-- ---- HTTP ----
local Session = {}
Session.__index = Session
function creche.session(given)
  local session = ffi.new "creche_session"
  check(lib.creche_session_open(loop, options("session", given), session))
  return setmetatable({ handle = session }, Session)
end

function Session:fetch(url)
  local scope = here()
  return await(function(user, task)
    return lib.creche_session_fetch(self.handle, scope, url, nil, nil, user, task)
  end, function(c) return { status = c.code, body = ffi.string(c.data, c.data_size) } end)
end

-- ---- PostgreSQL ----
local function parameters(...)
  local n = select("#", ...)
  local values = ffi.new("creche_value[?]", n + 1)
  for i = 1, n do
    local it = select(i, ...)
    if type(it) == "string" then values[i - 1] = lib.creche_text_n(it, #it)
    elseif type(it) == "boolean" then values[i - 1] = lib.creche_bool(it and 1 or 0)
    elseif type(it) == "number" and it % 1 == 0 then values[i - 1] = lib.creche_int8(it)
    elseif type(it) == "number" then values[i - 1] = lib.creche_float8(it)
    else values[i - 1] = lib.creche_null() end
  end
  return values, n
end

local function rows_of(c, each)
  local block, size = ffi.cast("const creche_row_block *", c.data), ffi.new "size_t[1]"
  local count, columns = tonumber(block.row_count), block.column_count - 1
  local buffer = ffi.new "char[512]"
  for r = 0, count - 1 do
    local row = {}
    for i = 0, columns do
      local kind = lib.creche_row_column_type(block, i)
      if lib.creche_row_is_null(block, r, i) ~= 0 then row[i + 1] = nil
      elseif kind == lib.CRECHE_PG_INT4 or kind == lib.CRECHE_PG_INT8 or kind == lib.CRECHE_PG_INT2 then
        row[i + 1] = tonumber(lib.creche_row_int8(block, r, i))
      elseif kind == lib.CRECHE_PG_FLOAT8 then row[i + 1] = lib.creche_row_float8(block, r, i)
      else
        local text = lib.creche_row_text(block, r, i, size)
        if text ~= nil then row[i + 1] = ffi.string(text, size[0])
        else row[i + 1] = ffi.string(buffer, math.min(511, tonumber(lib.creche_row_format(block, r, i, buffer, 512)))) end
      end
    end
    each(row)
  end
end

local function all_rows(c)
  local rows = {}
  rows_of(c, function(row) rows[#rows + 1] = row end)
  return rows
end

local Pool, Connection = {}, {}
Pool.__index, Connection.__index = Pool, Connection
function creche.pool(dsn, given)
  local pool = ffi.new "creche_pool"
  check(lib.creche_pool_open(loop, dsn, options("pool", given), pool))
  return setmetatable({ handle = pool }, Pool)
end

function Pool:query(sql, ...)
  local scope, values, n = here(), parameters(...)
  return await(function(user, task)
    return lib.creche_pool_query(self.handle, scope, sql, values, n, nil, nil, user, task)
  end, all_rows)
end

-- Calls each(row) while rows come; the server is held back by what is not done yet.
function Pool:stream(each, sql, ...)
  local scope, values, n = here(), parameters(...)
  local op = begin(function(user, task)
    return lib.creche_pool_stream(self.handle, scope, sql, values, n, nil, nil, user, task)
  end)
  local ok, raised, more = true, nil, true
  while more do -- to its end, whatever happens: nothing of it is left behind
    local c = op:next()
    more = bit.band(c.flags, lib.CRECHE_MORE) ~= 0
    if ok and c.kind == lib.CRECHE_ROWS then ok, raised = pcall(rows_of, c, each)
    elseif ok then ok, raised = pcall(raise_failure, c) end
    if not ok then lib.creche_scope_cancel(op.task.scope, nil) end
    release(c)
  end
  if not ok then error(raised, 0) end
end

function Connection:query(sql, ...)
  local scope, values, n = here(), parameters(...)
  return await(function(user, task)
    return lib.creche_connection_query(self.handle, scope, sql, values, n, nil, nil, user, task)
  end, all_rows)
end

function Connection:step(name)
  local scope = here()
  await(function(user, task)
    return lib["creche_connection_" .. name](self.handle, scope, nil, nil, user, task)
  end)
end

-- Runs body(connection): commits, or rolls back what raises.
function Pool:transaction(body)
  local scope = here()
  local handle = await(function(user, task)
    return lib.creche_pool_acquire(self.handle, scope, nil, nil, user, task)
  end, function(c)
    c.flags = bit.band(c.flags, bit.bnot(lib.CRECHE_OWNED)) -- ours now
    return ffi.new("creche_connection", { c.value })
  end)
  local connection = setmetatable({ handle = handle }, Connection)
  local ok, result = pcall(function()
    connection:step "begin"
    local result = body(connection)
    connection:step "commit"
    return result
  end)
  lib.creche_connection_release(handle) -- without a commit it rolls back
  if not ok then error(result, 0) end
  return result
end

return creche
