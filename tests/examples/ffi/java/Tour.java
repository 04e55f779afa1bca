// What libcreche is for, in Java: many documents, some cancelled; a stream; a transaction; an end with work in
// flight. HTTP_URL, SILENT_URL and DATABASE_URL say where.
import java.io.File;
import java.util.*;
import java.util.concurrent.*;

final class Tour {
    static final String HTTP = System.getenv("HTTP_URL"), SILENT = System.getenv("SILENT_URL");

    static void ok(boolean good, String what) { System.out.println((good ? "ok " : "not ok ") + what); }

    static int descriptors() { return new File("/proc/self/fd").list().length; }

    static void documents(Creche.Loop loop) throws Exception {
        var web = loop.session();
        var limit = new Semaphore(50);
        var tasks = new ArrayList<Future<Creche.Page>>();
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 1000; i++) {
                String url = i % 2 == 1 ? SILENT : HTTP + "/small?" + i;
                tasks.add(threads.submit(() -> {
                    limit.acquire();
                    try {
                        return web.fetch(url);
                    } finally {
                        limit.release();
                    }
                }));
            }
            Thread.sleep(50); // as many as the limit lets are under way
            for (int i = 1; i < 1000; i += 2) tasks.get(i).cancel(true);
        } // which waits for all of them
        int good = 0, cut = 0;
        for (var task : tasks) {
            if (task.isCancelled()) cut++;
            else if (task.get().status() == 200 && task.get().body().length == 1024) good++;
        }
        ok(good == 500 && cut == 500, good + " of 1000 documents fetched, " + cut + " cancelled");
    }

    static void rows(Creche.Pool db) throws Exception {
        long count = 0, sum = 0;
        try (var rows = db.stream("select i, 'row ' || i from generate_series(1, $1::int) i", 100000)) {
            for (Object[] row; (row = rows.next()) != null; count++) sum += (long) row[0];
        }
        ok(count == 100000 && sum == 5000050000L, count + " rows streamed");
        try (var rows = db.stream("select generate_series(1, 1000000)")) {
            rows.next(); // leaving it stops it
        }
    }

    static void transaction(Creche.Pool db) throws Exception {
        db.query("create table if not exists tour_java (name text)");
        db.query("delete from tour_java");
        db.transaction(connection -> connection.query("insert into tour_java values ($1)", "kept"));
        try {
            db.transaction(connection -> {
                connection.query("insert into tour_java values ($1)", "undone");
                throw new IllegalStateException("changed my mind");
            });
        } catch (IllegalStateException expected) {
            var left = db.query("select name from tour_java");
            ok(left.size() == 1 && left.get(0)[0].equals("kept"), "a transaction committed, another rolled back");
        }
        db.query("drop table tour_java");
    }

    static void whole() throws Exception {
        try (var loop = new Creche.Loop()) {
            var db = loop.pool(System.getenv("DATABASE_URL"));
            documents(loop);
            rows(db);
            transaction(db);
        }
    }

    public static void main(String[] arguments) throws Exception {
        Thread.startVirtualThread(() -> {}).join(); // what Java opens for itself at the first use, it keeps
        new Creche.Loop().close();
        int before = descriptors();
        whole();
        ok(descriptors() <= before, "no descriptor left open");

        var web = new Creche.Loop().session(); // and this one is never closed
        for (int i = 0; i < 10; i++) Thread.startVirtualThread(() -> {
            try {
                web.fetch(SILENT);
            } catch (InterruptedException end) {
                return;
            }
        });
        Thread.sleep(50);
        ok(true, "the end, with work in flight");
        System.exit(0);
    }
}
