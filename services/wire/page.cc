#include "services/wire/page.h"

#include <algorithm>

#include "domain/reason.h"
#include "google/protobuf/io/coded_stream.h"

namespace fiscal::services::wire {
namespace {

using google::protobuf::io::CodedOutputStream;

// Sums, position, token: what a page has beside its items.
constexpr size_t kBesideBytes = 16 << 10;

}  // namespace

absl::StatusOr<PageRoom> PageRoom::Of(int32_t asked, size_t fallback, size_t max) {
  if (asked < 0)
    return domain::Refuse(
        {{domain::Reason::kQueryInvalid, "page_size", "", "must not be negative"}});
  return PageRoom(asked == 0 ? fallback : std::min(static_cast<size_t>(asked), max));
}

bool PageRoom::Take(size_t bytes) {
  if (full()) return false;
  // Its tag and its size stand before it.
  const size_t with_size = 1 + CodedOutputStream::VarintSize64(bytes) + bytes;
  if (taken_ > 0 && bytes_ + with_size > kPageBytesMax - kBesideBytes) return false;
  bytes_ += with_size;
  ++taken_;
  return true;
}

}  // namespace fiscal::services::wire
