#include "pgbouncer.h"

#include <signal.h>
#include <stdlib.h>

#include "process.h"

struct support_pgbouncer {
  char *folder, *log, *url;
  pid_t pid;
};

static int configure(const support_pgbouncer* bouncer, int port, int postgres_port,
                     const char* config) {
  char* ini = support_format("%s/pgbouncer.ini", bouncer->folder);
  char* users = support_format("%s/users.txt", bouncer->folder);
  char* text = support_format(
      "[databases]\n* = host=127.0.0.1 port=%d\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
      "listen_port = %d\nunix_socket_dir =\nauth_type = trust\nauth_file = users.txt\n"
      "pool_mode = transaction\ndefault_pool_size = 5\nmax_client_conn = 1000\n%s\n",
      postgres_port, port, config != NULL ? config : "");
  const int done =
      support_write_file(ini, text) == 0 && support_write_file(users, "\"postgres\" \"\"\n") == 0;
  free(ini);
  free(users);
  free(text);
  return done ? 0 : -1;
}

support_pgbouncer* support_pgbouncer_start(int postgres_port, const char* config) {
  const support_user user = support_plain_user();
  const int port = support_free_port();
  support_pgbouncer* bouncer = calloc(1, sizeof *bouncer);
  if (bouncer == NULL) abort();
  bouncer->folder = support_folder_make(user.uid, user.gid);
  if (bouncer->folder == NULL) {
    free(bouncer);
    return NULL;
  }
  bouncer->log = support_format("%s/log", bouncer->folder);
  bouncer->url = support_format("postgresql://postgres@127.0.0.1:%d/postgres", port);
  const char* const argv[] = {"pgbouncer", "pgbouncer.ini", NULL};
  int ready = 0;
  if (configure(bouncer, port, postgres_port, config) == 0) {
    bouncer->pid = support_spawn(argv, user, bouncer->folder, bouncer->log, SIGTERM);
    const int64_t deadline = support_now_ms() + 15000;
    while (bouncer->pid > 0 && !(ready = support_port_answers(port)) &&
           support_now_ms() < deadline) {
      if (support_has_ended(bouncer->pid)) bouncer->pid = -1;
      support_pause();
    }
  }
  if (ready) return bouncer;
  support_complain("PgBouncer did not start:");
  support_show_file(bouncer->log);
  support_pgbouncer_stop(bouncer);
  return NULL;
}

void support_pgbouncer_stop(support_pgbouncer* bouncer) {
  if (bouncer == NULL) return;
  support_end(bouncer->pid, SIGTERM); /* at once, and without waiting for its clients */
  support_folder_remove(bouncer->folder);
  free(bouncer->folder);
  free(bouncer->log);
  free(bouncer->url);
  free(bouncer);
}

const char* support_pgbouncer_url(const support_pgbouncer* bouncer) {
  return bouncer->url;
}
