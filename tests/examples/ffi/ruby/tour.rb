# What libcreche is for, in Ruby: many documents, some cancelled; a stream; a transaction; an end with work in
# flight. HTTP_URL, SILENT_URL and DATABASE_URL say where.
require_relative "creche"

HTTP, SILENT, DSN = ENV.values_at("HTTP_URL", "SILENT_URL", "DATABASE_URL")
$stdout.sync = true

def ok(good, what) = puts("#{good ? 'ok' : 'not ok'} #{what}")
def descriptors = Dir.children("/proc/self/fd").size

def documents(loop)
  web = loop.session(limit: 50)
  started = Thread::Queue.new
  threads = Array.new(1000) do |i|
    Thread.new do
      started << i
      web.fetch(i.odd? ? SILENT : "#{HTTP}/small?#{i}")
    end
  end
  1000.times { started.pop }
  threads.each_with_index { |thread, i| thread.kill if i.odd? }
  pages = threads.map(&:value) # those of the killed are nil
  cut = pages.count(nil)
  good = pages.compact.count { |page| page.status == 200 && page.body.size == 1024 }
  ok(good == 500 && cut == 500, "#{good} of 1000 documents fetched, #{cut} cancelled")
end

def rows(db)
  count = sum = 0
  db.stream("select i, 'row ' || i from generate_series(1, $1::int) i", 100_000) do |number, _|
    count += 1
    sum += number
  end
  ok(count == 100_000 && sum == 5_000_050_000, "#{count} rows streamed")
  db.stream("select generate_series(1, 1000000)") { break } # leaving it stops it
end

def transaction(db)
  db.query("create table if not exists tour_ruby (name text)")
  db.query("delete from tour_ruby")
  db.transaction { |connection| connection.query("insert into tour_ruby values ($1)", "kept") }
  begin
    db.transaction do |connection|
      connection.query("insert into tour_ruby values ($1)", "undone")
      raise IndexError, "changed my mind"
    end
  rescue IndexError
    ok(db.query("select name from tour_ruby") == [["kept"]], "a transaction committed, another rolled back")
  end
  db.query("drop table tour_ruby")
end

Creche::Loop.open { |loop| loop.session } # what Ruby opens for itself at the first use, it keeps
before = descriptors
Creche::Loop.open do |loop|
  db = loop.pool(DSN)
  documents(loop)
  rows(db)
  transaction(db)
end
ok(descriptors == before, "no descriptor left open")

web = Creche::Loop.new.session # and this one is never closed
Thread.report_on_exception = false # that the loop is closing
10.times { Thread.new { web.fetch(SILENT) } }
sleep 0.05
ok(true, "the end, with work in flight")
