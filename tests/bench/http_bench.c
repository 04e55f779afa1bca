/* usage: http_bench URL CONNECTIONS SECONDS [CA_FILE]: GETs over kept connections, each answered by
 * the next one. */
#include <string.h>

#include "bench.h"

static creche_session session;
static creche_loop loop;
static const char* url;
static unsigned long done;
static double until;
static int running, one;
static double started;

static void Answered(void* user, const creche_completion* c) {
  (void)user;
  BenchCompleted(c, url);
  if (c->status != CRECHE_OK) return;
  if (c->code != 200) {
    fprintf(stderr, "%s: status %u\n", url, c->code);
    exit(1);
  }
  creche_response_release((creche_response){c->value});
  done++;
  if (one) BenchTook(BenchNow() - started);
  if ((done & 63) == 0 && BenchNow() > until) running = 0;
  if (!running) return;
  if (one) started = BenchNow();
  BenchCheck(creche_session_fetch(session, loop.scope, url, NULL, Answered, NULL, NULL), "fetch");
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  url = argv[1];
  int connections = atoi(argv[2]);
  creche_session_options o;
  loop = BenchLoop();
  BenchCheck(creche_session_options_init(&o, sizeof o), "options");
  o.limit = (uint32_t)connections;
  if (argc > 4) o.ca_file = argv[4];
  BenchCheck(creche_session_open(loop, &o, &session), "session");
  running = 1;
  one = connections == 1;
  double start = started = BenchNow();
  until = start + atof(argv[3]);
  for (int i = 0; i < connections; i++)
    BenchCheck(creche_session_fetch(session, loop.scope, url, NULL, Answered, NULL, NULL), "fetch");
  while (running) creche_loop_poll(loop, CRECHE_SECOND);
  BenchPrint(done, BenchNow() - start);
  creche_loop_close(loop);
  BenchCheck(creche_loop_join(loop, 5 * CRECHE_SECOND), "join");
  return 0;
}
