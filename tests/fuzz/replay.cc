// Fuzzing without libFuzzer: replays the files named on the command line, and a few thousand
// mutations of each, always the same ones.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(argv[i], "rb"), fclose);
    if (!file) return 1;
    std::string bytes;
    char block[4096];
    for (size_t n; (n = fread(block, 1, sizeof block, file.get())) > 0;) bytes.append(block, n);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    uint32_t random = 2463534242u + static_cast<uint32_t>(i);
    const auto next = [&random] {
      random ^= random << 13;
      random ^= random >> 17;
      return random ^= random << 5;
    };
    for (int round = 0; round < 3000 && !bytes.empty(); round++) {
      std::string mutated = bytes;
      for (uint32_t n = 1 + next() % 3; n > 0; n--) {
        const size_t at = next() % mutated.size();
        const uint32_t how = next() % 4;
        if (how == 0)
          mutated[at] = static_cast<char>(next());
        else if (how == 1)
          mutated[at] = static_cast<char>(next() % 8);
        else if (how == 2 && mutated.size() > 3)
          mutated.erase(at, 1 + next() % 4);
        else
          mutated.insert(at, bytes.substr(next() % bytes.size(), next() % 24));
        if (mutated.empty()) mutated = bytes;
      }
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(mutated.data()), mutated.size());
    }
  }
  return 0;
}
