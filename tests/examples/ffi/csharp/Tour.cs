// What libcreche is for, in C#: many documents, some cancelled; a stream; a transaction; an end with work in flight.
// HTTP_URL, SILENT_URL and DATABASE_URL say where.
using System;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

static class Tour {
    static readonly string Http = Environment.GetEnvironmentVariable("HTTP_URL");
    static readonly string Silent = Environment.GetEnvironmentVariable("SILENT_URL");

    static void Ok(bool good, string what) { Console.WriteLine((good ? "ok " : "not ok ") + what); }
    static int Descriptors() { return Directory.GetFileSystemEntries("/proc/self/fd").Length; }

    static async Task Documents(CrecheLoop loop) {
        var web = loop.Session();
        var limit = new SemaphoreSlim(50);
        var stops = Enumerable.Range(0, 1000).Select(i => new CancellationTokenSource()).ToArray();
        var tasks = stops.Select(async (stop, i) => {
            await limit.WaitAsync(stop.Token);
            try {
                return await web.Fetch(i % 2 == 1 ? Silent : Http + "/small?" + i, stop.Token);
            } finally {
                limit.Release();
            }
        }).ToArray();
        await Task.Delay(50); // as many as the limit lets are under way
        for (int i = 1; i < 1000; i += 2) stops[i].Cancel();
        try {
            await Task.WhenAll(tasks);
        } catch (OperationCanceledException) {
            // half of them
        }
        int good = tasks.Count(t => t.Status == TaskStatus.RanToCompletion && t.Result.Status == 200 && t.Result.Body.Length == 1024);
        int cut = tasks.Count(t => t.IsCanceled);
        Ok(good == 500 && cut == 500, good + " of 1000 documents fetched, " + cut + " cancelled");
    }

    static async Task Rows(CrechePool db) {
        long count = 0, sum = 0;
        using (var rows = db.Stream("select i, 'row ' || i from generate_series(1, $1::int) i", 100000))
            for (var block = await rows.Next(); block != null; block = await rows.Next())
                foreach (var row in block) {
                    count++;
                    sum += (long)row[0];
                }
        Ok(count == 100000 && sum == 5000050000, count + " rows streamed");
        using (var rows = db.Stream("select generate_series(1, 1000000)")) await rows.Next(); // leaving it stops it
    }

    static async Task Transaction(CrechePool db) {
        await db.Query("create table if not exists tour_csharp (name text)");
        await db.Query("delete from tour_csharp");
        await db.Transaction(connection => connection.Query("insert into tour_csharp values ($1)", "kept"));
        try {
            await db.Transaction(async connection => {
                await connection.Query("insert into tour_csharp values ($1)", "undone");
                throw new InvalidOperationException("changed my mind");
            });
        } catch (InvalidOperationException) {
            var left = await db.Query("select name from tour_csharp");
            Ok(left.Count == 1 && (string)left[0][0] == "kept", "a transaction committed, another rolled back");
        }
        await db.Query("drop table tour_csharp");
    }

    static async Task Whole() {
        using (var loop = new CrecheLoop()) {
            var db = loop.Pool(Environment.GetEnvironmentVariable("DATABASE_URL"));
            await Documents(loop);
            await Rows(db);
            await Transaction(db);
        }
    }

    static async Task All() {
        await Task.Delay(1); // what the runtime opens for itself at the first use, it keeps
        new CrecheLoop().Dispose();
        int before = Descriptors();
        await Whole();
        // What the runtime itself may have open for a moment it closes again; a leak stays.
        for (int i = 0; i < 100 && Descriptors() > before; i++) await Task.Delay(20);
        Ok(Descriptors() <= before, "no descriptor left open");

        var web = new CrecheLoop().Session(); // and this one is never closed
        var going = Enumerable.Range(0, 10).Select(i => web.Fetch(Silent)).ToArray();
        await Task.Delay(50);
        Ok(!going.Any(task => task.IsCompleted), "the end, with work in flight");
    }

    static int Main() {
        All().GetAwaiter().GetResult();
        return 0;
    }
}
