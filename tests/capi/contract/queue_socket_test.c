/* CRECHE_QUEUE_SOCKET: a descriptor that may be read, for runtimes that cannot watch one otherwise.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/core.h"

static creche_queue open_socket(creche_loop on) {
  creche_queue_options o;
  creche_queue made;
  OK(creche_queue_options_init(&o, sizeof o));
  o.flags = CRECHE_QUEUE_SOCKET;
  OK(creche_queue_open(on, &o, &made));
  return made;
}
static int open_queue(void** state) {
  if (open_loop(state) != 0) return -1;
  queue = open_socket(loop);
  return 0;
}
static int release_queue(void** state) {
  creche_queue_release(queue);
  return close_loop(state);
}
#define QUEUE_TEST(name) cmocka_unit_test_setup_teardown(name, open_queue, release_queue)

static int readable(int fd) {
  struct pollfd p;
  p.fd = fd;
  p.events = POLLIN;
  return poll(&p, 1, 0);
}
static int bytes_in(int fd) {
  int n = -1;
  assert_int_equal(ioctl(fd, FIONREAD, &n), 0);
  return n;
}
static void sleep_to(creche_queue to, creche_scope in) {
  creche_task_options o = task_options();
  o.queue = to;
  OK(creche_sleep(in, 0, &o, NULL, NULL, NULL));
}
/* Takes what there is, up to `capacity`. */
static size_t take(creche_queue from, size_t capacity) {
  creche_completion c[8];
  size_t n;
  assert_true(capacity <= 8);
  OK(creche_queue_drain(from, c, capacity, &n));
  creche_completions_release(c, n);
  return n;
}

static void what_it_is(void** state) {
  creche_queue_options o;
  creche_queue other;
  const int fd = creche_queue_fd(queue);
  int type = 0;
  socklen_t size = sizeof type;
  (void)state;
  assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size), 0);
  assert_int_equal(type, SOCK_STREAM);
  assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
  OK(creche_queue_open(loop, NULL, &other)); /* not what everybody gets */
  assert_int_not_equal(getsockopt(creche_queue_fd(other), SOL_SOCKET, SO_TYPE, &type, &size), 0);
  creche_queue_release(other);
  OK(creche_queue_options_init(&o, sizeof o));
  o.flags = CRECHE_QUEUE_SOCKET << 1;
  IS(creche_queue_open(loop, &o, &other), CRECHE_E_UNSUPPORTED);
}

/* Who only polls sees what he sees of an eventfd, and nothing piles up in the socket. */
static void watched_without_reading(void** state) {
  const int fd = creche_queue_fd(queue);
  int i;
  (void)state;
  assert_int_equal(readable(fd), 0);
  for (i = 0; i < 1000; i++) sleep_to(queue, loop.scope);
  settle();
  for (i = 0; i < 1000; i++) {
    assert_int_equal(readable(fd), 1);
    assert_int_equal(bytes_in(fd), 1);
    assert_int_equal(take(queue, 1), 1);
  }
  assert_int_equal(readable(fd), 0);
  OK(creche_queue_close(queue, NULL, NULL));
  settle();
  assert_int_equal(readable(fd), 1); /* for ever */
}

static void watched_for_changes(void** state) {
  const int watch = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {0};
  int i, taken = 0;
  (void)state;
  event.events = EPOLLIN | EPOLLET;
  assert_int_equal(epoll_ctl(watch, EPOLL_CTL_ADD, creche_queue_fd(queue), &event), 0);
  for (i = 0; i < 10; i++) sleep_to(queue, loop.scope);
  settle();
  while (epoll_wait(watch, &event, 1, 0) == 1) taken += (int)take(queue, 1);
  assert_int_equal(taken, 10);
  close(watch);
}

/* As Node does: by a descriptor of its own, which it reads, and whose flags it changes. */
static void read_by_who_watches(void** state) {
  const int fd = dup(creche_queue_fd(queue));
  char byte[8];
  (void)state;
  sleep_to(queue, loop.scope);
  sleep_to(queue, loop.scope);
  sleep_to(queue, loop.scope);
  settle();
  assert_int_equal(read(fd, byte, sizeof byte), 1);
  assert_int_equal(take(queue, 2), 2); /* one is left: news */
  assert_int_equal(read(fd, byte, sizeof byte), 1);
  assert_int_equal(take(queue, 2), 1);
  assert_int_equal(bytes_in(fd), 0);
  sleep_to(queue, loop.scope);
  settle();
  assert_int_equal(bytes_in(fd), 1);
  assert_int_equal(take(queue, 2), 1); /* drained before the byte was read */
  assert_int_equal(bytes_in(fd), 0);
  /* A socket that blocks does not make the library block. */
  assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
  sleep_to(queue, loop.scope);
  settle();
  assert_int_equal(read(fd, byte, sizeof byte), 1);
  assert_int_equal(take(queue, 2), 1);
  close(fd);
}

/* The reader's end and the queue's, in any order. */
static void ends(void** state) {
  const int closed = dup(creche_queue_fd(queue)), open = dup(creche_queue_fd(queue));
  char byte[8];
  (void)state;
  close(closed);
  sleep_to(queue, loop.scope); /* no SIGPIPE */
  settle();
  assert_int_equal(take(queue, 2), 1);
  creche_queue_release(queue);
  settle();
  while (read(open, byte, sizeof byte) > 0) continue;
  assert_int_equal(read(open, byte, sizeof byte), 0); /* its end */
  close(open);
}

/* No wake-up is lost between a loop with a thread and who reads, takes little at a time, and goes
   back to read. */
static void read_while_they_come(void** state) {
  enum { ALL = 20000 };
  creche_loop threaded;
  creche_queue its_queue;
  struct pollfd p;
  int started = 0, taken = 0;
  (void)state;
  OK(creche_loop_open(NULL, &threaded));
  its_queue = open_socket(threaded);
  p.fd = dup(creche_queue_fd(its_queue));
  p.events = POLLIN;
  for (; started < 64; started++) sleep_to(its_queue, threaded.scope);
  while (taken < ALL) {
    char byte;
    size_t n, i;
    assert_int_equal(poll(&p, 1, 30000), 1);
    assert_int_equal(read(p.fd, &byte, 1), 1);
    n = take(its_queue, 8); /* if that is not all, another byte comes */
    taken += (int)n;
    for (i = 0; i < n && started < ALL; i++, started++) sleep_to(its_queue, threaded.scope);
  }
  close(p.fd);
  sleep_to(its_queue, threaded.scope); /* and those who wait in the library */
  creche_completion c;
  size_t n;
  OK(creche_queue_wait(its_queue, &c, 1, PATIENCE, &n));
  creche_completions_release(&c, n);
  OK(creche_loop_close(threaded));
  OK(creche_loop_join(threaded, PATIENCE));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      QUEUE_TEST(what_it_is),
      QUEUE_TEST(watched_without_reading),
      QUEUE_TEST(watched_for_changes),
      QUEUE_TEST(read_by_who_watches),
      QUEUE_TEST(ends),
      QUEUE_TEST(read_while_they_come),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
