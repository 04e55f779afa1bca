// libcreche in C#, by P/Invoke, without callbacks: one thread takes completions, everybody else awaits a task. A
// CancellationToken stops what is awaited, and the await goes on when that has ended.
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

static class Native {
    const string L = "libcreche.so.0.1";
    internal const int CLOSED = -4, INTERRUPTED = -7, CANCELLED = -20; // CRECHE_E_*
    internal const uint MORE = 1, OWNED = 2, ROWS = 7, COLLECT = 1;
    internal const long NEVER = long.MaxValue, SECOND = 1000000000;

    // Never grows.
    [StructLayout(LayoutKind.Sequential)]
    internal struct Completion {
        internal int status; internal uint kind, flags, code;
        internal ulong value; internal IntPtr data; internal UIntPtr data_size; internal IntPtr error, user;
        internal ulong task, hold, reserved;
    }
    [StructLayout(LayoutKind.Sequential)]
    internal struct GroupOptions {
        internal uint size, flags, policy, on_timeout, shield, limit, max_errors, reserved;
        internal long timeout, deadline, grace; internal IntPtr name, site; internal ulong queue;
    }
    [StructLayout(LayoutKind.Sequential)]
    internal struct Value {
        internal uint type, form; internal long integer; internal double real; internal IntPtr data; internal UIntPtr size;
    }

    // A handle is a ulong, which is the same as a struct with one. `user` is a number.
    [DllImport(L)] internal static extern int creche_loop_open(IntPtr options, out ulong loop);
    [DllImport(L)] internal static extern int creche_loop_close(ulong loop);
    [DllImport(L)] internal static extern int creche_loop_join(ulong loop, long timeout);
    [DllImport(L)] internal static extern int creche_queue_open(ulong loop, IntPtr options, out ulong queue);
    [DllImport(L)] internal static extern int creche_queue_close(ulong queue, IntPtr done, IntPtr user);
    [DllImport(L)] internal static extern int creche_queue_wait(ulong queue, [Out] Completion[] completions, UIntPtr capacity, long timeout, out UIntPtr n);
    [DllImport(L)] internal static extern void creche_completions_release([In, Out] Completion[] completions, UIntPtr n);
    [DllImport(L)] internal static extern int creche_group_options_init(out GroupOptions options, UIntPtr size);
    [DllImport(L)] internal static extern int creche_group_open(ulong scope, ref GroupOptions options, IntPtr done, IntPtr user, out ulong group);
    [DllImport(L)] internal static extern int creche_scope_cancel(ulong scope, string why);
    [DllImport(L)] internal static extern int creche_session_open(ulong loop, IntPtr options, out ulong session);
    [DllImport(L)] internal static extern int creche_session_fetch(ulong session, ulong scope, byte[] url, IntPtr options, IntPtr done, IntPtr user, out ulong task);
    [DllImport(L)] internal static extern int creche_pool_open(ulong loop, byte[] dsn, IntPtr options, out ulong pool);
    [DllImport(L)] internal static extern int creche_pool_query(ulong pool, ulong scope, byte[] sql, Value[] args, UIntPtr count, IntPtr options, IntPtr done, IntPtr user, out ulong task);
    [DllImport(L)] internal static extern int creche_pool_stream(ulong pool, ulong scope, byte[] sql, Value[] args, UIntPtr count, IntPtr options, IntPtr done, IntPtr user, out ulong task);
    [DllImport(L)] internal static extern int creche_pool_acquire(ulong pool, ulong scope, IntPtr options, IntPtr done, IntPtr user, out ulong task);
    [DllImport(L)] internal static extern int creche_connection_query(ulong connection, ulong scope, byte[] sql, Value[] args, UIntPtr count, IntPtr options, IntPtr done, IntPtr user, out ulong task);
    [DllImport(L)] internal static extern int creche_connection_begin(ulong connection, ulong scope, IntPtr options, IntPtr done, IntPtr user, out ulong task);
    [DllImport(L)] internal static extern int creche_connection_commit(ulong connection, ulong scope, IntPtr options, IntPtr done, IntPtr user, out ulong task);
    [DllImport(L)] internal static extern void creche_connection_release(ulong connection);
    [DllImport(L)] internal static extern IntPtr creche_last_error();
    [DllImport(L)] internal static extern IntPtr creche_error_message(IntPtr error);
    [DllImport(L)] internal static extern IntPtr creche_status_name(int status);

