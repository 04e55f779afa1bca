#include "http/websocket/handshake.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "http/credentials.h"
#include "platform/digest.h"
#include "platform/random.h"

namespace creche::http {

namespace {

ErrorRef Refused(const ResponseHead& head, std::string message) {
  return MakeError({.status = Status::kProtocol,
                    .phase = Phase::kHeaders,
                    .message = std::move(message),
                    .http_status = head.status});
}

// The one value of a field; nothing if there is none, or more than one.
std::optional<std::string_view> OneValue(const ResponseHead& head, std::string_view name) {
  std::optional<std::string_view> found;
  for (size_t i = 0; i < head.size(); i++) {
    if (!SameName(head.at(i).name, name)) continue;
    if (found) return std::nullopt;
    found = head.at(i).value;
  }
  return found;
}

// Whether an element of the lists of a field is this token.
bool ListsHave(const ResponseHead& head, std::string_view name, std::string_view token) {
  for (size_t i = 0; i < head.size(); i++) {
    if (!SameName(head.at(i).name, name)) continue;
    std::string_view list = head.at(i).value;
    std::string_view element;
    while (NextElement(&list, &element))
      if (SameName(element, token)) return true;
  }
  return false;
}

// The next of the parts between semicolons, trimmed. False at the end.
bool NextPart(std::string_view* parts, std::string_view* part) {
  if (parts->data() == nullptr) return false;
  const size_t end = parts->find(';');
  *part = TrimBlanks(parts->substr(0, end));
  *parts = end == parts->npos ? std::string_view() : parts->substr(end + 1);
  return true;
}

// Window bits: 8 to 15, perhaps in quotes. 0: none of these.
int Bits(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  if (value.size() == 1 && (value[0] == '8' || value[0] == '9')) return value[0] - '0';
  if (value.size() == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5')
    return 10 + value[1] - '0';
  return 0;
}

// The answer to the one extension that is offered. False: it says what it may not.
bool ReadDeflate(std::string_view extension, DeflateTerms* terms) {
  std::string_view part;
  NextPart(&extension, &part);
  if (terms->on || !SameName(part, "permessage-deflate")) return false;
  bool seen[4] = {};
  DeflateTerms t{.on = true, .client_takeover = true, .server_takeover = true};
  while (NextPart(&extension, &part)) {
    const size_t at = std::min(part.find('='), part.size());
    const std::string_view name = TrimBlanks(part.substr(0, at));
    const bool valued = at != part.size();
    const std::string_view value = valued ? TrimBlanks(part.substr(at + 1)) : std::string_view();
    int which = -1;
    if (SameName(name, "server_no_context_takeover") && !valued) {
      which = 0;
      t.server_takeover = false;
    } else if (SameName(name, "client_no_context_takeover") && !valued) {
      which = 1;
      t.client_takeover = false;
    } else if (SameName(name, "server_max_window_bits")) {
      which = 2;
      t.server_bits = Bits(value);
      if (t.server_bits == 0) return false;
    } else if (SameName(name, "client_max_window_bits")) {
      which = 3;
      t.client_bits = Bits(value);
      if (t.client_bits == 0) return false;
    }
    if (which < 0 || std::exchange(seen[which], true)) return false;
  }
  *terms = t;
  return true;
}

}  // namespace

std::string WebsocketOffer::NewKey() {
  const uint64_t random[2] = {platform::Random64(), platform::Random64()};
  return Base64({reinterpret_cast<const char*>(random), sizeof random});
}

Result<void> WebsocketOffer::AppendTo(HeaderList* headers) const {
  std::string names;
  for (size_t i = 0; i < protocols.size(); i++) {
    if (!IsToken(protocols[i]) ||
        std::find(protocols.begin(), protocols.begin() + static_cast<ptrdiff_t>(i), protocols[i]) !=
            protocols.begin() + static_cast<ptrdiff_t>(i))
      return MakeError(Status::kInvalid, Phase::kOptions,
                       "each of protocols must be a token, and another one than those before");
    names += (i > 0 ? ", " : "") + protocols[i];
  }
  const std::string deflate =
      takeover ? "permessage-deflate; client_max_window_bits"
               : "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
                 "client_max_window_bits";
  const std::pair<const char*, std::string> fields[] = {
      {"Upgrade", "websocket"},
      {"Connection", "Upgrade"},
      {"Sec-WebSocket-Key", key},
      {"Sec-WebSocket-Version", "13"},
      {"Sec-WebSocket-Protocol", names},
      {"Sec-WebSocket-Extensions", compress ? deflate : std::string()}};
  for (const auto& [name, value] : fields) {
    if (headers->Has(name))
      return MakeError(Status::kInvalid, Phase::kOptions,
                       std::string(name) + " is the library's to write: leave it out");
    if (value.empty()) continue;
    if (auto added = headers->Add(name, value); !added.ok()) return added;
  }
  return {};
}

Result<WebsocketTerms> CheckUpgrade(const ResponseHead& head, const WebsocketOffer& offer) {
  WebsocketTerms terms;
  if (head.status == 101) {
    if (head.minor == 0)
      return Refused(
          head, "the 101 is one of HTTP/1.0, which has no upgrades: something in between is old");
    if (!ListsHave(head, "Upgrade", "websocket"))
      return Refused(head, "the 101 does not say \"Upgrade: websocket\"");
    if (!ListsHave(head, "Connection", "upgrade"))
      return Refused(head, "the 101 does not say \"Connection: Upgrade\"");
    const std::string accept =
        Base64(platform::Digest("SHA1", offer.key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    if (OneValue(head, "Sec-WebSocket-Accept") != accept)
      return Refused(head,
                     "the Sec-WebSocket-Accept of the 101 is not that of our key: something in "
                     "between has answered");
  }
  if (head.IndexOf("Sec-WebSocket-Protocol") != head.size()) {
    const auto protocol = OneValue(head, "Sec-WebSocket-Protocol");
    if (!protocol || std::find(offer.protocols.begin(), offer.protocols.end(), *protocol) ==
                         offer.protocols.end())
      return Refused(head, "the answer names a Sec-WebSocket-Protocol that was not offered");
    terms.protocol = *protocol;
  }
  for (size_t i = 0; i < head.size(); i++) {
    if (!SameName(head.at(i).name, "Sec-WebSocket-Extensions")) continue;
    std::string_view list = head.at(i).value;
    std::string_view extension;
    while (NextElement(&list, &extension))
      if (!offer.compress || !ReadDeflate(extension, &terms.deflate))
        return Refused(head,
                       "the answer names a Sec-WebSocket-Extensions that was not offered, or in "
                       "a way that is not allowed");
  }
  terms.deflate.client_takeover = terms.deflate.client_takeover && offer.takeover;
  return terms;
}

}  // namespace creche::http
