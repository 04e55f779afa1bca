-- What libcreche is for, in LuaJIT: many documents, some cancelled; a stream; a transaction; an end with
-- work in flight. HTTP_URL, SILENT_URL and DATABASE_URL say where.
package.path = arg[0]:match "^.*/" .. "?.lua;" .. package.path
local creche, ffi = require "creche", require "ffi"
ffi.cdef "int open(const char *, int, ...); int close(int); long readlink(const char *, char *, size_t);"

local function descriptors()
  local n, name = 0, ffi.new "char[256]"
  for fd = 0, 1023 do
    if ffi.C.readlink("/proc/self/fd/" .. fd, name, 256) > 0 then n = n + 1 end
  end
  return n
end

local function ok(good, what) print((good and "ok " or "not ok ") .. what) end

local function documents()
  local web, got, cut = creche.session(), 0, 0
  creche.nursery({ limit = 50 }, function(nursery)
    local tasks = {}
    for i = 1, 1000 do
      local url = i % 2 == 0 and os.getenv "HTTP_URL" .. "/small?" .. i or os.getenv "SILENT_URL"
      tasks[i] = nursery:start(function() return web:fetch(url) end)
    end
    for i = 1, 1000, 2 do tasks[i]:cancel() end
    for i = 1, 1000 do
      local page, raised = tasks[i]:join()
      if page and page.status == 200 and #page.body == 1024 then got = got + 1 end
      if raised and raised.name == "CRECHE_E_CANCELLED" then cut = cut + 1 end
    end
  end)
  ok(got == 500 and cut == 500, ("%d of 1000 documents fetched, %d cancelled"):format(got, cut))
end

local function rows(db)
  local n, sum = 0, 0
  db:stream(function(row) n, sum = n + 1, sum + row[1] end,
    "select i, 'row ' || i from generate_series(1, $1) i", 100000)
  ok(n == 100000 and sum == 5000050000, n .. " rows streamed")
end

local function transaction(db)
  local function count() return db:query("select count(*) from tour_lua")[1][1] end
  db:query "create table if not exists tour_lua (name text)"
  db:query "delete from tour_lua"
  db:transaction(function(connection) connection:query("insert into tour_lua values ($1)", "kept") end)
  local done, raised = pcall(db.transaction, db, function(connection)
    connection:query("insert into tour_lua values ($1)", "undone")
    error "changed my mind"
  end)
  ok(not done and tostring(raised):find "changed my mind" and count() == 1, "a transaction committed, another rolled back")
  db:query "drop table tour_lua"
end

local before = descriptors()
creche.run(function()
  local db = creche.pool(os.getenv "DATABASE_URL")
  documents()
  rows(db)
  transaction(db)
end)
ok(descriptors() == before, "no descriptor left open")

creche.run(function()
  local web = creche.session()
  creche.nursery(nil, function(nursery)
    for _ = 1, 10 do nursery:start(function() web:fetch(os.getenv "SILENT_URL") end) end
    creche.sleep(0.05)
    ok(true, "the end, with work in flight")
    os.exit(0)
  end)
end)