    internal static byte[] Text(string text) { return Encoding.UTF8.GetBytes(text + "\0"); }
    internal static byte[] Bytes(IntPtr data, long size) {
        var bytes = new byte[size];
        if (size > 0) Marshal.Copy(data, bytes, 0, (int)size);
        return bytes;
    }
    internal static void Check(int status) { if (status < 0) throw new CrecheException(status, creche_last_error()); }
}

public sealed class CrecheException : Exception {
    public readonly int Status;
    internal CrecheException(int status, IntPtr error)
        : base(Marshal.PtrToStringAnsi(Native.creche_status_name(status)) + ": " + Marshal.PtrToStringAnsi(Native.creche_error_message(error))) {
        Status = status;
    }
}

public sealed class CrecheLoop : IDisposable {
    internal readonly ulong Handle, Queue, Scope;
    readonly ConcurrentDictionary<long, Func<Native.Completion, bool>> waiting = new ConcurrentDictionary<long, Func<Native.Completion, bool>>();
    readonly Thread drain;
    long last;

    public CrecheLoop() {
        Native.Check(Native.creche_loop_open(IntPtr.Zero, out Handle));
        Native.Check(Native.creche_queue_open(Handle, IntPtr.Zero, out Queue));
        Native.GroupOptions options;
        Native.Check(Native.creche_group_options_init(out options, (UIntPtr)Marshal.SizeOf(typeof(Native.GroupOptions))));
        options.policy = Native.COLLECT;
        options.queue = Queue;
        Native.Check(Native.creche_group_open(Handle, ref options, IntPtr.Zero, IntPtr.Zero, out Scope));
        drain = new Thread(Drain) { IsBackground = true, Name = "creche" };
        drain.Start();
    }

    void Drain() {
        var batch = new Native.Completion[256];
        for (;;) {
            UIntPtr n;
            int status = Native.creche_queue_wait(Queue, batch, (UIntPtr)batch.Length, Native.NEVER, out n);
            if (status == Native.CLOSED) return;
            if (status != Native.INTERRUPTED) Native.Check(status); // a runtime that stops threads by signals
            for (int i = 0; i < (int)n; i++) {
                Func<Native.Completion, bool> deliver;
                long user = (long)batch[i].user;
                bool found = (batch[i].flags & Native.MORE) != 0 ? waiting.TryGetValue(user, out deliver) : waiting.TryRemove(user, out deliver);
                if (found && deliver(batch[i])) batch[i] = default(Native.Completion); // it was taken: not ours to release
            }
            Native.creche_completions_release(batch, n);
        }
    }

    internal delegate int Starts(IntPtr user, out ulong task);

    // deliver says whether it takes the completion, to release it itself.
    internal ulong Start(Func<Native.Completion, bool> deliver, Starts start) {
        long user = Interlocked.Increment(ref last);
        waiting[user] = deliver;
        ulong task;
        int status = start((IntPtr)user, out task);
        if (status < 0) waiting.TryRemove(user, out deliver);
        Native.Check(status);
        return task;
    }

    internal async Task<T> Call<T>(Func<Native.Completion, T> convert, CancellationToken token, Starts start) {
        token.ThrowIfCancellationRequested();
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        bool takes = typeof(T) == typeof(CrecheConnection);
        ulong task = Start(c => {
            if (c.status == 0) answer.SetResult(convert(c));
            else if (c.status == Native.CANCELLED && token.IsCancellationRequested) answer.SetCanceled();
            else answer.SetException(new CrecheException(c.status, c.error));
            return takes && c.status == 0;
        }, start);
        using (token.Register(() => Native.creche_scope_cancel(task, null))) return await answer.Task.ConfigureAwait(false);
    }

