// Calls on connections of HTTP/2 in memory, and the frames that the test, their server, sends.
#pragma once
#include <string>

#include "http/h2/h2_connection.h"
#include "http_calls.h"

namespace creche::http::test {

class H2Opener final : public MemoryOpener {
 public:
  explicit H2Opener(IoContext& io) : io_(io) {}
  std::unique_ptr<Connection> Make(std::unique_ptr<MemoryTransport> transport) override {
    return std::make_unique<H2Connection>(io_, std::move(transport));
  }

 private:
  IoContext& io_;
};

using H2 = CallFixture<H2Opener>;

inline std::string Frame(int type, int flags, int stream, const std::string& payload) {
  const auto size = static_cast<uint32_t>(payload.size());
  std::string frame;
  for (const uint32_t byte :
       {size >> 16, size >> 8, size, static_cast<uint32_t>(type), static_cast<uint32_t>(flags),
        uint32_t{0}, uint32_t{0}, uint32_t{0}, static_cast<uint32_t>(stream)})
    frame += static_cast<char>(byte);
  return frame + payload;
}

inline const std::string kSettings = Frame(4, 0, 0, "");
inline const std::string kSettingsAck = Frame(4, 1, 0, "");
inline const std::string kOk = "\x88";  // :status: 200
inline const std::string kField = std::string("\0\1a\1b", 5);

// One entry of SETTINGS.
inline std::string Setting(int id, uint32_t value) {
  std::string entry;
  for (const uint32_t byte : {static_cast<uint32_t>(id) >> 8, static_cast<uint32_t>(id),
                              value >> 24, value >> 16, value >> 8, value})
    entry += static_cast<char>(byte);
  return Frame(4, 0, 0, entry);
}

}  // namespace creche::http::test
