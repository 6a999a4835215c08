#include "base/trace_context.h"

#include <cstdint>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace fiscal {
namespace {

bool IsHex(absl::string_view text) {
  for (const char c : text) {
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

bool AllZero(absl::string_view text) {
  return text.find_first_not_of('0') == absl::string_view::npos;
}

std::string RandomHex16() {
  thread_local absl::BitGen random;
  uint64_t bits = 0;
  while (bits == 0) bits = absl::Uniform<uint64_t>(random);
  return absl::StrFormat("%016x", bits);
}

}  // namespace

bool ParseTraceparent(absl::string_view header, TraceContext* trace) {
  // version-trace_id-parent_id-flags; a later version may have more behind another dash.
  if (header.size() < 55 || header[2] != '-' || header[35] != '-' || header[52] != '-')
    return false;
  const absl::string_view version = header.substr(0, 2), trace_id = header.substr(3, 32),
                          span_id = header.substr(36, 16), flags = header.substr(53, 2);
  if (!IsHex(version) || !IsHex(trace_id) || !IsHex(span_id) || !IsHex(flags)) return false;
  if (version == "ff" || AllZero(trace_id) || AllZero(span_id)) return false;
  if (version == "00" ? header.size() != 55 : header.size() > 55 && header[55] != '-') return false;
  trace->trace_id = std::string(trace_id);
  trace->span_id = std::string(span_id);
  trace->sampled = ((flags[1] >= 'a' ? flags[1] - 'a' + 10 : flags[1] - '0') & 1) != 0;
  return true;
}

std::string FormatTraceparent(const TraceContext& trace) {
  return absl::StrCat("00-", trace.trace_id, "-", trace.span_id, trace.sampled ? "-01" : "-00");
}

TraceContext ChildOf(const TraceContext& parent) {
  return {parent.trace_id, RandomHex16(), parent.sampled};
}

TraceContext NewTrace() { return {RandomHex16() + RandomHex16(), RandomHex16(), false}; }

}  // namespace fiscal