    public CrecheSession Session() {
        ulong session;
        Native.Check(Native.creche_session_open(Handle, IntPtr.Zero, out session));
        return new CrecheSession(this, session);
    }
    public CrechePool Pool(string dsn) {
        ulong pool;
        Native.Check(Native.creche_pool_open(Handle, Native.Text(dsn), IntPtr.Zero, out pool));
        return new CrechePool(this, pool);
    }

    // Ends all that is under way, each with its completion, then the loop.
    public void Dispose() {
        Native.creche_loop_close(Handle);
        Native.creche_queue_close(Queue, IntPtr.Zero, IntPtr.Zero); // Drain ends when it has given out the last
        drain.Join();
        Native.Check(Native.creche_loop_join(Handle, 30 * Native.SECOND));
    }
}

public sealed class Page { public uint Status; public byte[] Body; }

public sealed class CrecheSession {
    readonly CrecheLoop loop; readonly ulong handle;
    internal CrecheSession(CrecheLoop loop, ulong handle) { this.loop = loop; this.handle = handle; }

    public Task<Page> Fetch(string url, CancellationToken token = default(CancellationToken)) {
        return loop.Call(c => new Page { Status = c.code, Body = Native.Bytes(c.data, (long)c.data_size) }, token,
            (IntPtr user, out ulong task) => Native.creche_session_fetch(handle, loop.Scope, Native.Text(url), IntPtr.Zero, IntPtr.Zero, user, out task));
    }
}

// creche_value[], and the bytes that it points to, which stay where they are until the call has copied them.
sealed class Parameters : IDisposable {
    internal readonly Native.Value[] Values; readonly List<GCHandle> kept = new List<GCHandle>();
    internal UIntPtr Count { get { return (UIntPtr)Values.Length; } }

    internal Parameters(object[] arguments) {
        Values = new Native.Value[arguments.Length];
        for (int i = 0; i < arguments.Length; i++) {
            object it = arguments[i];
            if (it == null) continue; // all zero: SQL NULL
            if (it is bool) Values[i] = new Native.Value { type = 16, form = 3, integer = (bool)it ? 1 : 0 };
            else if (it is int || it is long) Values[i] = new Native.Value { type = 20, form = 3, integer = Convert.ToInt64(it) };
            else if (it is double) Values[i] = new Native.Value { type = 701, form = 4, real = (double)it };
            else {
                var bytes = it as byte[] ?? Encoding.UTF8.GetBytes(it.ToString());
                var pin = GCHandle.Alloc(bytes, GCHandleType.Pinned);
                kept.Add(pin);
                Values[i] = new Native.Value { type = it is byte[] ? 17u : 0u, form = it is byte[] ? 2u : 1u,
                                               data = bytes.Length > 0 ? pin.AddrOfPinnedObject() : (IntPtr)1, size = (UIntPtr)bytes.Length };
            }
        }
    }
    public void Dispose() { foreach (var pin in kept) pin.Free(); }
}

// A block of rows is flat memory: nothing of it needs a call. What is not a number, a bool or bytes is read as text;
// cast other types to text in the statement.
static class Block {
    internal static List<object[]> Read(Native.Completion c) {
        var rows = new List<object[]>();
        IntPtr block = c.data;
        int columns = Marshal.ReadInt32(block, 24), types = Marshal.ReadInt32(block, 28);
        IntPtr at = block + (int)Marshal.ReadInt64(block, 32);
        for (long row = Marshal.ReadInt64(block, 16); row > 0; row--) {
            var cells = new object[columns];
            for (int i = 0; i < columns; i++, at += 16) {
                long bits = Marshal.ReadInt64(at);
                int size = Marshal.ReadInt32(at, 8);
                if (size == -1) continue; // SQL NULL
                switch (Marshal.ReadInt32(block, types + 24 * i + 4)) {
                    case 16: cells[i] = bits != 0; break;
                    case 20: case 21: case 23: case 26: cells[i] = bits; break;
                    case 700: case 701: cells[i] = BitConverter.Int64BitsToDouble(bits); break;
                    case 17: cells[i] = Native.Bytes(block + (int)bits, size); break;
                    default: cells[i] = Encoding.UTF8.GetString(Native.Bytes(block + (int)bits, size)); break;
                }
            }
            rows.Add(cells);
        }
        return rows;
    }
}

