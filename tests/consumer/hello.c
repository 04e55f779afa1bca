/* The smallest program of a user: a loop comes and goes. */
#include <creche/creche.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  creche_loop loop;
  if (strcmp(creche_status_name(CRECHE_E_TIMEOUT), "CRECHE_E_TIMEOUT") != 0) return 1;
  if (creche_loop_open(NULL, &loop) != CRECHE_OK || creche_loop_close(loop) != CRECHE_OK ||
      creche_loop_join(loop, 5 * CRECHE_SECOND) != CRECHE_OK)
    return fprintf(stderr, "%s\n", creche_last_error()->message), 1;
  return 0;
}
