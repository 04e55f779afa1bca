/* Streams: bodies and rows that need not fit into memory. usage: DATABASE_URL=... streams URL */
#include <inttypes.h>

#include "guide.h"

int main(int argc, char** argv) {
  creche_loop loop;
  creche_queue queue;
  creche_session web;
  creche_pool db;
  creche_group group;
  creche_completion c;
  if (argc < 2) return 2;
  must(creche_loop_open(NULL, &loop));
  must(creche_queue_open(loop, NULL, &queue));
  must(creche_session_open(loop, NULL, &web));
  must(creche_pool_open(loop, getenv("DATABASE_URL"), NULL, &db));
  creche_group_options o;
  creche_group_options_init(&o, sizeof o);
  o.queue = queue;
  must(creche_group_open(loop.scope, &o, NULL, NULL, &group));
  /* show: body */
  must(creche_session_send(web, group.scope, argv[1], NULL, NULL, NULL, NULL));
  creche_completion head = next(queue); /* status and headers are there, the body is not */
  creche_response response = {head.value};
  uint64_t size = 0;
  for (uint32_t kind = CRECHE_CHUNK; kind == CRECHE_CHUNK;) {
    must(creche_response_read(response, group.scope, 65536, NULL, NULL, NULL, NULL));
    c = next(queue);
    size += c.data_size;
    kind = c.kind; /* CRECHE_END behind the last piece */
    creche_completions_release(&c, 1);
  }
  creche_completions_release(&head, 1); /* and with it the response */
  /* end: body */
  printf("%" PRIu64 " bytes\n", size);
  /* show: rows */
  must(creche_pool_stream(db, group.scope, "select i from generate_series(1, 100000) i", NULL, 0,
                          NULL, NULL, NULL, NULL));
  uint64_t count = 0;
  int more = 1;
  while (more) {
    c = next(queue);
    if (c.kind == CRECHE_ROWS) {
      const creche_row_block* rows = c.data;
      count += rows->row_count;
    }
    more = (c.flags & CRECHE_MORE) != 0;
    creche_completions_release(&c, 1); /* lets the server go on */
  }
  /* end: rows */
  printf("%" PRIu64 " rows\n", count);
  creche_group_close(group);
  c = next(queue);
  close_loop(loop);
  return 0;
}
