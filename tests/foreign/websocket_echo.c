/* The client that Autobahn's fuzzing server wants: it asks how many cases there are, says back what
 * it hears in each of them, and has the reports written. usage: websocket_echo ws://HOST:PORT */
#include <creche/creche.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static creche_loop loop;
static creche_queue queue;
static creche_session web;
static creche_task_options to_queue;

static void must(creche_status status) {
  if (status == CRECHE_OK) return;
  fprintf(stderr, "%s\n", creche_last_error()->message);
  exit(1);
}

/* The only completion that is under way. */
static creche_completion next(void) {
  creche_completion c;
  size_t n = 0;
  while (creche_queue_wait(queue, &c, 1, CRECHE_NEVER, &n) != CRECHE_OK) continue;
  return c;
}

static creche_websocket open_socket(const char* url) {
  creche_websocket_options options;
  creche_request_options request;
  creche_websocket socket = {0};
  must(creche_websocket_options_init(&options, sizeof options));
  must(creche_request_options_init(&request, sizeof request));
  request.task = &to_queue;
  options.request = &request;
  options.flags = CRECHE_WEBSOCKET_TAKEOVER; /* the server may still forbid it */
  options.max_message = 64 << 20;
  must(creche_session_websocket(web, loop.scope, url, &options, NULL, NULL, NULL));
  creche_completion c = next();
  if (c.status != CRECHE_OK) {
    fprintf(stderr, "%s\n", creche_error_message(c.error));
    exit(1);
  }
  socket.id = c.value;
  c.flags &= ~(uint32_t)CRECHE_OWNED;
  creche_completions_release(&c, 1);
  return socket;
}

/* Until the server closes, or breaks the rules. */
static void echo(const char* url) {
  const creche_websocket socket = open_socket(url);
  for (int more = 1; more;) {
    must(creche_websocket_receive(socket, loop.scope, &to_queue, NULL, NULL, NULL));
    creche_completion heard = next();
    more = heard.status == CRECHE_OK && heard.kind == CRECHE_MESSAGE;
    if (more) {
      must(creche_websocket_send(socket, loop.scope, heard.code, heard.data, heard.data_size,
                                 &to_queue, NULL, NULL, NULL));
      creche_completion sent = next();
      creche_completions_release(&sent, 1);
    }
    creche_completions_release(&heard, 1);
  }
  must(creche_websocket_close(socket, loop.scope, 0, NULL, &to_queue, NULL, NULL, NULL));
  creche_completion closed = next();
  creche_completions_release(&closed, 1);
  creche_websocket_release(socket);
}

/* What the server says first, as a number. */
static int ask(const char* url) {
  const creche_websocket socket = open_socket(url);
  must(creche_websocket_receive(socket, loop.scope, &to_queue, NULL, NULL, NULL));
  creche_completion heard = next();
  const int number = heard.status == CRECHE_OK ? atoi(heard.data) : 0;
  creche_completions_release(&heard, 1);
  creche_websocket_release(socket);
  return number;
}

int main(int argc, char** argv) {
  char url[512];
  if (argc < 2) return 2;
  must(creche_loop_open(NULL, &loop));
  must(creche_queue_open(loop, NULL, &queue));
  must(creche_session_open(loop, NULL, &web));
  must(creche_task_options_init(&to_queue, sizeof to_queue));
  to_queue.queue = queue;
  snprintf(url, sizeof url, "%s/getCaseCount", argv[1]);
  const int cases = ask(url);
  for (int i = 1; i <= cases; i++) {
    snprintf(url, sizeof url, "%s/runCase?case=%d&agent=libcreche", argv[1], i);
    echo(url);
  }
  snprintf(url, sizeof url, "%s/updateReports?agent=libcreche", argv[1]);
  echo(url);
  creche_session_release(web);
  must(creche_loop_close(loop));
  must(creche_loop_join(loop, 5 * CRECHE_SECOND));
  printf("%d cases\n", cases);
  return cases == 0;
}
