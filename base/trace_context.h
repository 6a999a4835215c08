// W3C Trace Context, level 1: which trace a call belongs to, as the header `traceparent` says it.
#ifndef FISCAL_BASE_TRACE_CONTEXT_H_
#define FISCAL_BASE_TRACE_CONTEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace fiscal {

struct TraceContext {
  // 32 and 16 lower-case hexadecimal digits, not all zero.
  std::string trace_id;
  std::string span_id;
  bool sampled = false;
};

// False when `header` is malformed, which is no trace.
bool ParseTraceparent(absl::string_view header, TraceContext* trace);
std::string FormatTraceparent(const TraceContext& trace);
// A span of its own: below `parent`, or the first of a new trace.
TraceContext ChildOf(const TraceContext& parent);
TraceContext NewTrace();

}  // namespace fiscal

#endif  // FISCAL_BASE_TRACE_CONTEXT_H_
