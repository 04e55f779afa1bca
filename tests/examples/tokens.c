/* What APIs of language models stream: tokens as server-sent events, printed as they come, until
 * the server says [DONE] or the time is over. If the stream is lost, it goes on behind the last
 * token. usage: tokens URL MILLISECONDS PROMPT */
#include <creche/creche.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Prints an event; 1 if it was the last. */
static int print_token(const creche_server_event* event, uint32_t* connection) {
  if (*connection != 0 && event->connection != *connection) printf("[lost and found] ");
  *connection = event->connection;
  if (strcmp(event->data, "[DONE]") == 0) return 1;
  printf("%s ", event->data);
  fflush(stdout);
  return 0;
}

int main(int argc, char** argv) {
  creche_loop loop;
  creche_queue queue;
  creche_session web;
  if (argc < 4) return 2;
  if (creche_loop_open(NULL, &loop) != CRECHE_OK ||
      creche_queue_open(loop, NULL, &queue) != CRECHE_OK ||
      creche_session_open(loop, NULL, &web) != CRECHE_OK)
    return fprintf(stderr, "%s\n", creche_last_error()->message), 1;

  creche_task_options task_options;
  creche_task_options_init(&task_options, sizeof task_options);
  task_options.queue = queue;
  task_options.timeout = atoi(argv[2]) * CRECHE_MILLISECOND; /* of all of it */
  const creche_header json = creche_header_text("Content-Type", "application/json");
  char body[1024];
  snprintf(body, sizeof body, "{\"stream\": true, \"prompt\": \"%s\"}", argv[3]);
  creche_request_options request;
  creche_request_options_init(&request, sizeof request);
  request.headers = &json;
  request.headers_count = 1;
  request.body = body; /* so it is a POST */
  request.body_size = strlen(body);
  request.task = &task_options;
  creche_events_options options;
  creche_events_options_init(&options, sizeof options);
  options.request = &request;
  options.flags = CRECHE_EVENTS_AGAIN; /* this server goes on where it was: Last-Event-ID */

  creche_task task;
  if (creche_session_events(web, loop.scope, argv[1], &options, NULL, NULL, &task) != CRECHE_OK)
    return fprintf(stderr, "%s\n", creche_last_error()->message), 1;
  int status = 0;
  uint32_t connection = 0;
  for (int more = 1; more;) {
    creche_completion c;
    size_t n = 0;
    if (creche_queue_wait(queue, &c, 1, CRECHE_NEVER, &n) != CRECHE_OK) continue; /* a signal */
    more = (c.flags & CRECHE_MORE) != 0;
    if (c.kind == CRECHE_EVENT) {
      if (print_token(c.data, &connection)) creche_scope_cancel(task.scope, "all has come");
    } else if (c.status == CRECHE_E_TIMEOUT) {
      printf("[time is over]");
    } else if (c.status != CRECHE_OK && c.status != CRECHE_E_CANCELLED) {
      fprintf(stderr, "%s\n", creche_error_message(c.error));
      status = 1;
    }
    creche_completions_release(&c, 1);
  }
  printf("\n");
  creche_session_release(web);
  creche_loop_close(loop);
  return creche_loop_join(loop, 5 * CRECHE_SECOND) != CRECHE_OK || status;
}
