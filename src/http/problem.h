// Problem: what is wrong with what a server sent, before anybody knows which server: a status and a
// static text.
#pragma once
#include "core/status.h"

namespace creche::http {

struct Problem {
  Status status = Status::kOk;
  const char* text = "";
  bool bad() const { return status != Status::kOk; }
};

}  // namespace creche::http
