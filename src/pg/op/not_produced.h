// Why nothing more is sent of what the user was to give.
#pragma once
#include "core/error.h"

namespace creche::pg {

// CRECHE_E_BODY. what: "the rows of a statement". cause: what the user says; or null.
ErrorRef NotProduced(const char* what, ErrorRef cause) noexcept;

}  // namespace creche::pg
