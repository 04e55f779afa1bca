/* What the benchmark programs share: a run lasts a number of seconds and prints one line,
 * "done N seconds S peak_kib P", from which bench.py makes rates; it takes CPU time from the
 * kernel's account of the process, so that every client is measured the same way. (Not the peak of
 * the memory: there that account begins with what the parent had at the fork.) */
#ifndef CRECHE_BENCH_H
#define CRECHE_BENCH_H

#include <creche/creche.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline double BenchNow(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The largest resident memory of this program so far, in KiB. */
static inline long BenchPeak(void) {
  char line[128];
  long peak = 0;
  FILE* file = fopen("/proc/self/status", "r");
  if (file == NULL) return 0;
  while (fgets(line, sizeof line, file))
    if (strncmp(line, "VmHWM:", 6) == 0) peak = strtol(line + 6, NULL, 10);
  fclose(file);
  return peak;
}

/* How long single ones took, of those that come one at a time; the last so many. */
enum { kBenchLatencies = 1 << 18 };
static float bench_latencies[kBenchLatencies];
static unsigned long bench_latency_count;

static inline void BenchTook(double seconds) {
  bench_latencies[bench_latency_count++ % kBenchLatencies] = (float)seconds;
}

static inline int BenchCompare(const void* left, const void* right) {
  const float a = *(const float*)left, b = *(const float*)right;
  return (a > b) - (a < b);
}

static inline void BenchPrint(unsigned long done, double seconds) {
  printf("done %lu seconds %.6f peak_kib %ld", done, seconds, BenchPeak());
  const size_t n =
      bench_latency_count < kBenchLatencies ? bench_latency_count : (size_t)kBenchLatencies;
  if (n > 0) {
    qsort(bench_latencies, n, sizeof *bench_latencies, BenchCompare);
    printf(" p50_us %.2f p99_us %.2f", bench_latencies[n / 2] * 1e6,
           bench_latencies[n * 99 / 100] * 1e6);
  }
  printf("\n");
}

static inline void BenchCheck(creche_status status, const char* what) {
  if (status == CRECHE_OK) return;
  fprintf(stderr, "%s: %s\n", what, creche_last_error()->message);
  exit(1);
}

/* What is cut short at the end of the run does not count. */
static inline void BenchCompleted(const creche_completion* c, const char* what) {
  if (c->status == CRECHE_OK || c->status == CRECHE_E_CANCELLED) return;
  fprintf(stderr, "%s: %s\n", what, creche_error_message(c->error));
  exit(1);
}

/* A loop that this thread runs; BUSY_POLL_US in the environment: it polls so long before it sleeps.
 */
static inline creche_loop BenchLoop(void) {
  creche_loop_options o;
  creche_loop loop;
  const char* busy_poll = getenv("BUSY_POLL_US");
  BenchCheck(creche_loop_options_init(&o, sizeof o), "options");
  o.run = CRECHE_RUN_CALLER;
  if (busy_poll != NULL) o.busy_poll = atol(busy_poll) * CRECHE_MICROSECOND;
  BenchCheck(creche_loop_open(&o, &loop), "loop");
  return loop;
}

#endif
