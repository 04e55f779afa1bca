/* A PostgreSQL server of one's own: user "postgres", database "postgres", no password (unless the
 * options ask for one), loopback TCP and a Unix socket. Not durable by default: it is fast instead.
 */
#ifndef SUPPORT_POSTGRES_H
#define SUPPORT_POSTGRES_H

#include <sys/types.h>

typedef struct support_postgres support_postgres;

typedef struct support_postgres_options {
  const char* config; /* more lines of postgresql.conf, or NULL */
  const char* hba;    /* lines of pg_hba.conf before the ones that trust everybody, or NULL */
  int durable;        /* fsync and synchronous commits */
  int tls;            /* ssl = on, with server.pem of support_postgres_ca_file()'s authority */
} support_postgres_options;

/* Ready for connections when it returns. options: NULL for the defaults. */
support_postgres* support_postgres_start(const support_postgres_options* options);

/* A hot standby of it, that streams from it; ready to be read from when it returns. */
support_postgres* support_postgres_start_standby(const support_postgres* primary);

/* Ends all sessions at once, stops the server and removes its folder. NULL is harmless. */
void support_postgres_stop(support_postgres* server);

const char* support_postgres_url(const support_postgres* server); /* by TCP */
const char* support_postgres_socket_folder(const support_postgres* server);
const char* support_postgres_ca_file(const support_postgres* server); /* only with tls */
int support_postgres_port(const support_postgres* server);
pid_t support_postgres_pid(const support_postgres* server); /* 0 while it is down */

/* Down at once: connections break, nothing is said to the clients that crashes would not say. */
void support_postgres_kill(support_postgres* server);

/* Down (if it is up) and up again: same port, same data. 0 or -1. */
int support_postgres_restart(support_postgres* server);

/* The server and all its sessions stand still: they neither answer nor close. */
void support_postgres_freeze(support_postgres* server);
void support_postgres_thaw(support_postgres* server);

#endif
