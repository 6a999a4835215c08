// Starts a server on a damaged copy and says what it made of it.
#ifndef FISCAL_TESTS_CRASH_DAMAGE_JUDGE_H_
#define FISCAL_TESTS_CRASH_DAMAGE_JUDGE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tests/crash/damage/bases.h"
#include "tests/crash/damage/faults.h"

namespace fiscal::damage {

enum class Outcome {
  kRefused,   // with a sentence; every byte is still there
  kHealed,    // serves everything, and said that it made something again
  kNoEffect,  // serves everything
  kNoticed,   // serves; says DATA_LOSS or stops at the damage, and answers nothing wrong
  // Failures of the campaign.
  kUnsaid,     // refused without a sentence or a next step, or with another exit code
  kDestroyed,  // refused, but bytes are gone, or it does not serve after the damage is undone
  kAborted,    // ended by a signal
  kHung,       // neither served nor ended
  kSilent,     // serves, and something it answers is wrong
};
absl::string_view NameOf(Outcome outcome);
bool Fails(Outcome outcome);

struct Verdict {
  Outcome outcome = Outcome::kNoEffect;
  // What was seen: the sentence, or the first answer that is wrong.
  std::string seen;
};

// `thorough`: a refusal is undone and tried again, what serves is killed and must serve again.
Verdict Judge(const Base& base, const Fault& fault, const std::string& directory, bool thorough);

}  // namespace fiscal::damage

#endif  // FISCAL_TESTS_CRASH_DAMAGE_JUDGE_H_
