// Secrets: what must not be shown in messages about a DSN: its passwords; and if it has a slip of
// the pen, nothing that is said of its parts, since any of them may be of a password.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace creche::pg {

class Secrets {
 public:
  Secrets() = default;
  // dsn: null for none. May throw bad_alloc, as all here.
  explicit Secrets(const char* dsn);

  // A password. Nothing shorter than kLeast can be told from ordinary text.
  void Add(std::string_view secret);
  // What is no secret even if a password is the same: the user's name.
  void Show(std::string_view open);
  // Why nothing of the DSN's parts is to be shown; null: they may be.
  const char* slip() const noexcept { return slip_; }
  // The text, with "***" for each secret in it. One that is a word is one in quotes only: elsewhere
  // it is a word of the message.
  std::string Hide(std::string_view text) const;
  // What is said of the DSN's parts: with secrets hidden; or nothing of it, but why.
  std::string Say(std::string_view text, std::string_view instead) const;

  static constexpr size_t kLeast = 4;

 private:
  const char* slip_ = nullptr;
  std::vector<std::string> secrets_;
};

}  // namespace creche::pg
