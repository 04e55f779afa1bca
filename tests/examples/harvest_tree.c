/* The tree of a run, for who wants to see it: harvest --tree SOCKET, and creche-top SOCKET beside
 * it. */
#define _GNU_SOURCE
#include <stdio.h>

#include "harvest.h"
#include "tree_socket.h"

static tree_socket offer;

void show_tree(harvest* h) {
  if (h->tree != NULL && tree_socket_open(&offer, h->loop, h->tree) != 0) {
    fprintf(stderr, "harvest: %s: %s\n", h->tree, strerror(errno));
    h->tree = NULL; /* it is no reason to fetch nothing */
  }
}

void hide_tree(harvest* h) {
  if (h->tree != NULL) tree_socket_close(&offer);
}
