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

static inline void BenchPrint(unsigned long done, double seconds) {
  printf("done %lu seconds %.6f peak_kib %ld\n", done, seconds, BenchPeak());
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

/* A loop that this thread runs. */
static inline creche_loop BenchLoop(void) {
  creche_loop_options o;
  creche_loop loop;
  BenchCheck(creche_loop_options_init(&o, sizeof o), "options");
  o.run = CRECHE_RUN_CALLER;
  BenchCheck(creche_loop_open(&o, &loop), "loop");
  return loop;
}

#endif
