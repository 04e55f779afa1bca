/* A resolver of the test's own, so that nobody outside is asked: addresses and localhost are the
 * system's business, db.test is here, other names of .test are what the test says, no other name is
 * known. */
#ifndef CAPI_PG_NAMES_H
#define CAPI_PG_NAMES_H

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>

typedef int (*getaddrinfo_fn)(const char*, const char*, const struct addrinfo*, struct addrinfo**);

/* The test's: as getaddrinfo; real is the system's. */
static int look_up(const char* name, const char* service, const struct addrinfo* hints,
                   struct addrinfo** found, getaddrinfo_fn real);

__attribute__((visibility("default"))) int getaddrinfo(const char* node, const char* service,
                                                       const struct addrinfo* hints,
                                                       struct addrinfo** found) {
  getaddrinfo_fn real;
  struct in6_addr ignored;
  *(void**)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  if (node == NULL || inet_pton(AF_INET, node, &ignored) == 1 ||
      inet_pton(AF_INET6, node, &ignored) == 1 || strcmp(node, "localhost") == 0)
    return real(node, service, hints, found);
  if (strcmp(node, "db.test") == 0) return real("127.0.0.1", service, hints, found);
  if (strstr(node, ".test") == NULL) return EAI_NONAME;
  return look_up(node, service, hints, found, real);
}

#endif
