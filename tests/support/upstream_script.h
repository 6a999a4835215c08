// Rows of a script about systems below: what their logs say, and what of it is taken over.
//
//   from NAME record | record ...   the log of NAME goes on with these, and they come over at once
//   again NAME n                    all that NAME's log has from its event n on comes once more
//   owners                          whose money the divisions' is
//
//   record := nothing                           an event that changes no totals here
//           | budget division/agency r1 code:yuan...   a statement's change, by its revision;
//               [department=] [stage=] [more]: committed with the next record
//           | divisions code[<parent]... | agencies division code/department...
//           | codes division functional...
//   before the first record: log=name (another log), skip (an event is left out), forged (it does
//   not continue the one before)
//
// Results: "taken to 2 @7", how far NAME is taken over and where this log ends, behind a refusal if
// there was one.
#ifndef FISCAL_TESTS_SUPPORT_UPSTREAM_SCRIPT_H_
#define FISCAL_TESTS_SUPPORT_UPSTREAM_SCRIPT_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "domain/requests.h"
#include "tests/support/ledger_script.h"

namespace fiscal::testing {

class UpstreamScript {
 public:
  // Adds these rows to `script`, which it outlives.
  explicit UpstreamScript(LedgerScript& script);

 private:
  using Record = domain::UpstreamRecords::Record;
  // What a system below has in its log.
  struct System {
    std::vector<Record> log;
    Digest chain{};
  };

  std::string From(const Words& words);
  std::string Again(const Words& words);
  std::string Owners() const;
  // Puts position, time and hashes to what `record` says.
  void Write(System& system, Record record);
  std::string Bring(const std::string& name, absl::string_view log_id, std::vector<Record> records);

  LedgerScript& script_;
  std::map<std::string, System> systems_;
};

}  // namespace fiscal::testing

#endif  // FISCAL_TESTS_SUPPORT_UPSTREAM_SCRIPT_H_
