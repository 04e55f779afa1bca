/* The peer: a bare libpq loop. usage: libpq_bench held|stream DSN SECONDS|ROWS CONNECTIONS */
#include <libpq-fe.h>
#include <string.h>
#include <sys/epoll.h>

#include "bench.h"

static void Need(int ok, PGconn* conn) {
  if (ok) return;
  fprintf(stderr, "libpq_bench: %s\n", PQerrorMessage(conn));
  exit(1);
}

static void Send(PGconn* conn, unsigned long n) {
  unsigned key = 1 + (unsigned)(n * 7919 % 100000);
  unsigned char wire[4] = {(unsigned char)(key >> 24), (unsigned char)(key >> 16),
                           (unsigned char)(key >> 8), (unsigned char)key};
  const char* values[] = {(const char*)wire};
  int lengths[] = {4}, formats[] = {1};
  Need(PQsendQueryPrepared(conn, "k", 1, values, lengths, formats, 1), conn);
  PQflush(conn);
}

static int Held(const char* dsn, double seconds, int connections) {
  int epoll = epoll_create1(0);
  for (int i = 0; i < connections; i++) {
    PGconn* conn = PQconnectdb(dsn);
    Need(PQstatus(conn) == CONNECTION_OK, conn);
    const Oid types[] = {23};
    PQclear(PQprepare(conn, "k", "select id, value from bench where id = $1", 1, types));
    PQsetnonblocking(conn, 1);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = conn};
    epoll_ctl(epoll, EPOLL_CTL_ADD, PQsocket(conn), &e);
    Send(conn, (unsigned long)i);
  }
  unsigned long done = 0;
  double start = BenchNow(), until = start + seconds;
  for (int running = 1; running;) {
    struct epoll_event events[64];
    int n = epoll_wait(epoll, events, 64, 1000);
    for (int i = 0; i < n; i++) {
      PGconn* conn = events[i].data.ptr;
      Need(PQconsumeInput(conn), conn);
      if (PQisBusy(conn)) continue;
      PGresult* result;
      while ((result = PQgetResult(conn)) != NULL) {
        Need(PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1, conn);
        PQclear(result);
      }
      done++;
      if ((done & 63) == 0 && BenchNow() > until) running = 0;
      Send(conn, done);
    }
  }
  BenchPrint(done, BenchNow() - start);
  return 0;
}

static int Stream(const char* dsn, const char* rows) {
  PGconn* conn = PQconnectdb(dsn);
  Need(PQstatus(conn) == CONNECTION_OK, conn);
  const char* values[] = {rows};
  const Oid types[] = {23};
  double start = BenchNow();
  Need(PQsendQueryParams(conn, "select i::int8, 'row ' || i from generate_series(1, $1) i", 1,
                         types, values, NULL, NULL, 1),
       conn);
  PQsetSingleRowMode(conn);
  unsigned long done = 0;
  static volatile long sum; /* so that the cells are read */
  (void)sum;
  PGresult* result;
  while ((result = PQgetResult(conn)) != NULL) {
    if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
      sum += PQgetvalue(result, 0, 0)[7];
      sum += PQgetvalue(result, 0, 1)[0];
      done++;
    } else {
      Need(PQresultStatus(result) == PGRES_TUPLES_OK, conn);
    }
    PQclear(result);
  }
  BenchPrint(done, BenchNow() - start);
  return 0;
}

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  if (strcmp(argv[1], "stream") == 0) return Stream(argv[2], argv[3]);
  return Held(argv[2], atof(argv[3]), atoi(argv[4]));
}
