// The smallest program on creche.hpp that does something: prints the version and when a sleep is
// over.
#include <creche/creche.hpp>
#include <iostream>

int main() {
  creche::run([]() -> creche::task<> {
    co_await creche::sleep(std::chrono::milliseconds(1));
    std::cout << "libcreche " << creche_version_string() << "\n";
  });
}
