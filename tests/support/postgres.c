#include "postgres.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"
#include "tls.h"

struct support_postgres {
  support_user user;
  char *folder, *data, *log, *url, *ca_file;
  int port;
  pid_t pid;
};

/* Distributions keep the server's programs, one folder a version, out of PATH. */
static char* program(const char* name) {
  char* pattern = support_format("/usr/lib/postgresql/*/bin/%s", name);
  char* found = NULL;
  glob_t matches;
  if (glob(pattern, 0, NULL, &matches) == 0) {
    const char* best = matches.gl_pathv[0];
    for (size_t i = 1; i < matches.gl_pathc; i++)
      if (strverscmp(matches.gl_pathv[i], best) > 0) best = matches.gl_pathv[i];
    found = support_format("%s", best);
    globfree(&matches);
  }
  free(pattern);
  return found != NULL ? found : support_format("%s", name);
}

static int configure(const support_postgres* server, const support_postgres_options* options) {
  char* config = support_format("%s/postgresql.conf", server->data);
  char* hba = support_format("%s/pg_hba.conf", server->data);
  char* text = support_format(
      "listen_addresses = '127.0.0.1'\nport = %d\nunix_socket_directories = '%s'\n"
      "max_connections = 300\nshared_buffers = 64MB\nmax_wal_size = 256MB\n"
      "lc_messages = 'C'\ntimezone = 'UTC'\ndatestyle = 'ISO, MDY'\n%s%s%s\n",
      server->port, server->folder,
      options->durable ? "" : "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n",
      options->tls ? "ssl = on\nssl_cert_file = '../server.pem'\nssl_key_file = '../server.key'\n"
                     "ssl_ca_file = '../ca.pem'\n"
                   : "",
      options->config != NULL ? options->config : "");
  char* rules = support_format(
      "%s\nlocal all all trust\nhost all all 127.0.0.1/32 trust\n"
      "local replication all trust\n",
      options->hba != NULL ? options->hba : "");
  const int done = support_write_file(config, text) == 0 && support_write_file(hba, rules) == 0;
  free(config);
  free(hba);
  free(text);
  free(rules);
  return done ? 0 : -1;
}

static int create(const support_postgres* server, const support_postgres_options* options) {
  char* initdb = program("initdb");
  const char* const argv[] = {initdb,      "--pgdata",   server->data, "--username",
                              "postgres",  "--encoding", "UTF8",       "--locale=C.UTF-8",
                              "--no-sync", "--auth",     "trust",      NULL};
  const int status = support_run(argv, server->user, server->folder, server->log);
  free(initdb);
  if (status != 0) return -1;
  if (options->tls && support_tls_make(server->folder, server->user) != 0) return -1;
  return configure(server, options);
}

/* The postmaster writes its state into the eighth line of its pid file: what pg_ctl waits for. */
static int is_ready(const support_postgres* server) {
  char line[256] = "";
  char* path = support_format("%s/postmaster.pid", server->data);
  FILE* file = fopen(path, "re");
  free(path);
  if (file == NULL) return 0;
  for (int i = 0; i < 8; i++)
    if (fgets(line, sizeof line, file) == NULL) line[0] = 0;
  fclose(file);
  return strncmp(line, "ready", 5) == 0 || strncmp(line, "standby", 7) == 0;
}

static int bring_up(support_postgres* server) {
  char* postgres = program("postgres");
  const char* const argv[] = {postgres, "-D", server->data, NULL};
  /* SIGQUIT: an immediate shutdown, which takes the sessions along. */
  const pid_t pid = support_spawn(argv, server->user, server->folder, server->log, SIGQUIT);
  free(postgres);
  const int64_t deadline = support_now_ms() + 30000;
  while (pid > 0 && !is_ready(server)) {
    if (support_has_ended(pid)) return -1;
    if (support_now_ms() > deadline) {
      support_end(pid, SIGQUIT);
      return -1;
    }
    support_pause();
  }
  server->pid = pid > 0 ? pid : 0;
  return pid > 0 ? 0 : -1;
}

/* Where a server will be; NULL: nowhere. */
static support_postgres* place(void) {
  support_postgres* server = calloc(1, sizeof *server);
  if (server == NULL) abort();
  server->user = support_plain_user();
  server->folder = support_folder_make(server->user.uid, server->user.gid);
  if (server->folder == NULL) {
    free(server);
    return NULL;
  }
  server->data = support_format("%s/data", server->folder);
  server->log = support_format("%s/log", server->folder);
  server->ca_file = support_format("%s/ca.pem", server->folder);
  server->port = support_free_port();
  server->url = support_format("postgresql://postgres@127.0.0.1:%d/postgres", server->port);
  return server;
}

static support_postgres* started(support_postgres* server, int created) {
  if (created == 0 && bring_up(server) == 0) return server;
  support_complain("PostgreSQL did not start:");
  support_show_file(server->log);
  support_postgres_stop(server);
  return NULL;
}

support_postgres* support_postgres_start(const support_postgres_options* options) {
  const support_postgres_options defaults = {NULL, NULL, 0, 0};
  if (options == NULL) options = &defaults;
  support_postgres* server = place();
  return server != NULL ? started(server, create(server, options)) : NULL;
}

support_postgres* support_postgres_start_standby(const support_postgres* primary) {
  const support_postgres_options defaults = {NULL, NULL, 0, 0};
  support_postgres* server = place();
  if (server == NULL) return NULL;
  char* backup = program("pg_basebackup");
  char* port = support_format("%d", primary->port);
  const char* const argv[] = {backup,
                              "--pgdata",
                              server->data,
                              "--host",
                              primary->folder,
                              "--port",
                              port,
                              "--username",
                              "postgres",
                              "--write-recovery-conf",
                              "--wal-method=stream",
                              "--checkpoint=fast",
                              "--no-sync",
                              NULL};
  int created = support_run(argv, server->user, server->folder, server->log);
  free(backup);
  free(port);
  if (created == 0) created = configure(server, &defaults);
  return started(server, created);
}

void support_postgres_kill(support_postgres* server) {
  if (server->pid == 0) return;
  support_postgres_thaw(server);
  support_end(server->pid, SIGQUIT);
  server->pid = 0;
}

int support_postgres_restart(support_postgres* server) {
  support_postgres_kill(server);
  if (bring_up(server) == 0) return 0;
  support_complain("PostgreSQL did not start again:");
  support_show_file(server->log);
  return -1;
}

void support_postgres_stop(support_postgres* server) {
  if (server == NULL) return;
  support_postgres_kill(server);
  support_folder_remove(server->folder);
  free(server->folder);
  free(server->data);
  free(server->log);
  free(server->url);
  free(server->ca_file);
  free(server);
}

void support_postgres_freeze(support_postgres* server) {
  if (server->pid != 0) support_signal_family(server->pid, SIGSTOP);
}

void support_postgres_thaw(support_postgres* server) {
  if (server->pid != 0) support_signal_family(server->pid, SIGCONT);
}

const char* support_postgres_url(const support_postgres* server) {
  return server->url;
}
const char* support_postgres_socket_folder(const support_postgres* server) {
  return server->folder;
}
const char* support_postgres_ca_file(const support_postgres* server) {
  return server->ca_file;
}
int support_postgres_port(const support_postgres* server) {
  return server->port;
}
pid_t support_postgres_pid(const support_postgres* server) {
  return server->pid;
}
