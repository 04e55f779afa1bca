#include "platform/tls_pins.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

namespace creche::platform {

namespace {

using Digest = std::array<unsigned char, 32>;
constexpr std::string_view kKey = "sha256//";
constexpr std::string_view kCertificate = "cert-sha256:";

int Hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool ReadHex(std::string_view text, Digest* digest) {
  std::string digits;
  for (const char c : text)
    if (c != ':') digits += c;
  if (digits.size() != 2 * digest->size()) return false;
  for (size_t i = 0; i < digest->size(); i++) {
    const int high = Hex(digits[2 * i]), low = Hex(digits[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    (*digest)[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return true;
}

bool ReadBase64(std::string_view text, Digest* digest) {
  if (text.size() != 44 || text[43] != '=') return false;
  unsigned char bytes[34];
  const int n = EVP_DecodeBlock(bytes, reinterpret_cast<const unsigned char*>(text.data()), 44);
  if (n != 33) return false;
  std::copy(bytes, bytes + digest->size(), digest->begin());
  return true;
}

bool Sha256(const void* data, size_t size, Digest* digest) {
  unsigned n = 0;
  return EVP_Digest(data, size, digest->data(), &n, EVP_sha256(), nullptr) == 1;
}

bool KeyOf(X509* certificate, Digest* digest) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return false;
  const bool done = Sha256(der, static_cast<size_t>(size), digest);
  OPENSSL_free(der);
  return done;
}

std::string Shown(const Digest& digest) {
  unsigned char text[45];
  EVP_EncodeBlock(text, digest.data(), static_cast<int>(digest.size()));
  return std::string(kKey) + reinterpret_cast<const char*>(text);
}

}  // namespace

std::optional<TlsPin> ReadPin(std::string_view text) {
  TlsPin pin;
  pin.key = text.substr(0, kKey.size()) == kKey;
  if (pin.key)
    return ReadBase64(text.substr(kKey.size()), &pin.digest) ? std::optional(pin) : std::nullopt;
  if (text.substr(0, kCertificate.size()) != kCertificate) return std::nullopt;
  return ReadHex(text.substr(kCertificate.size()), &pin.digest) ? std::optional(pin) : std::nullopt;
}

bool PinsMatch(ssl_st* ssl, const std::vector<TlsPin>& pins, std::string* seen) {
  X509* const certificate = SSL_get0_peer_certificate(ssl);
  if (!certificate) {
    *seen = "the server has shown none";
    return false;
  }
  Digest whole, key;
  unsigned n = 0;
  if (X509_digest(certificate, EVP_sha256(), whole.data(), &n) != 1 || !KeyOf(certificate, &key)) {
    *seen = "its digest cannot be made";
    return false;
  }
  for (const TlsPin& pin : pins)
    if (pin.digest == (pin.key ? key : whole)) return true;
  *seen = "the server's key is " + Shown(key);
  return false;
}

}  // namespace creche::platform