public sealed class CrecheConnection : IDisposable {
    readonly CrecheLoop loop; readonly ulong handle;
    internal CrecheConnection(CrecheLoop loop, ulong handle) { this.loop = loop; this.handle = handle; }

    public async Task<List<object[]>> Query(string sql, params object[] arguments) {
        using (var given = new Parameters(arguments))
            return await loop.Call(Block.Read, CancellationToken.None, (IntPtr user, out ulong task) =>
                Native.creche_connection_query(handle, loop.Scope, Native.Text(sql), given.Values, given.Count, IntPtr.Zero, IntPtr.Zero, user, out task));
    }
    internal Task<int> Begin() {
        return loop.Call(c => 0, CancellationToken.None, (IntPtr user, out ulong task) =>
            Native.creche_connection_begin(handle, loop.Scope, IntPtr.Zero, IntPtr.Zero, user, out task));
    }
    internal Task<int> Commit() {
        return loop.Call(c => 0, CancellationToken.None, (IntPtr user, out ulong task) =>
            Native.creche_connection_commit(handle, loop.Scope, IntPtr.Zero, IntPtr.Zero, user, out task));
    }
    public void Dispose() { Native.creche_connection_release(handle); }
}

public sealed class CrechePool {
    readonly CrecheLoop loop; readonly ulong handle;
    internal CrechePool(CrecheLoop loop, ulong handle) { this.loop = loop; this.handle = handle; }

    public async Task<List<object[]>> Query(string sql, params object[] arguments) {
        using (var given = new Parameters(arguments))
            return await loop.Call(Block.Read, CancellationToken.None, (IntPtr user, out ulong task) =>
                Native.creche_pool_query(handle, loop.Scope, Native.Text(sql), given.Values, given.Count, IntPtr.Zero, IntPtr.Zero, user, out task));
    }

    // Commits, or rolls back what the body throws: a connection that goes back without a commit does.
    public async Task Transaction(Func<CrecheConnection, Task> body, CancellationToken token = default(CancellationToken)) {
        using (var connection = await loop.Call(c => new CrecheConnection(loop, c.value), token, (IntPtr user, out ulong task) =>
            Native.creche_pool_acquire(handle, loop.Scope, IntPtr.Zero, IntPtr.Zero, user, out task))) {
            await connection.Begin();
            await body(connection);
            await connection.Commit();
        }
    }

    public CrecheStream Stream(string sql, params object[] arguments) {
        using (var given = new Parameters(arguments))
            return new CrecheStream(loop, (IntPtr user, out ulong task) =>
                Native.creche_pool_stream(handle, loop.Scope, Native.Text(sql), given.Values, given.Count, IntPtr.Zero, IntPtr.Zero, user, out task));
    }
}

// Rows as they come; the server is held back meanwhile. Disposing of it stops it, and waits for its end.
public sealed class CrecheStream : IDisposable {
    readonly ConcurrentQueue<Native.Completion> blocks = new ConcurrentQueue<Native.Completion>();
    readonly SemaphoreSlim come = new SemaphoreSlim(0);
    readonly ulong task;
    bool ended;

    internal CrecheStream(CrecheLoop loop, CrecheLoop.Starts start) {
        task = loop.Start(c => {
            blocks.Enqueue(c);
            come.Release();
            return true;
        }, start);
    }

    // The next rows, or null at the end.
    public async Task<List<object[]>> Next() {
        if (ended) return null;
        await come.WaitAsync();
        return Take(true);
    }

    List<object[]> Take(bool wanted) {
        Native.Completion c;
        blocks.TryDequeue(out c);
        try {
            ended = (c.flags & Native.MORE) == 0;
            if (wanted && c.status != 0) throw new CrecheException(c.status, c.error);
            return wanted && c.kind == Native.ROWS ? Block.Read(c) : null;
        } finally {
            Native.creche_completions_release(new[] { c }, (UIntPtr)1); // which lets the server go on
        }
    }

    public void Dispose() {
        Native.creche_scope_cancel(task, null);
        while (!ended) {
            come.Wait();
            Take(false);
        }
    }
}
