#include "process.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char kPrefix[] = "creche-test-";

void support_complain(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("support: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
}

int64_t support_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void support_pause(void) {
  const struct timespec pause = {0, 5 * 1000 * 1000};
  nanosleep(&pause, NULL);
}

/* ---- Files ---- */

static const char* temporary_root(void) {
  const char* root = getenv("TMPDIR");
  return root != NULL && root[0] == '/' ? root : "/tmp";
}

/* A folder's name has the pid of its owner, so that it can be told when nobody owns it any more. */
static void remove_orphans(void) {
  DIR* directory = opendir(temporary_root());
  if (directory == NULL) return;
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;) {
    if (strncmp(entry->d_name, kPrefix, sizeof kPrefix - 1) != 0) continue;
    const long pid = strtol(entry->d_name + sizeof kPrefix - 1, NULL, 10);
    if (pid <= 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH) continue;
    char* path = support_format("%s/%s", temporary_root(), entry->d_name);
    support_folder_remove(path);
    free(path);
  }
  closedir(directory);
}

char* support_folder_make(uid_t owner, gid_t group) {
  remove_orphans();
  char* path = support_format("%s/%s%ld-XXXXXX", temporary_root(), kPrefix, (long)getpid());
  if (mkdtemp(path) == NULL || chmod(path, 0755) != 0 ||
      (owner != (uid_t)-1 && chown(path, owner, group) != 0)) {
    support_complain("no temporary folder %s: %s", path, strerror(errno));
    free(path);
    return NULL;
  }
  return path;
}

static int remove_entry(const char* path, const struct stat* status, int type, struct FTW* where) {
  (void)status, (void)type, (void)where;
  remove(path);
  return 0;
}

void support_folder_remove(const char* path) {
  nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

char* support_format(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  char* text = NULL;
  if (vasprintf(&text, format, arguments) < 0) abort();
  va_end(arguments);
  return text;
}

int support_write_file(const char* path, const char* text) {
  FILE* file = fopen(path, "we");
  if (file == NULL) return -1;
  const int bad = fputs(text, file) < 0;
  return fclose(file) != 0 || bad ? -1 : 0;
}

void support_show_file(const char* path) {
  FILE* file = fopen(path, "re");
  if (file == NULL) return;
  char line[1024];
  while (fgets(line, sizeof line, file) != NULL) fputs(line, stderr);
  fclose(file);
}

/* ---- Ports ---- */

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/* Outside of the range that the kernel takes local ports of outgoing connections from, so that none
 * of those can be in the way a moment later. Processes start looking at different places. */
int support_free_port(void) {
  static int tried = 0;
  enum { kFirst = 12000, kCount = 20000 };
  for (int attempt = 0; attempt < 1000; attempt++) {
    const int port = kFirst + ((int)getpid() * 37 + tried++) % kCount;
    const struct sockaddr_in address = loopback(port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) break;
    const int found = bind(fd, (const struct sockaddr*)&address, sizeof address) == 0;
    close(fd);
    if (found) return port;
  }
  return -1;
}

int support_port_answers(int port) {
  const struct sockaddr_in address = loopback(port);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  const int answers = connect(fd, (const struct sockaddr*)&address, sizeof address) == 0;
  close(fd);
  return answers;
}

/* ---- Children ---- */

support_user support_plain_user(void) {
  support_user user = {geteuid(), getegid()};
  if (user.uid != 0) return user;
  const struct passwd* entry = getpwnam("postgres");
  if (entry == NULL) entry = getpwnam("nobody");
  if (entry != NULL) {
    user.uid = entry->pw_uid;
    user.gid = entry->pw_gid;
  }
  return user;
}

/* In the child of a process that may have threads: only what is async-signal-safe. */
static void become(const char* const* argv, support_user user, const char* folder, const char* log,
                   int death_signal, pid_t parent) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  signal(SIGPIPE, SIG_DFL);
  /* Ctrl-C on a terminal is for the program that is being tried, which may still need its servers.
   */
  setpgid(0, 0);
  if (user.uid != geteuid() &&
      (setgroups(0, NULL) != 0 || setgid(user.gid) != 0 || setuid(user.uid) != 0))
    _exit(126);
  /* After setuid, which would clear it. */
  prctl(PR_SET_PDEATHSIG, death_signal);
  if (getppid() != parent) _exit(126);
  if (chdir(folder) != 0) _exit(126);
  const int in = open("/dev/null", O_RDONLY);
  const int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) _exit(126);
  execvp(argv[0], (char* const*)argv);
  _exit(127);
}

pid_t support_spawn(const char* const* argv, support_user user, const char* folder, const char* log,
                    int death_signal) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) become(argv, user, folder, log, death_signal, parent);
  if (pid < 0) support_complain("fork: %s", strerror(errno));
  return pid;
}

int support_run(const char* const* argv, support_user user, const char* folder, const char* log) {
  int status = 0;
  const pid_t pid = support_spawn(argv, user, folder, log, SIGKILL);
  if (pid < 0) return -1;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int support_has_ended(pid_t pid) {
  const pid_t ended = waitpid(pid, NULL, WNOHANG);
  return ended == pid || (ended < 0 && errno == ECHILD);
}

void support_end(pid_t pid, int signal) {
  if (pid <= 0) return;
  kill(pid, signal);
  kill(pid, SIGCONT); /* it may have been stopped by the test */
  const int64_t deadline = support_now_ms() + 10000;
  while (!support_has_ended(pid)) {
    if (support_now_ms() > deadline) kill(pid, SIGKILL);
    support_pause();
  }
}

static pid_t parent_of(const char* pid) {
  char text[512];
  char* path = support_format("/proc/%s/stat", pid);
  FILE* file = fopen(path, "re");
  free(path);
  if (file == NULL) return -1;
  const size_t size = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[size] = 0;
  /* "pid (name) state ppid ...", and the name may hold anything. */
  const char* rest = strrchr(text, ')');
  int parent = -1;
  if (rest == NULL || sscanf(rest, ") %*c %d", &parent) != 1) return -1;
  return parent;
}

void support_signal_family(pid_t parent, int signal) {
  kill(parent, signal);
  DIR* directory = opendir("/proc");
  if (directory == NULL) return;
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;)
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && parent_of(entry->d_name) == parent)
      kill((pid_t)atoi(entry->d_name), signal);
  closedir(directory);
}
