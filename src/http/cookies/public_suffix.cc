#include "http/cookies/public_suffix.h"

#include <libpsl.h>

namespace creche::http {

bool IsPublicSuffix(const std::string& domain) noexcept {
  const psl_ctx_t* list = psl_builtin();
  // Built without a list: at least what has no dot.
  if (!list) return domain.find('.') == std::string::npos;
  return psl_is_public_suffix2(list, domain.c_str(), PSL_TYPE_ANY) == 1;
}

}  // namespace creche::http
