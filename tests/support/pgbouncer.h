/* A PgBouncer of one's own in front of a PostgreSQL server, in transaction pooling mode. */
#ifndef SUPPORT_PGBOUNCER_H
#define SUPPORT_PGBOUNCER_H

typedef struct support_pgbouncer support_pgbouncer;

/* Accepts connections when it returns. config: more lines of its [pgbouncer] section, or NULL. */
support_pgbouncer* support_pgbouncer_start(int postgres_port, const char* config);

/* NULL is harmless. */
void support_pgbouncer_stop(support_pgbouncer* bouncer);

const char* support_pgbouncer_url(const support_pgbouncer* bouncer);

#endif
