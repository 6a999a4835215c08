#include "services/ledger/decide/prepare.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/coding.h"
#include "base/sha256.h"
#include "domain/validation.h"
#include "services/ledger/decide/rules_check.h"
#include "storage/line_blocks.h"

namespace fiscal::services {
namespace {

using domain::Reason;
using domain::Submission;

// The digest that tells a retry from another request: of the content, however it was cut into
// frames and serialised.
Digest BodyDigest(const Submission& s) {
  std::string head;
  PutU32(&head, s.key.division);
  PutU16(&head, s.key.year);
  PutU8(&head, static_cast<uint8_t>(s.key.stage));
  PutString(&head, s.key.agency);
  PutU8(&head, static_cast<uint8_t>(s.mode));
  PutU8(&head, static_cast<uint8_t>(s.withdraw | s.certify << 1 | s.control << 2 |
                                    s.expected_revision.has_value() << 3 |
                                    s.carry_forward_fen.has_value() << 4 | s.allow_empty << 5));
  PutU8(&head, static_cast<uint8_t>(s.scope));
  PutSigned(&head, s.expected_revision.value_or(0));
  PutSigned(&head, s.carry_forward_fen.value_or(0));
  PutString(&head, s.department_code);
  PutString(&head, s.note);
  PutString(&head, s.source);
  PutVarint(&head, s.removed_line_ids.size());
  for (const std::string& id : s.removed_line_ids) PutString(&head, id);
  PutVarint(&head, s.removed_project_codes.size());
  for (const std::string& code : s.removed_project_codes) PutString(&head, code);
  PutVarint(&head, s.projects.size());
  // Projects may be long: they are not copied.
  std::vector<std::string> sizes(s.projects.size());
  std::vector<absl::string_view> all = {head};
  for (size_t i = 0; i < s.projects.size(); ++i) {
    PutVarint(&sizes[i], s.projects[i].bytes.size());
    all.insert(all.end(), {sizes[i], s.projects[i].bytes});
  }
  all.push_back(BytesOf(s.encoded_digest));
  return Sha256(all);
}

void Encode(Submission* s) {
  s->encoded = storage::EncodeBlocks(s->lines);
  s->encoded_digest = Sha256({s->encoded.bytes});
  s->body = BodyDigest(*s);
}

}  // namespace

void Prepare(const domain::Catalog& catalog, Submission* s) {
  const bool readable = s->violations.empty();
  domain::CheckMessage(s);
  if (s->withdraw) return Encode(s);
  if (s->lines.lines.size() <= domain::kStatementLinesMax) {
    // Codes that are wrong in themselves are not looked up; everything else is, so that one answer
    // says it all.
    domain::CheckCatalog(catalog, s);
    if (readable) Encode(s);
  }
  if (s->violations.empty() && s->mode == domain::WriteMode::kReplace)
    CheckRules(catalog, s->lines.lines, s->projects, s);
}

void Prepare(const domain::Catalog& catalog, domain::Reallocation* r) {
  std::string bodies;
  std::set<domain::BudgetKey> keys;
  for (size_t i = 0; i < r->parts.size(); ++i) {
    Submission& part = r->parts[i];
    auto refuse = [&](Reason reason, absl::string_view field, std::string message) {
      r->violations.push_back(
          {reason, absl::StrCat("budgets[", i, "].", field), "", std::move(message)});
    };
    if (!part.request_id.empty())
      refuse(Reason::kFieldNotAllowed, "request_id", "one request_id is for all");
    if (part.validate_only)
      refuse(Reason::kFieldNotAllowed, "validate_only", "not in a reallocation");
    // Stands in for the one below, which is no caller's: theirs have no control characters.
    part.request_id = "part";
    Prepare(catalog, &part);
    part.request_id = absl::StrCat(r->request_id, "\x01", i);
    if (part.key.stage != domain::Stage::kReallocation)
      refuse(Reason::kFieldNotAllowed, "budget.stage", "only budgets of the stage REALLOCATION");
    if (!keys.insert(part.key).second)
      refuse(Reason::kDuplicateCode, "budget", "the same budget twice");
    bodies.append(BytesOf(part.body).data(), part.body.size());
  }
  r->body = Sha256({bodies});
}

}  // namespace fiscal::services
