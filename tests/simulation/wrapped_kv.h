// A Kv that passes everything on: planted bugs override what they spoil.
#ifndef FISCAL_TESTS_SIMULATION_WRAPPED_KV_H_
#define FISCAL_TESTS_SIMULATION_WRAPPED_KV_H_

#include <memory>
#include <string>
#include <utility>

#include "storage/kv.h"

namespace fiscal::simulation {

class WrappedKv : public storage::Kv {
 public:
  explicit WrappedKv(storage::Kv& kv) : kv_(kv) {}
  absl::Status Write(storage::Batch batch, bool sync) override {
    return kv_.Write(std::move(batch), sync);
  }
  absl::Status Flush() override { return kv_.Flush(); }
  absl::Status FlushTables() override { return kv_.FlushTables(); }
  absl::StatusOr<storage::StoreWitness> Witness() override { return kv_.Witness(); }
  absl::StatusOr<std::string> Get(storage::KeyView key) const override { return kv_.Get(key); }
  std::unique_ptr<storage::KvIterator> NewIterator(storage::KeyView lower,
                                                   storage::KeyView upper) const override {
    return kv_.NewIterator(lower, upper);
  }
  std::unique_ptr<storage::KvSnapshot> NewSnapshot() const override { return kv_.NewSnapshot(); }
  int64_t ApproximateBytes() const override { return 0; }

 protected:
  storage::Kv& kv_;
};

}  // namespace fiscal::simulation

#endif  // FISCAL_TESTS_SIMULATION_WRAPPED_KV_H_
