// Arrays of creche_header, read and checked.
#pragma once
#include <creche/http.h>

#include <string_view>

#include "capi/guard.h"
#include "http/headers.h"

namespace creche::capi {

// what: the field of the options, for messages.
inline creche_status CheckHeaders(const creche_header* headers, size_t count,
                                  const char* what = "headers") noexcept {
  if (!headers && count > 0) return Fail(Status::kInvalid, "%s is NULL, its count not 0", what);
  for (size_t i = 0; i < count; i++) {
    if (!headers[i].name) return Fail(Status::kInvalid, "%s[%zu].name is NULL", what, i);
    if (!headers[i].value && headers[i].value_size > 0)
      return Fail(Status::kInvalid, "%s[%zu].value is NULL, its size not 0", what, i);
  }
  return CRECHE_OK;
}

// May throw bad_alloc.
inline Result<void> TakeHeaders(const creche_header* headers, size_t count,
                                http::HeaderList* list) {
  for (size_t i = 0; i < count; i++) {
    const std::string_view value(headers[i].value ? headers[i].value : "", headers[i].value_size);
    if (auto r = list->Add(headers[i].name, value); !r.ok()) return r;
  }
  return {};
}

}  // namespace creche::capi
