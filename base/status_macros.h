// FISCAL_RETURN_IF_ERROR(expr) and FISCAL_ASSIGN_OR_RETURN(lhs, expr): a failed status leaves the
// function.
#ifndef FISCAL_BASE_STATUS_MACROS_H_
#define FISCAL_BASE_STATUS_MACROS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define FISCAL_RETURN_IF_ERROR(expr)               \
  do {                                             \
    absl::Status fiscal_status = (expr);           \
    if (!fiscal_status.ok()) return fiscal_status; \
  } while (false)

#define FISCAL_CONCAT_INNER(a, b) a##b
#define FISCAL_CONCAT(a, b) FISCAL_CONCAT_INNER(a, b)
#define FISCAL_ASSIGN_OR_RETURN(lhs, expr) \
  FISCAL_ASSIGN_OR_RETURN_IMPL(FISCAL_CONCAT(fiscal_or_, __LINE__), lhs, expr)
#define FISCAL_ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                                 \
  if (!tmp.ok()) return tmp.status();                \
  lhs = *std::move(tmp)

#endif  // FISCAL_BASE_STATUS_MACROS_H_
