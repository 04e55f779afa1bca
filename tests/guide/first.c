/* Every URL of the command line, at most 50 at a time, ten seconds for all of them. */
#include <creche/creche.h>
#include <stdio.h>

int main(int argc, char** argv) {
  creche_loop loop;
  creche_queue queue;
  creche_group group;
  creche_session web;
  creche_completion done[64];
  size_t n = 0;
  if (creche_loop_open(NULL, &loop) != CRECHE_OK || /* on a thread of its own */
      creche_queue_open(loop, NULL, &queue) != CRECHE_OK ||
      creche_session_open(loop, NULL, &web) != CRECHE_OK)
    return fprintf(stderr, "%s\n", creche_last_error()->message), 1;

  creche_group_options o;
  creche_group_options_init(&o, sizeof o);
  o.policy = CRECHE_COLLECT; /* a failure is a result like another */
  o.queue = queue;
  o.timeout = 10 * CRECHE_SECOND;
  o.limit = 50;
  if (creche_group_open(loop.scope, &o, NULL, NULL, &group) != CRECHE_OK) return 1;
  for (int i = 1; i < argc; i++) /* bad URLs fail later, like bad servers */
    if (creche_session_fetch(web, group.scope, argv[i], NULL, NULL, argv[i], NULL) != CRECHE_OK)
      return 1;
  creche_group_close(group); /* it ends when it is empty */

  for (int ended = 0; !ended; creche_completions_release(done, n)) {
    if (creche_queue_wait(queue, done, 64, CRECHE_NEVER, &n) != CRECHE_OK) n = 0;
    for (size_t i = 0; i < n; i++) {
      const char* url = done[i].user;
      if (done[i].task.scope.id == group.scope.id)
        ended = 1; /* the group's own completion comes last */
      else if (done[i].status == CRECHE_OK)
        printf("%u %s\n", done[i].code, url);
      else
        printf("%s: %s\n", url, creche_error_message(done[i].error));
    }
  }
  creche_loop_close(loop); /* and with it the queue and the session */
  return creche_loop_join(loop, 5 * CRECHE_SECOND) != CRECHE_OK;
}
