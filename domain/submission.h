// A statement as it was sent, decoded and not yet accepted.
#ifndef FISCAL_DOMAIN_SUBMISSION_H_
#define FISCAL_DOMAIN_SUBMISSION_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "domain/event.h"
#include "domain/reason.h"
#include "domain/types.h"

namespace fiscal::domain {

constexpr size_t kStatementLinesMax = 100000;
constexpr size_t kStatementProjectsMax = 10000;
// Sum of |amount| over all lines that stand of a division's own agencies, of one year and stage; so
// no line, statement or cell of an agency is larger (docs/adr/0011).
constexpr int64_t kGrossFenMax = int64_t{1} << 52;
// Sum of |difference| over the cells of one statement's change: what stood goes and as much comes.
constexpr int64_t kPostingFenMax = 2 * kGrossFenMax;

struct Submission {
  std::string principal;
  std::string request_id;
  // The digest of the body, which tells a retry from a reused request_id.
  Digest body{};

  BudgetKey key;
  WriteMode mode = WriteMode::kReplace;
  bool withdraw = false;
  bool validate_only = false;
  // True when the next submission is committed with this one: both or neither.
  bool more = false;
  bool certify = false;
  bool control = false;
  // A statement without lines may replace one that has some.
  bool allow_empty = false;
  Scope scope = Scope::kOwn;
  std::optional<int64_t> expected_revision;
  std::string department_code;
  std::optional<int64_t> carry_forward_fen;
  std::string note;
  std::string source;
  // The form its source was printed in; empty where there is none.
  std::string form;
  // The units that carry out projects, by project code, in a whole department's statement.
  std::map<std::string, std::string> project_units;

  // In the order sent until CheckMessage, then in the order of line_id.
  LineSet lines;
  // The sums of the lines. Meaningless while there are violations.
  LineSums sums;
  // The lines in order as bytes and the digest of these, once they were found good.
  EncodedBlocks encoded;
  Digest encoded_digest{};
  std::vector<ProjectEntry> projects;
  std::vector<std::string> removed_line_ids;
  std::vector<std::string> removed_project_codes;

  // Everything wrong that was found so far, on the message alone and against the catalog.
  std::vector<Violation> violations;
  std::vector<Finding> findings;
  // Catalog::position of the one that was checked against; another one means checking anew.
  std::optional<Position> checked_catalog;
};

}  // namespace fiscal::domain

#endif  // FISCAL_DOMAIN_SUBMISSION_H_
