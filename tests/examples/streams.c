/* Streams, by pulling: a body is read piece by piece, and a large table row block by row block; not
 * taking the next one holds the server back.
 * usage: DATABASE_URL=... streams URL */
#include <creche/creche.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static creche_queue queue;

static creche_completion next(void) {
  creche_completion c;
  size_t n = 0;
  while (creche_queue_wait(queue, &c, 1, CRECHE_NEVER, &n) == CRECHE_E_INTERRUPTED) continue;
  if (c.status != CRECHE_OK) {
    fprintf(stderr, "%s\n", creche_error_message(c.error));
    exit(1);
  }
  return c;
}

int main(int argc, char** argv) {
  creche_loop loop;
  creche_session web;
  creche_pool pool;
  creche_group group;
  if (argc < 2) return 2;
  if (creche_loop_open(NULL, &loop) != CRECHE_OK ||
      creche_queue_open(loop, NULL, &queue) != CRECHE_OK ||
      creche_session_open(loop, NULL, &web) != CRECHE_OK ||
      creche_pool_open(loop, getenv("DATABASE_URL"), NULL, &pool) != CRECHE_OK)
    return fprintf(stderr, "%s\n", creche_last_error()->message), 1;
  creche_group_options o;
  creche_group_options_init(&o, sizeof o);
  o.queue = queue;
  if (creche_group_open(loop.scope, &o, NULL, NULL, &group) != CRECHE_OK) return 1;

  /* Completes at the head; the response holds the group open until its body has been read. */
  if (creche_session_send(web, group.scope, argv[1], NULL, NULL, NULL, NULL) != CRECHE_OK) return 1;
  creche_completion c = next();
  creche_response response = {c.value};
  uint64_t bytes = 0;
  for (uint32_t kind = CRECHE_CHUNK; kind == CRECHE_CHUNK;) {
    if (creche_response_read(response, group.scope, 65536, NULL, NULL, NULL, NULL) != CRECHE_OK)
      return fprintf(stderr, "%s\n", creche_last_error()->message), 1;
    creche_completion piece = next();
    bytes += piece.data_size;
    kind = piece.kind; /* CRECHE_END is the end of a stream */
    creche_completions_release(&piece, 1);
  }
  printf("body: %" PRIu64 " bytes\n", bytes);
  creche_completions_release(&c, 1); /* and with it the response */

  if (creche_pool_stream(pool, group.scope,
                         "select i, 'row ' || i from generate_series(1, 100000) i", NULL, 0, NULL,
                         NULL, NULL, NULL) != CRECHE_OK)
    return 1;
  uint64_t rows = 0;
  int64_t sum = 0;
  for (int more = 1; more;) {
    c = next();
    more = (c.flags & CRECHE_MORE) != 0;
    if (c.kind == CRECHE_ROWS) {
      const creche_row_block* block = c.data; /* flat memory: no look-up, no lock */
      for (uint64_t r = 0; r < block->row_count; r++) {
        int64_t n;
        if (creche_row_get_int8(block, r, 0, &n) != CRECHE_OK)
          return fprintf(stderr, "%s\n", creche_last_error()->message), 1;
        sum += n;
      }
      rows += block->row_count;
    }
    creche_completions_release(&c, 1); /* lets the stream go on */
  }
  printf("rows: %" PRIu64 ", sum %" PRId64 "\n", rows, sum);
  creche_group_close(group);
  c = next();
  creche_loop_close(loop);
  return creche_loop_join(loop, 5 * CRECHE_SECOND) != CRECHE_OK;
}
