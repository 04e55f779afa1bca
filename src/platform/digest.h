// Digests of bytes, as OpenSSL computes them.
#pragma once
#include <string>
#include <string_view>

namespace creche::platform {

// algorithm: "SHA1", "MD5", "SHA256", "SHA512-256". "" if the system's OpenSSL has none (MD5 where
// FIPS 140 is in force). May throw bad_alloc.
std::string Digest(const char* algorithm, std::string_view bytes);

// The same in small hexadecimal digits.
std::string HexDigest(const char* algorithm, std::string_view bytes);

}  // namespace creche::platform
