// Frames as a client sends them: masked.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "http/websocket/frame_reader.h"

namespace creche::http {

// Appends a frame that is a whole message, or a control frame. mask: not to be guessed.
void AppendFrame(Opcode opcode, bool coded, std::string_view payload, uint32_t mask,
                 std::string* out);
// The payload of a close; code 0: none.
std::string ClosePayload(uint16_t code, std::string_view reason);

}  // namespace creche::http
