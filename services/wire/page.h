// Pages of lists: each ends by the number of its items, or before it has more bytes than any client
// takes.
#ifndef FISCAL_SERVICES_WIRE_PAGE_H_
#define FISCAL_SERVICES_WIRE_PAGE_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "google/protobuf/repeated_field.h"

namespace fiscal::services::wire {

// Of a page as it is sent: half of what gRPC's clients take where they are not told otherwise.
constexpr size_t kPageBytesMax = 2 << 20;

// What a page still has room for.
class PageRoom {
 public:
  // For `asked` items but no more than `max`, `fallback` where nothing is asked. INVALID_ARGUMENT
  // when negative.
  static absl::StatusOr<PageRoom> Of(int32_t asked, size_t fallback, size_t max);

  size_t count_max() const { return count_max_; }
  size_t taken() const { return taken_; }
  // True when there are as many items as were asked for.
  bool full() const { return taken_ == count_max_; }

  // Takes the last of `items`. False when there is no room for it, and it is off again: the next
  // page begins with it. The first has room whatever its size.
  template <typename Item>
  bool Take(google::protobuf::RepeatedPtrField<Item>* items) {
    if (Take(items->rbegin()->ByteSizeLong())) return true;
    items->RemoveLast();
    return false;
  }
  // The same for an item of that size.
  bool Take(size_t bytes);

 private:
  explicit PageRoom(size_t count_max) : count_max_(count_max) {}

  size_t count_max_;
  size_t taken_ = 0;
  size_t bytes_ = 0;
};

}  // namespace fiscal::services::wire

#endif  // FISCAL_SERVICES_WIRE_PAGE_H_
