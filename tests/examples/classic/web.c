/* The classic examples of an HTTP session, in C. usage: web URL */
#include "classic.h"

/* The URL of a path: until the next call. */
static const char* at(const char* url, const char* path) {
  static char joined[1024];
  snprintf(joined, sizeof joined, "%s%s", url, path);
  return joined;
}

/* show: session */
static void session(const char* url) {
  for (int i = 0; i < 3; i++) { /* the session of the default loop keeps its connection */
    creche_response page;
    size_t size;
    must(creche_fetch(at(url, "/count"), NULL, &page));
    const char* text = creche_response_body(page, &size);
    printf("%d %.*s\n", creche_response_status(page), (int)size, text);
    creche_response_release(page);
  }
}
/* end: session */

/* show: timeouts */
static void timeouts(const char* url) {
  creche_response page;
  creche_task_options limit;
  creche_request_options o;
  creche_task_options_init(&limit, sizeof limit);
  creche_request_options_init(&o, sizeof o);
  limit.timeout = 200 * CRECHE_MILLISECOND;
  o.task = &limit;
  if (creche_fetch(at(url, "/never"), &o, &page) == CRECHE_E_TIMEOUT) puts("timed out");
}
/* end: timeouts */

/* show: as_completed */
static void as_completed(creche_loop loop, creche_session web, const char* url) {
  static const char* const kPaths[] = {"/3", "/1", "/2"};
  creche_queue queue;
  creche_group group;
  creche_group_options o;
  must(creche_queue_open(loop, NULL, &queue));
  creche_group_options_init(&o, sizeof o);
  o.queue = queue;
  must(creche_group_open(loop.scope, &o, NULL, NULL, &group));
  for (int i = 0; i < 3; i++)
    must(creche_session_fetch(web, group.scope, at(url, kPaths[i]), NULL, NULL, NULL, NULL));
  creche_group_close(group);
  for (int ended = 0; !ended;) {
    creche_completion page = next(queue);
    ended = page.task.scope.id == group.scope.id; /* its own completion comes last */
    if (!ended) printf("%.*s\n", (int)page.data_size, (const char*)page.data);
    creche_completions_release(&page, 1);
  }
  creche_queue_release(queue);
}
/* end: as_completed */

/* show: fail_fast */
static void fail_fast(creche_loop loop, creche_session web, const char* url) {
  static const char* const kPaths[] = {"/never", "/missing"};
  creche_group group;
  creche_group_options o;
  creche_request_options get;
  const creche_error* error;
  creche_group_options_init(&o, sizeof o);
  creche_request_options_init(&get, sizeof get);
  o.flags = CRECHE_GROUP_JOINABLE;
  get.flags |= CRECHE_REQUEST_FAIL_ON_STATUS;
  must(creche_group_open(loop.scope, &o, creche_nobody, NULL, &group));
  for (int i = 0; i < 2; i++)
    must(creche_session_fetch(web, group.scope, at(url, kPaths[i]), &get, creche_nobody, NULL,
                              NULL));
  must(creche_group_join_error(group, CRECHE_NEVER, NULL, &error));
  printf("failed with %u\n", error->children[0]->http_status);
  creche_error_release(error);
}
/* end: fail_fast */

int main(int argc, char** argv) {
  creche_loop loop;
  creche_session web;
  if (argc < 2) return 2;
  session(argv[1]);
  timeouts(argv[1]);
  must(creche_default_loop(&loop));
  must(creche_session_open(loop, NULL, &web));
  as_completed(loop, web, argv[1]);
  fail_fast(loop, web, argv[1]);
  return creche_default_close(CRECHE_NEVER) != CRECHE_OK;
}
