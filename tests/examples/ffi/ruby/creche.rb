# libcreche in Ruby, by the gem ffi. What there is to declare comes from creche.json, which is installed with it.
#
# A thread waits for completions, without the lock of the interpreter, and wakes whoever waits for one. Killing a
# thread, or raising in it (Timeout), stops what it waits for, and goes on when that has ended.
require "ffi"
require "json"

module Creche
  TOLD = JSON.parse(File.read(ENV.fetch("CRECHE_JSON", "/usr/local/share/creche/creche.json")))
  STRUCTS = TOLD["structs"].to_h { |s| [s["name"], s] }
  IS = TOLD["enums"].flat_map { |e| e["constants"] }.to_h { |c| [c["name"].delete_prefix("CRECHE_").to_sym, c["value"]] }
  NEVER = (2**63) - 1

  module Lib
    extend FFI::Library
    ffi_lib ENV.fetch("CRECHE_LIBRARY", "libcreche.so.0.1")
    handles = STRUCTS.values.select { |s| s["handle"] }.map { |s| s["name"] }
    type = lambda do |c|
      if handles.include?(c) then :uint64
      elsif c == "creche_status" then :int32
      elsif c.match?(/\Aconst char ?\*\z/) then :string
      elsif c.include?("*") || c.end_with?("_fn") then :pointer
      else { "size_t" => :size_t }.fetch(c) { c.delete_suffix("_t").to_sym }
      end
    end
    TOLD["functions"].each do |f|
      next if STRUCTS.key?(f["returns"]) # creche_int4 and the like: see parameters
      attach_function f["name"].delete_prefix("creche_"), f["name"], f["arguments"].map { |a| type[a["type"]] },
                      type[f["returns"]], blocking: f["thread"] != "any"
    rescue FFI::NotFoundError
      raise unless f["inline"]
    end
  end

  # A struct in memory, field by field: numbers, handles, addresses.
  class Record
    attr_reader :memory

    def self.layout(name)
      (@layouts ||= {})[name] ||= STRUCTS[name]["fields"].to_h do |f|
        kind = if f["type"] == "double" then :double
               elsif f["size"] == 8 then f["type"].start_with?("int") ? :int64 : :uint64
               else f["type"].start_with?("uint") ? :uint32 : :int32
               end
        [f["name"].to_sym, [kind, f["offset"]]]
      end
    end

    def initialize(name, memory = FFI::MemoryPointer.new(STRUCTS[name]["size"]))
      @fields = Record.layout(name)
      @memory = memory
    end

    def [](field) = @memory.send(:"get_#{@fields[field][0]}", @fields[field][1])
    def []=(field, value)
      @memory.send(:"put_#{@fields[field][0]}", @fields[field][1], value)
    end

    def pointer(field) = FFI::Pointer.new(self[field])
  end

  class Error < StandardError
    attr_reader :status, :code

    def initialize(status, error)
      @status = status
      @code = Lib.status_name(status)
      super("#{@code}: #{Lib.error_message(error)}")
    end
  end

  def self.check(status)
    raise Error.new(status, Lib.last_error) if status.negative?
    status
  end

  def self.options(kind, fields)
    o = Record.new("creche_#{kind}_options")
    check(Lib.send("#{kind}_options_init", o.memory, o.memory.size))
    fields.each { |name, value| o[name] = value }
    o.memory
  end

  # The number that a call stores in the last argument.
  def self.out
    memory = FFI::MemoryPointer.new(:uint64)
    yield memory
    memory.read_uint64
  end

  # creche_value[], and the bytes that it points to: the call copies them.
  def self.parameters(arguments)
    size = STRUCTS["creche_value"]["size"]
    array = FFI::MemoryPointer.new(size, [arguments.size, 1].max)
    kept = arguments.each_with_index.map do |it, i|
      value = Record.new("creche_value", array + (i * size))
      value[:type], value[:form] =
        case it
        when nil then next
        when true, false then [IS[:PG_BOOL], IS[:VALUE_INTEGER]]
        when Integer then [IS[:PG_INT8], IS[:VALUE_INTEGER]]
        when Float then [IS[:PG_FLOAT8], IS[:VALUE_REAL]]
        else it.encoding == Encoding::BINARY ? [IS[:PG_BYTEA], IS[:VALUE_BINARY]] : [IS[:PG_UNKNOWN], IS[:VALUE_TEXT]]
        end
      case it
      when Integer then value[:integer] = it
      when Float then value[:real] = it
      when true, false then value[:integer] = it ? 1 : 0
      else
        data = FFI::MemoryPointer.from_string(it)
        value[:data], value[:size] = data.address, it.bytesize
        data
      end
    end
    [array, kept]
  end

  def self.rows(completion)
    block = completion.pointer(:data)
    head = Record.new("creche_row_block", block)
    types = Array.new(head[:column_count]) { |i| Lib.row_column_type(block, i) }
    size, buffer = FFI::MemoryPointer.new(:size_t), FFI::MemoryPointer.new(65_536)
    Array.new(head[:row_count]) do |row|
      types.each_with_index.map do |type, column|
        next if Lib.row_is_null(block, row, column) == 1
        case type
        when IS[:PG_INT2], IS[:PG_INT4], IS[:PG_INT8] then Lib.row_int8(block, row, column)
        when IS[:PG_FLOAT8] then Lib.row_float8(block, row, column)
        when IS[:PG_BOOL] then Lib.row_bool(block, row, column) == 1
        when IS[:PG_BYTEA] then Lib.row_bytes(block, row, column, size).read_bytes(size.read(:size_t))
        else
          text = Lib.row_text(block, row, column, nil)
          Lib.row_format(block, row, column, buffer, buffer.size) unless text
          (text || buffer.read_string).force_encoding(Encoding::UTF_8)
        end
      end
    end
  end

  class Loop
    attr_reader :scope

    # At its exit Ruby kills its threads, in any order, and waits for them: they must not wait for what only
    # the thread of completions brings. So what is still open is closed before.
    OPEN = []
    at_exit { OPEN.dup.each(&:close) }

    def self.open
      loop = new
      yield loop
    ensure
      loop&.close
    end

    def initialize
      @handle = Creche.out { |it| Creche.check(Lib.loop_open(nil, it)) }
      @queue = Creche.out { |it| Creche.check(Lib.queue_open(@handle, nil, it)) }
      given = Creche.options("group", { policy: IS[:COLLECT], queue: @queue })
      @scope = Creche.out { |it| Creche.check(Lib.group_open(@handle, given, nil, nil, it)) }
      @waiting, @last, @lock = {}, 0, Mutex.new
      @thread = Thread.new { drain }
      OPEN << self
    end

    # Ends all that is under way, each with its completion, then the loop.
    def close
      OPEN.delete(self)
      Lib.loop_close(@handle)
      Lib.queue_close(@queue, nil, nil) # drain ends when it has given out the last
      @thread.join
      Creche.check(Lib.loop_join(@handle, 30 * (10**9)))
    end

    # Starts what ends with the common tail, on whose end the caller then waits. Gives the task.
    def start(deliver, name, *arguments)
      user = @lock.synchronize { @waiting[@last += 1] = deliver and @last }
      Creche.out { |task| Creche.check(Lib.send(name, *arguments, nil, FFI::Pointer.new(user), task)) }
    rescue Error
      @lock.synchronize { @waiting.delete(user) }
      raise
    end

    def call(convert, name, *arguments)
      answer = Thread::Queue.new
      deliver = lambda do |c|
        failed = c[:status].zero? ? nil : Error.new(c[:status], c.pointer(:error))
        answer << [failed || convert[c], failed]
      end
      Thread.handle_interrupt(Object => :never) do
        task = start(deliver, name, *arguments)
        begin
          result, failed = Thread.handle_interrupt(Object => :immediate) { answer.pop }
        ensure
          unless result || failed # killed, or raised into
            Lib.scope_cancel(task, "the thread was interrupted")
            late, = answer.pop
            late.close if late.respond_to?(:close)
          end
        end
        raise failed if failed
        result
      end
    end

    def session(**fields)
      Session.new(self, Creche.out { |it| Creche.check(Lib.session_open(@handle, Creche.options("session", fields), it)) })
    end

    def pool(dsn, **fields)
      Pool.new(self, Creche.out { |it| Creche.check(Lib.pool_open(@handle, dsn, Creche.options("pool", fields), it)) })
    end

    private

    def drain
      size = STRUCTS["creche_completion"]["size"]
      batch, n = FFI::MemoryPointer.new(size, 256), FFI::MemoryPointer.new(:size_t)
      loop do
        status = Lib.queue_wait(@queue, batch, 256, NEVER, n) # without the interpreter's lock
        return if status == IS[:E_CLOSED]
        Creche.check(status) unless status == IS[:E_INTERRUPTED]
        count = n.read(:size_t)
        count.times do |i|
          c = Record.new("creche_completion", batch + (i * size))
          last = (c[:flags] & IS[:MORE]).zero?
          deliver = @lock.synchronize { last ? @waiting.delete(c[:user]) : @waiting[c[:user]] }
          deliver&.call(c)
        end
        Lib.completions_release(batch, count)
      end
    end
  end

  Response = Struct.new(:status, :body)

  class Session
    def initialize(loop, handle) = (@loop, @handle = loop, handle)

    def fetch(url)
      @loop.call(->(c) { Response.new(c[:code], c[:data_size].zero? ? "" : c.pointer(:data).read_bytes(c[:data_size])) },
                 :session_fetch, @handle, @loop.scope, url, nil)
    end
  end

  class Connection
    def initialize(loop, handle) = (@loop, @handle = loop, handle)
    def close = Lib.connection_release(@handle)
    def step(name) = @loop.call(->(_) { true }, :"connection_#{name}", @handle, @loop.scope, nil)

    def query(sql, *arguments)
      array, = kept = Creche.parameters(arguments)
      @loop.call(->(c) { kept && Creche.rows(c) }, :connection_query, @handle, @loop.scope, sql, array, arguments.size, nil)
    end
  end

  class Pool
    def initialize(loop, handle) = (@loop, @handle = loop, handle)

    def query(sql, *arguments)
      array, = kept = Creche.parameters(arguments)
      @loop.call(->(c) { kept && Creche.rows(c) }, :pool_query, @handle, @loop.scope, sql, array, arguments.size, nil)
    end

    # Commits, or rolls back what the block raises.
    def transaction
      own = lambda do |c|
        c[:flags] &= ~IS[:OWNED] # ours now: the batch's release leaves it alone
        Connection.new(@loop, c[:value])
      end
      connection = @loop.call(own, :pool_acquire, @handle, @loop.scope, nil)
      begin
        connection.step(:begin)
        result = yield connection
        connection.step(:commit)
        result
      ensure
        connection.close # without a commit it rolls back
      end
    end

    # Yields each row; the server is held back meanwhile. Leaving the block stops it.
    def stream(sql, *arguments)
      blocks = Thread::Queue.new
      deliver = lambda do |c|
        # Out of the batch, so that its release does not let the stream go on before we do.
        copy = FFI::MemoryPointer.new(80)
        copy.put_bytes(0, c.memory.read_bytes(80))
        c.memory.put_bytes(0, "\0" * 80)
        blocks << Record.new("creche_completion", copy)
      end
      values = Creche.parameters(arguments) # all of it lives until the call has copied it
      ended = false
      take = lambda do |&use|
        block = blocks.pop
        ended = (block[:flags] & IS[:MORE]).zero?
        use&.call(block)
      ensure
        Lib.completions_release(block.memory, 1) if block
      end
      Thread.handle_interrupt(Object => :never) do
        task = @loop.start(deliver, :pool_stream, @handle, @loop.scope, sql, values[0], arguments.size, nil)
        begin
          Thread.handle_interrupt(Object => :immediate) do
            until ended
              take.call do |block|
                raise Error.new(block[:status], block.pointer(:error)) unless block[:status].zero?
                Creche.rows(block).each { |row| yield row } if block[:kind] == IS[:ROWS]
              end
            end
          end
        ensure
          Lib.scope_cancel(task, nil)
          take.call until ended
        end
      end
    end
  end
end
