// Servers for the tests of creche.hpp, one of each for a program, started when a test first asks.
#ifndef CPP_SERVERS_H
#define CPP_SERVERS_H

#include <memory>
#include <string>

extern "C" {
#include "support/support.h"
}

inline support_nginx* nginx() {
  static const std::unique_ptr<support_nginx, decltype(&support_nginx_stop)> server(
      support_nginx_start(nullptr), support_nginx_stop);
  return server.get();
}
inline support_postgres* postgres() {
  static const std::unique_ptr<support_postgres, decltype(&support_postgres_stop)> server(
      support_postgres_start(nullptr), support_postgres_stop);
  return server.get();
}
inline std::string http(const std::string& path) {
  return support_nginx_http_url(nginx()) + path;
}
inline const char* dsn() {
  return support_postgres_url(postgres());
}

#endif
