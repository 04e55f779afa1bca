// libcreche in Java 22 or later, by java.lang.foreign: no native code of its own, no callbacks. One thread takes
// completions; everybody else, virtual threads above all, waits for a future. Interrupting a thread stops what it
// waits for, and goes on when that has ended.
import static java.lang.foreign.ValueLayout.*;

import java.lang.foreign.*;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.*;

final class Creche {
    static final int OK = 0, CLOSED = -4, INTERRUPTED = -7, CANCELLED = -20; // CRECHE_E_*
    static final int MORE = 1, OWNED = 2, ROWS = 7, COLLECT = 1;
    static final long NEVER = Long.MAX_VALUE, SECOND = 1_000_000_000;
    static final MemorySegment NULL = MemorySegment.NULL;

    private static final String PATH = System.getenv().getOrDefault("CRECHE_LIBRARY", "libcreche.so.0.1");
    private static final SymbolLookup LIBRARY = SymbolLookup.libraryLookup(PATH, Arena.global());
    private static final Map<String, MethodHandle> KNOWN = new ConcurrentHashMap<>();

    // Calls creche_<name>. A handle is a long, which is the same as a struct with one; all pointers are segments.
    static Object call(MemoryLayout result, String name, Object... arguments) {
        MethodHandle function = KNOWN.computeIfAbsent(name, key -> {
            MemoryLayout[] types = Arrays.stream(arguments).map(a ->
                a instanceof Long ? JAVA_LONG : a instanceof Integer ? JAVA_INT : ADDRESS).toArray(MemoryLayout[]::new);
            return Linker.nativeLinker().downcallHandle(LIBRARY.find("creche_" + key).orElseThrow(),
                result == null ? FunctionDescriptor.ofVoid(types) : FunctionDescriptor.of(result, types));
        });
        try {
            return function.invokeWithArguments(arguments);
        } catch (Throwable impossible) {
            throw new AssertionError(name, impossible);
        }
    }

    static final class Failure extends RuntimeException {
        final int status;

        Failure(int status, MemorySegment error) {
            super(text(call(ADDRESS, "status_name", status)) + ": " + text(call(ADDRESS, "error_message", error)));
            this.status = status;
        }
    }

    private static String text(Object address) {
        return ((MemorySegment) address).reinterpret(Long.MAX_VALUE).getString(0);
    }

    private static int checked(String name, Object... arguments) {
        int status = (int) call(JAVA_INT, name, arguments);
        if (status < 0) throw new Failure(status, (MemorySegment) call(ADDRESS, "last_error"));
        return status;
    }

    // What a call stores in its last argument.
    private static long opened(String name, Object... arguments) {
        try (Arena arena = Arena.ofConfined()) {
            Object[] all = Arrays.copyOf(arguments, arguments.length + 1);
            MemorySegment out = arena.allocate(JAVA_LONG);
            all[arguments.length] = out;
            checked(name, all);
            return out.get(JAVA_LONG, 0);
        }
    }

    // creche_completion: 80 bytes, for ever.
    record Completion(MemorySegment at) {
        static final int SIZE = 80;

        int status() { return at.get(JAVA_INT, 0); }
        int kind() { return at.get(JAVA_INT, 4); }
        int flags() { return at.get(JAVA_INT, 8); }
        int code() { return at.get(JAVA_INT, 12); }
        long value() { return at.get(JAVA_LONG, 16); }
        MemorySegment data(long size) { return at.get(ADDRESS, 24).reinterpret(size); }
        byte[] bytes() { return at.get(JAVA_LONG, 32) == 0 ? new byte[0] : data(at.get(JAVA_LONG, 32)).toArray(JAVA_BYTE); }
        MemorySegment error() { return at.get(ADDRESS, 40); }
        long user() { return at.get(JAVA_LONG, 48); }
        void own() { at.set(JAVA_INT, 8, flags() & ~OWNED); } // ours now: a release leaves it alone
        void release() { call(null, "completions_release", at, 1L); }

        // Out of the batch, so that its release leaves it alone.
        Completion move() {
            MemorySegment copy = Arena.ofAuto().allocate(SIZE, 8).copyFrom(at);
            at.fill((byte) 0);
            return new Completion(copy);
        }
    }

    static final class Loop implements AutoCloseable {
        final long handle, queue, scope;
        private final Map<Long, Consumer<Completion>> waiting = new ConcurrentHashMap<>();
        private final AtomicLong last = new AtomicLong();
        private final Thread drain;

        Loop() {
            handle = opened("loop_open", NULL);
            queue = opened("queue_open", handle, NULL);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment options = arena.allocate(80, 8); // creche_group_options
                checked("group_options_init", options, 80L);
                options.set(JAVA_INT, 8, COLLECT);
                options.set(JAVA_LONG, 72, queue);
                scope = opened("group_open", handle, options, NULL, NULL);
            }
            drain = Thread.ofPlatform().daemon().name("creche").start(this::drain);
        }

