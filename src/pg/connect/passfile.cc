#include "pg/connect/passfile.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

namespace creche::pg {

namespace {

// As libpq finds it.
std::string DefaultPath() {
  const char* home = std::getenv("HOME");
  char buffer[4096];
  passwd entry;
  passwd* found = nullptr;
  if (!home || !*home) {
    if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) != 0 || !found) return {};
    home = entry.pw_dir;
  }
  return std::string(home) + "/.pgpass";
}

// What DSN, environment and service file say. With a password libpq looks at no file.
std::string PathOf(const char* dsn) {
  const char* const keywords[] = {"dbname", "password", "gssencmode", nullptr};
  const char* const values[] = {dsn ? dsn : "", "creche", "creche", nullptr};
  const std::unique_ptr<PGconn, decltype(&PQfinish)> probe(
      PQconnectStartParams(keywords, values, 1), &PQfinish);
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfo(probe.get()), &PQconninfoFree);
  for (const PQconninfoOption* o = options.get(); o && o->keyword; o++)
    if (std::strcmp(o->keyword, "passfile") == 0 && o->val && *o->val) return o->val;
  return DefaultPath();
}

}  // namespace

bool RefusesPassfile(const char* dsn) {
  struct stat file;
  if (stat(PathOf(dsn).c_str(), &file) != 0) return false;
  return !S_ISREG(file.st_mode) || (file.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}

}  // namespace creche::pg
