/* creche-test-servers: the servers of the support library for everything that is not C.
 *
 *   creche-test-servers [options]                  prints NAME=value lines, then an empty line, and
 *                                                  stops everything when its standard input is at
 *                                                  its end, or on SIGTERM or SIGINT
 *   creche-test-servers [options] -- command ...   runs the command with these in its environment
 *                                                  and returns its exit status
 *
 *   --root FOLDER    what nginx serves besides /small, /middle and /big
 *   --no-postgres    without PostgreSQL (and PgBouncer): starts at once
 *   --no-nginx       without nginx
 *   --pgbouncer      with PgBouncer, too
 *   --durable        PostgreSQL with fsync
 *   --workers N      processes of nginx
 *
 * The names: DATABASE_URL PGBOUNCER_URL HTTP_URL HTTPS_URL HTTP2_URL CA_FILE WRONG_NAME_URL
 * EXPIRED_URL. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

typedef struct servers {
  support_postgres* postgres;
  support_pgbouncer* pgbouncer;
  support_nginx* nginx;
} servers;

static void announce(const char* name, const char* value, int print) {
  if (print) printf("%s=%s\n", name, value);
  setenv(name, value, 1);
}

static void announce_all(const servers* all, int print) {
  if (all->postgres != NULL) announce("DATABASE_URL", support_postgres_url(all->postgres), print);
  if (all->pgbouncer != NULL)
    announce("PGBOUNCER_URL", support_pgbouncer_url(all->pgbouncer), print);
  if (all->nginx != NULL) {
    announce("HTTP_URL", support_nginx_http_url(all->nginx), print);
    announce("HTTPS_URL", support_nginx_https_url(all->nginx), print);
    announce("HTTP2_URL", support_nginx_http2_url(all->nginx), print);
    announce("CA_FILE", support_nginx_ca_file(all->nginx), print);
    announce("WRONG_NAME_URL", support_nginx_wrong_name_url(all->nginx), print);
    announce("EXPIRED_URL", support_nginx_expired_url(all->nginx), print);
  }
  if (print) {
    putchar('\n');
    fflush(stdout);
  }
}

static void stop_all(servers* all) {
  support_pgbouncer_stop(all->pgbouncer);
  support_postgres_stop(all->postgres);
  support_nginx_stop(all->nginx);
}

/* Until standard input ends, or a signal. */
static void wait_for_the_end(int signals) {
  char scratch[256];
  for (;;) {
    struct pollfd fds[2] = {{STDIN_FILENO, POLLIN, 0}, {signals, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return;
    if (fds[0].revents != 0 && read(STDIN_FILENO, scratch, sizeof scratch) <= 0) return;
  }
}

/* Signals to us go to the command, except Ctrl-C of a terminal, which it gets anyhow; its end is
 * ours. */
static int run(char** command, int signals, const sigset_t* before) {
  const pid_t child = fork();
  if (child < 0) return 1;
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigprocmask(SIG_SETMASK, before, NULL);
    execvp(command[0], command);
    fprintf(stderr, "creche-test-servers: %s: %s\n", command[0], strerror(errno));
    _exit(127);
  }
  for (;;) {
    struct signalfd_siginfo signal;
    int status = 0;
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (read(signals, &signal, sizeof signal) == sizeof signal && signal.ssi_signo != SIGCHLD &&
        signal.ssi_code != SI_KERNEL)
      kill(child, (int)signal.ssi_signo);
  }
}

int main(int argc, char** argv) {
  static char root[PATH_MAX];
  int with_postgres = 1, with_nginx = 1, with_pgbouncer = 0, at = 1;
  support_postgres_options postgres = {NULL, NULL, 0, 0};
  support_nginx_options nginx = {NULL, NULL, NULL, 0, 0};
  for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
    if (strcmp(argv[at], "--no-postgres") == 0) {
      with_postgres = 0;
    } else if (strcmp(argv[at], "--no-nginx") == 0) {
      with_nginx = 0;
    } else if (strcmp(argv[at], "--pgbouncer") == 0) {
      with_pgbouncer = 1;
    } else if (strcmp(argv[at], "--durable") == 0) {
      postgres.durable = 1;
    } else if (strcmp(argv[at], "--root") == 0 && at + 1 < argc) {
      nginx.root = realpath(argv[++at], root);
    } else if (strcmp(argv[at], "--workers") == 0 && at + 1 < argc) {
      nginx.workers = atoi(argv[++at]);
    } else {
      fprintf(stderr, "creche-test-servers: unknown argument %s\n", argv[at]);
      return 2;
    }
  }

  /* Before the first child, so that no signal is lost; children clear their mask. */
  sigset_t handled, before;
  sigemptyset(&handled);
  sigaddset(&handled, SIGTERM);
  sigaddset(&handled, SIGINT);
  sigaddset(&handled, SIGHUP);
  sigprocmask(SIG_BLOCK, &handled, &before);
  sigset_t waited = handled;
  const int has_command = at + 1 < argc;
  if (has_command) sigaddset(&waited, SIGCHLD);
  sigprocmask(SIG_BLOCK, &waited, NULL);
  const int signals = signalfd(-1, &waited, SFD_CLOEXEC);

  servers all = {NULL, NULL, NULL};
  int status = 0;
  if (with_postgres && (all.postgres = support_postgres_start(&postgres)) == NULL) status = 1;
  if (status == 0 && with_postgres && with_pgbouncer &&
      (all.pgbouncer = support_pgbouncer_start(support_postgres_port(all.postgres), NULL)) == NULL)
    status = 1;
  if (status == 0 && with_nginx && (all.nginx = support_nginx_start(&nginx)) == NULL) status = 1;

  if (status == 0) {
    announce_all(&all, !has_command);
    if (has_command)
      status = run(argv + at + 1, signals, &before);
    else
      wait_for_the_end(signals);
  }
  stop_all(&all);
  return status;
}
