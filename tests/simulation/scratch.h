// A store in memory that owns its disk.
#ifndef FISCAL_TESTS_SIMULATION_SCRATCH_H_
#define FISCAL_TESTS_SIMULATION_SCRATCH_H_

#include <memory>

#include "storage/memory/memory_kv.h"
#include "tests/simulation/wrapped_kv.h"

namespace fiscal::simulation {

struct ScratchDisk {
  storage::MemoryDisk disk;
  std::unique_ptr<storage::MemoryKv> kv = *storage::MemoryKv::Open(disk, {false, nullptr});
};

class ScratchKv final : private ScratchDisk, public WrappedKv {
 public:
  ScratchKv() : WrappedKv(*ScratchDisk::kv) {}
  static absl::StatusOr<std::unique_ptr<storage::Kv>> Make() {
    return std::make_unique<ScratchKv>();
  }
};

}  // namespace fiscal::simulation

#endif  // FISCAL_TESTS_SIMULATION_SCRATCH_H_
