// Pins: digests of the certificates or public keys that are taken, and no others.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct ssl_st;

namespace creche::platform {

struct TlsPin {
  bool key = false;  // of the public key (SPKI), or of the whole certificate
  std::array<unsigned char, 32> digest = {};
};

// "sha256//BASE64": a public key, as curl and HPKP write it; "cert-sha256:HEX": a certificate, with
// or without colons between the bytes. Nothing if it is neither.
std::optional<TlsPin> ReadPin(std::string_view text);
// Whether one of the pins is the certificate of the server. *seen: what would be its pins.
bool PinsMatch(ssl_st* ssl, const std::vector<TlsPin>& pins, std::string* seen);

}  // namespace creche::platform
