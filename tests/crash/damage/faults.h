// Single faults of single files, each with a name by which it can be done again.
#ifndef FISCAL_TESTS_CRASH_DAMAGE_FAULTS_H_
#define FISCAL_TESTS_CRASH_DAMAGE_FAULTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/crash/damage/bases.h"

namespace fiscal::damage {

enum class FaultKind {
  kDelete,
  kCutByte,    // its last byte
  kCut,        // to `at` bytes
  kFlip,       // bit `at`
  kZeroTail,   // the last `at` bytes
  kSwap,       // with `other`
  kOlder,      // as it was half-way
  kDuplicate,  // its bytes are those of `other`
};

struct Fault {
  std::string base;
  std::string file;
  FaultKind kind = FaultKind::kDelete;
  uint64_t at = 0;
  std::string other;

  // base:file:kind, and :at or :other where the kind has one.
  std::string Name() const;
};

absl::string_view NameOf(FaultKind kind);
std::optional<Fault> ParseFault(absl::string_view name);

// `count` faults over `bases`, the same for the same seed and directories: every class of file with
// every kind of fault that it can have, those of the log more often, then again with other files
// and places.
std::vector<Fault> PlanFaults(const std::vector<Base>& bases, size_t count, uint64_t seed);

// Makes `directory` a copy of the base's with the fault done. False when the fault changes nothing.
bool MakeDamaged(const Base& base, const Fault& fault, const std::string& directory);
// Puts the whole files back in their places.
void Undo(const Base& base, const Fault& fault, const std::string& directory);

}  // namespace fiscal::damage

#endif  // FISCAL_TESTS_CRASH_DAMAGE_FAULTS_H_
