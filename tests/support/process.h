/* Children, temporary folders, free ports: what all servers need. */
#ifndef SUPPORT_PROCESS_H
#define SUPPORT_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

/* Prints "support: ..." on stderr. */
void support_complain(const char* format, ...) __attribute__((format(printf, 1, 2)));

/* Milliseconds of the monotonic clock. */
int64_t support_now_ms(void);

/* A short pause between two looks at something that has no event to wait for. */
void support_pause(void);

/* A new folder, or NULL; free() its path. Folders of processes that died without removing theirs
 * are removed on the way. If `owner` is not (uid_t)-1, it belongs to that user. */
char* support_folder_make(uid_t owner, gid_t group);
void support_folder_remove(const char* path);

/* asprintf that cannot fail. */
char* support_format(const char* format, ...) __attribute__((format(printf, 1, 2)));

/* Writes a whole file; 0 or -1. */
int support_write_file(const char* path, const char* text);

/* Copies what is in a file to stderr: the log of a server that did not start. */
void support_show_file(const char* path);

/* A loopback port that was free a moment ago, or -1. */
int support_free_port(void);

/* 1 if something accepts connections there. */
int support_port_answers(int port);

/* Whom to be for servers that refuse to be root: the caller's own ids, unless that is root. */
typedef struct support_user {
  uid_t uid;
  gid_t gid;
} support_user;
support_user support_plain_user(void);

/* Starts argv[0] (found in PATH) as `user` with its output in the file `log`. It gets death_signal
 * when the calling thread ends. Returns its pid or -1. */
pid_t support_spawn(const char* const* argv, support_user user, const char* folder, const char* log,
                    int death_signal);

/* The same, and waits: its exit status, or -1. */
int support_run(const char* const* argv, support_user user, const char* folder, const char* log);

/* Sends `signal` and waits until the child has ended; after 10 s it is killed. */
void support_end(pid_t pid, int signal);

/* Has this child ended already? (Then it is reaped.) */
int support_has_ended(pid_t pid);

/* Sends `signal` to a process and its direct children. */
void support_signal_family(pid_t parent, int signal);

#endif
