/* The corpus of support/http_corpus.h over connections: each input in one piece, byte by byte, and
 * cut at every offset, read strictly and leniently, with the same verdict. */
#include "http_test.h"
#include "support/http_corpus.h"

/* Sends an input cut at the offset that the request names: /0 is whole, /x byte by byte. */
static void sends_cut(support_peer* peer, void* user) {
  const support_http_input* input = user;
  if (!support_expect_request(peer)) return;
  const char* path = strchr(support_received(peer), '/') + 1;
  if (*path == 'x') {
    support_trickle(peer, input->bytes, input->size);
    return;
  }
  const size_t cut = strtoul(path, NULL, 10);
  if (cut > 0) {
    support_send(peer, input->bytes, cut - 1);
    support_trickle(peer, input->bytes + cut - 1, 1); /* and time to be read */
  }
  support_send(peer, input->bytes + cut, input->size - cut);
}

static void check(const support_http_input* input, creche_completion c, int lenient) {
  const char* wanted = lenient && input->lenient != NULL ? input->lenient : input->strict;
  char got[64] = "";
  if (c.status == CRECHE_OK)
    snprintf(got, sizeof got, "%u %s ", c.code, (const char*)c.data);
  else if (c.status == CRECHE_E_PROTOCOL)
    strcpy(got, REFUSED);
  else if (c.status == CRECHE_E_TRUNCATED)
    strcpy(got, CUT);
  else if (c.status == CRECHE_E_DISCONNECTED)
    strcpy(got, GONE);
  /* How the connection is left does not show: the server has closed it. */
  if (strncmp(wanted, got, strlen(got)) != 0 || *got == '\0')
    fail_msg("%s, not %s (%s), number %d, %s: %s", got, wanted, creche_error_message(c.error),
             (int)(input - support_http_corpus), lenient ? "lenient" : "strict", input->bytes);
  drop(c);
}

/* Some at a time: what is sent byte by byte takes its time. */
enum { AT_A_TIME = 16 };

static void each_input(int lenient) {
  creche_session_options so = session_options();
  so.limit = 64;
  so.max_requests = 1; /* what comes behind an answer must not meet another request */
  if (lenient) so.flags = CRECHE_SESSION_LENIENT;
  use_session(&so);
  for (size_t from = 0; from < SUPPORT_HTTP_CORPUS_SIZE; from += AT_A_TIME) {
    support_hostile* servers[AT_A_TIME] = {NULL};
    size_t started = 0;
    for (size_t i = 0; i < AT_A_TIME && from + i < SUPPORT_HTTP_CORPUS_SIZE; i++) {
      support_http_input* input = (support_http_input*)&support_http_corpus[from + i];
      servers[i] = support_hostile_start(sends_cut, input);
      start(at(support_hostile_url(servers[i]), "/x"), NULL, input);
      for (size_t cut = 0; cut == 0 || cut < input->size; cut++, started++) {
        char path[32];
        snprintf(path, sizeof path, "/%zu", cut);
        start(at(support_hostile_url(servers[i]), path), NULL, input);
      }
      started++;
    }
    while (started-- > 0) {
      creche_completion c = next();
      check(c.user, c, lenient);
    }
    for (size_t i = 0; i < AT_A_TIME; i++) support_hostile_stop(servers[i]);
  }
}

static void read_strictly(void** state) {
  (void)state;
  each_input(0);
}
static void read_leniently(void** state) {
  (void)state;
  each_input(1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(read_strictly, set_up, tear_down),
      cmocka_unit_test_setup_teardown(read_leniently, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("corpus", tests, NULL, NULL);
}
