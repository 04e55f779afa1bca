// Secrets: what is a password in a DSN, or might be one, and hides it in messages. A DSN with a
// slip of the pen is read as something else than was meant: then the password stands where a host,
// a port or a user should be. So not only what libpq takes for the password counts, but all of the
// places where somebody may have wanted to write one.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace creche::pg {

class Secrets {
 public:
  Secrets() = default;
  // dsn: null for none. May throw bad_alloc, as all here.
  explicit Secrets(const char* dsn);

  // One more, from wherever it comes. Nothing shorter than kPiece can be told from ordinary text.
  void Add(std::string_view secret);
  // The text, with "***" for each run of kPiece bytes or more that a secret has, too. The words
  // that messages consist of stay, unless they are quoted: else their absence would tell.
  std::string Hide(std::string_view text) const;

  static constexpr size_t kPiece = 4;

 private:
  void AddUri(std::string_view rest);
  void AddNamed(std::string_view dsn, bool uri);
  bool Has(const char* piece) const noexcept;
  std::vector<uint32_t> pieces_;  // sorted, each of kPiece bytes
};

}  // namespace creche::pg