        private void drain() {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment batch = arena.allocate(256 * Completion.SIZE, 8), n = arena.allocate(JAVA_LONG);
                for (;;) {
                    int status = (int) call(JAVA_INT, "queue_wait", queue, batch, 256L, NEVER, n);
                    if (status == CLOSED) return;
                    if (status != OK && status != INTERRUPTED) throw new Failure(status, NULL);
                    for (int i = 0; i < n.get(JAVA_LONG, 0); i++) {
                        var c = new Completion(batch.asSlice((long) i * Completion.SIZE, Completion.SIZE));
                        var deliver = (c.flags() & MORE) != 0 ? waiting.get(c.user()) : waiting.remove(c.user());
                        if (deliver != null) deliver.accept(c);
                    }
                    call(null, "completions_release", batch, n.get(JAVA_LONG, 0));
                }
            }
        }

        // Starts what ends with the common tail. Gives the task.
        private long start(Consumer<Completion> deliver, String name, Object... arguments) {
            long user = last.incrementAndGet();
            waiting.put(user, deliver);
            Object[] all = Arrays.copyOf(arguments, arguments.length + 2);
            all[arguments.length] = NULL;
            all[arguments.length + 1] = MemorySegment.ofAddress(user);
            try {
                return opened(name, all);
            } catch (Failure failed) {
                waiting.remove(user);
                throw failed;
            }
        }

        private <T> T await(Function<Completion, T> convert, String name, Object... arguments) throws InterruptedException {
            var answer = new CompletableFuture<T>();
            long task = start(c -> {
                try {
                    if (c.status() != OK) throw new Failure(c.status(), c.error());
                    answer.complete(convert.apply(c));
                } catch (Throwable failed) {
                    answer.completeExceptionally(failed);
                }
            }, name, arguments);
            for (boolean interrupted = false;;) {
                try {
                    T result = answer.get();
                    if (!interrupted) return result;
                    if (result instanceof Connection late) late.close();
                    throw new InterruptedException();
                } catch (ExecutionException failed) {
                    var failure = (Failure) failed.getCause();
                    if (interrupted && failure.status == CANCELLED) throw new InterruptedException();
                    throw failure;
                } catch (InterruptedException now) {
                    if (interrupted && answer.isDone()) throw now;
                    interrupted = true; // and wait for the end
                    call(JAVA_INT, "scope_cancel", task, NULL);
                }
            }
        }

        Session session() { return new Session(this, opened("session_open", handle, NULL)); }

        Pool pool(String dsn) {
            try (Arena arena = Arena.ofConfined()) {
                return new Pool(this, opened("pool_open", handle, arena.allocateFrom(dsn), NULL));
            }
        }

        // Ends all that is under way, each with its completion, then the loop.
        @Override public void close() {
            checked("loop_close", handle);
            checked("queue_close", queue, NULL, NULL); // drain ends when it has given out the last
            try {
                drain.join();
            } catch (InterruptedException again) {
                Thread.currentThread().interrupt();
            }
            checked("loop_join", handle, 30 * SECOND);
        }
    }

    record Page(int status, byte[] body) {}

    record Session(Loop loop, long handle) {
        Page fetch(String url) throws InterruptedException {
            try (Arena arena = Arena.ofConfined()) {
                return loop.await(c -> new Page(c.code(), c.bytes()), "session_fetch", handle, loop.scope,
                    arena.allocateFrom(url), NULL);
            }
        }
    }

    // creche_value[]: 40 bytes each.
    private static MemorySegment parameters(Arena arena, Object... arguments) {
        MemorySegment array = arena.allocate(40L * Math.max(1, arguments.length), 8);
        for (int i = 0; i < arguments.length; i++) {
            MemorySegment value = array.asSlice(40L * i, 40);
            switch (arguments[i]) {
                case null -> { } // all zero: SQL NULL
                case Boolean b -> put(value, 16, 3).set(JAVA_LONG, 8, b ? 1 : 0);
                case Double d -> put(value, 701, 4).set(JAVA_DOUBLE, 16, d);
                case Number n -> put(value, 20, 3).set(JAVA_LONG, 8, n.longValue());
                case byte[] bytes -> data(put(value, 17, 2), arena.allocateFrom(JAVA_BYTE, bytes), bytes.length);
                case Object it -> {
                    byte[] bytes = it.toString().getBytes(StandardCharsets.UTF_8);
                    data(put(value, 0, 1), arena.allocateFrom(JAVA_BYTE, bytes), bytes.length);
                }
            }
        }
        return array;
    }

    private static MemorySegment put(MemorySegment value, int type, int form) {
        value.set(JAVA_INT, 0, type);
        value.set(JAVA_INT, 4, form);
        return value;
    }

    private static void data(MemorySegment value, MemorySegment bytes, long size) {
        value.set(ADDRESS, 24, bytes);
        value.set(JAVA_LONG, 32, size);
    }

    // A block of rows is flat memory: nothing of it needs a call. What is not a number, a bool or bytes is read as
    // text; cast other types to text in the statement.
    private static List<Object[]> rows(Completion c) {
        MemorySegment block = c.data(56);
        block = c.data(block.get(JAVA_LONG, 8));
        int columns = block.get(JAVA_INT, 24);
        List<Object[]> rows = new ArrayList<>();
        long at = block.get(JAVA_LONG, 32);
        for (long row = 0; row < block.get(JAVA_LONG, 16); row++) {
            var cells = new Object[columns];
            for (int i = 0; i < columns; i++, at += 16) {
                long bits = block.get(JAVA_LONG, at);
                int size = block.get(JAVA_INT, at + 8);
                if (size == -1) continue; // SQL NULL
                cells[i] = switch (block.get(JAVA_INT, block.get(JAVA_INT, 28) + 24L * i + 4)) {
                    case 16 -> bits != 0;
                    case 20, 21, 23, 26 -> bits;
                    case 700, 701 -> Double.longBitsToDouble(bits);
                    case 17 -> block.asSlice(bits, size).toArray(JAVA_BYTE);
                    default -> new String(block.asSlice(bits, size).toArray(JAVA_BYTE), StandardCharsets.UTF_8);
                };
            }
            rows.add(cells);
        }
        return rows;
    }

    private static List<Object[]> query(Loop loop, String name, long handle, String sql, Object... arguments)
            throws InterruptedException {
        try (Arena arena = Arena.ofShared()) {
            return loop.await(Creche::rows, name, handle, loop.scope, arena.allocateFrom(sql),
                parameters(arena, arguments), (long) arguments.length, NULL);
        }
    }

    record Connection(Loop loop, long handle) implements AutoCloseable {
        List<Object[]> query(String sql, Object... arguments) throws InterruptedException {
            return Creche.query(loop, "connection_query", handle, sql, arguments);
        }

        private void step(String name) throws InterruptedException {
            loop.await(c -> null, "connection_" + name, handle, loop.scope, NULL);
        }

        @Override public void close() { call(null, "connection_release", handle); }
    }

    interface Body { void run(Connection connection) throws InterruptedException; }

    record Pool(Loop loop, long handle) {
        List<Object[]> query(String sql, Object... arguments) throws InterruptedException {
            return Creche.query(loop, "pool_query", handle, sql, arguments);
        }

        // Commits, or rolls back what the body throws: a connection that goes back without a commit does.
        void transaction(Body body) throws InterruptedException {
            try (Connection connection = loop.await(c -> {
                c.own();
                return new Connection(loop, c.value());
            }, "pool_acquire", handle, loop.scope, NULL)) {
                connection.step("begin");
                body.run(connection);
                connection.step("commit");
            }
        }

        Rows stream(String sql, Object... arguments) {
            try (Arena arena = Arena.ofConfined()) {
                var blocks = new LinkedBlockingQueue<Completion>();
                long task = loop.start(c -> blocks.add(c.move()), "pool_stream", handle, loop.scope,
                    arena.allocateFrom(sql), parameters(arena, arguments), (long) arguments.length, NULL);
                return new Rows(task, blocks);
            }
        }
    }

    // for (Object[] row; (row = rows.next()) != null;): the server is held back meanwhile. Closing it stops it.
    static final class Rows implements AutoCloseable {
        private final long task;
        private final BlockingQueue<Completion> blocks;
        private Iterator<Object[]> block = Collections.emptyIterator();
        private boolean ended;

        Rows(long task, BlockingQueue<Completion> blocks) {
            this.task = task;
            this.blocks = blocks;
        }

        Object[] next() throws InterruptedException {
            while (!block.hasNext()) {
                if (ended) return null;
                take(blocks.take(), true);
            }
            return block.next();
        }

        private void take(Completion c, boolean wanted) {
            try {
                ended = (c.flags() & MORE) == 0;
                if (wanted && c.status() != OK) throw new Failure(c.status(), c.error());
                if (wanted && c.kind() == ROWS) block = rows(c).iterator();
            } finally {
                c.release(); // which lets the server go on
            }
        }

        @Override public void close() {
            call(JAVA_INT, "scope_cancel", task, NULL);
            boolean interrupted = false;
            while (!ended) {
                try {
                    take(blocks.take(), false);
                } catch (InterruptedException later) {
                    interrupted = true;
                }
            }
            if (interrupted) Thread.currentThread().interrupt();
        }
    }
}
