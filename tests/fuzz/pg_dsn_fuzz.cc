// Fuzzes DSNs: what is taken has at least one server, and no message shows what stands where a
// password does. The input is what comes before the password and what follows it, apart by a line
// break.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "pg/connect/conninfo.h"

using namespace creche;
using namespace creche::pg;

namespace {

constexpr char kPassword[] = "Kw7rTq93xZ";

void Demand(bool holds) {
  if (!holds) abort();
}

void MustNotTell(const std::string& dsn) {
  // These would be read: there are those that do not end.
  if (dsn.find("file") != dsn.npos || dsn.find("service") != dsn.npos) return;
  const Result<Conninfo> info = ReadConninfo(dsn.c_str(), "fuzz");
  if (info.ok()) {
    Demand(!info.value().targets.empty());
    for (const Target& target : info.value().targets) {
      const Secrets& secrets = info.value().secrets;
      Demand(secrets.Say(target.Text(), "a server").find(kPassword) == std::string::npos);
    }
    return;
  }
  Demand(info.error()->status() == Status::kInvalid);
  Demand(std::string_view(info.error()->message()).find(kPassword) == std::string_view::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  if (input.find('\0') != input.npos) return 0;
  const size_t end = input.find('\n');
  const std::string before = input.substr(0, end);
  const std::string after = end == input.npos ? "" : input.substr(end + 1);
  MustNotTell("postgresql://" + before + ":" + kPassword + "@" + after);
  MustNotTell("password=" + std::string(kPassword) + " " + before + " " + after);
  return 0;
}
