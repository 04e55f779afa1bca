/* creche-top: shows the live tree of a running program, again and again, as it changes.
 *
 *   creche-top [-d SECONDS] [-n FRAMES] SOCKET
 *
 * The program offers its tree on a Unix socket, if it is told to (tree_socket.h; harvest --tree
 * SOCKET). Each look is a connection. What is new since the last look has a + in front. On a
 * terminal the picture is drawn over the last one and cut to what fits; else one follows the other,
 * whole. -n: so many looks (0: until the program ends), -d: the time between two.
 *
 * It needs nothing of the library: a dump is text, a node a line, and each has its id. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { kIdDigits = 16 };

typedef struct node {
  char* line; /* without its id */
  char id[kIdDigits + 1];
  int is_new;
} node;

typedef struct picture {
  char* text; /* the lines point into it */
  node* nodes;
  size_t count;
} picture;

static void* must(void* memory) {
  if (memory != NULL) return memory;
  perror("creche-top");
  exit(70);
}

/* All that the program says, or NULL with errno. */
static char* ask(const struct sockaddr_un* address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  char* text = must(malloc(1));
  size_t size = 0;
  ssize_t got = -1;
  if (fd >= 0 && connect(fd, (const struct sockaddr*)address, sizeof *address) == 0) do {
      text = must(realloc(text, size + 65537));
      got = read(fd, text + size, 65536);
      if (got > 0) size += (size_t)got;
    } while (got > 0 || (got < 0 && errno == EINTR));
  const int error = errno;
  if (fd >= 0) close(fd);
  text[size] = '\0';
  if (got == 0 && size > 0) return text;
  free(text);
  return errno = got == 0 ? ECONNRESET : error, NULL; /* no tree: the loop has ended */
}

/* Takes the id out of `kind "name" 0123456789abcdef, state...` and keeps it. */
static void read_node(node* n, char* line) {
  n->line = line;
  for (char* at = line; (at = strstr(at, "\" ")) != NULL; at++)
    if (strspn(at + 2, "0123456789abcdef") == kIdDigits) {
      memcpy(n->id, at + 2, kIdDigits);
      memmove(at + 1, at + 2 + kIdDigits, strlen(at + 2 + kIdDigits) + 1);
      return;
    }
}

static int by_id(const void* left, const void* right) {
  return strcmp(((const node*)left)->id, ((const node*)right)->id);
}

static picture look(char* text) {
  picture p = {text, NULL, 0};
  size_t lines = 1;
  for (const char* at = text; (at = strchr(at, '\n')) != NULL; at++) lines++;
  p.nodes = must(calloc(lines, sizeof *p.nodes));
  for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;)
    if (*line != '\0') read_node(&p.nodes[p.count++], line);
  return p;
}

/* Marks what is new, and says how many of the last picture are gone. last: sorted by id. */
static size_t compare(picture* now, const picture* last) {
  size_t known = 0;
  for (size_t i = 0; i < now->count; i++) {
    node* n = &now->nodes[i];
    n->is_new = last->count > 0 && bsearch(n, last->nodes, last->count, sizeof *n, by_id) == NULL;
    known += !n->is_new;
  }
  return last->count > known ? last->count - known : 0;
}

static void draw(const picture* p, size_t gone, const char* from, int on_terminal) {
  struct winsize window = {0};
  size_t rows = p->count, fresh = 0;
  int columns = 1 << 20;
  if (on_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 2) {
    columns = window.ws_col - 2;
    if (rows > (size_t)window.ws_row - 3) rows = (size_t)window.ws_row - 3;
  }
  for (size_t i = 0; i < p->count; i++) fresh += (size_t)p->nodes[i].is_new;
  const char* end = on_terminal ? "\033[K\n" : "\n";
  if (on_terminal) fputs("\033[H", stdout);
  printf("%s: %zu nodes, %zu new, %zu gone%s", from, p->count, fresh, gone, end);
  for (size_t i = 0; i < rows; i++) {
    const node* n = &p->nodes[i];
    const int marked = n->is_new && on_terminal;
    printf("%s%c %.*s%s%s", marked ? "\033[1m" : "", n->is_new ? '+' : ' ', columns, n->line,
           marked ? "\033[0m" : "", end);
  }
  if (rows < p->count) printf("  ... and %zu more%s", p->count - rows, end);
  fputs(on_terminal ? "\033[J" : "\n", stdout);
  fflush(stdout);
}

static void forget(picture* p) {
  free(p->text);
  free(p->nodes);
}

int main(int argc, char** argv) {
  double delay = 0.5;
  unsigned long frames = 0;
  for (int option; (option = getopt(argc, argv, "d:n:")) != -1;) {
    if (option == 'd') delay = strtod(optarg, NULL);
    if (option == 'n') frames = strtoul(optarg, NULL, 10);
    if (option == '?') return 64;
  }
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (optind + 1 != argc || strlen(argv[optind]) >= sizeof address.sun_path)
    return fputs("usage: creche-top [-d SECONDS] [-n FRAMES] SOCKET\n", stderr), 64;
  strcpy(address.sun_path, argv[optind]);

  const int on_terminal = isatty(STDOUT_FILENO);
  picture last = {NULL, NULL, 0};
  for (unsigned long i = 0; frames == 0 || i < frames; i++) {
    if (i > 0) {
      const struct timespec nap = {(time_t)delay, (long)((delay - (double)(time_t)delay) * 1e9)};
      nanosleep(&nap, NULL);
    }
    char* text = ask(&address);
    if (text == NULL && i == 0)
      return fprintf(stderr, "%s: %s\n", argv[optind], strerror(errno)), 1;
    if (text == NULL) break; /* the program has ended */
    if (i == 0 && on_terminal) fputs("\033[2J", stdout);
    picture now = look(text);
    draw(&now, compare(&now, &last), argv[optind], on_terminal);
    qsort(now.nodes, now.count, sizeof *now.nodes, by_id);
    forget(&last);
    last = now;
  }
  forget(&last);
  return 0;
}
