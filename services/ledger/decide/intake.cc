#include "services/ledger/decide/intake.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/coding.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "domain/fen.h"
#include "domain/validation.h"
#include "services/ledger/decide/intake_group.h"
#include "services/ledger/decide/rules_check.h"
#include "storage/catalog_events.h"
#include "storage/schema.h"

namespace fiscal::services {
namespace {

using domain::Line;
using domain::LineSet;
using domain::ProjectEntry;
using domain::Reason;
using domain::Refuse;
using domain::StatementEvent;
using domain::StatementMeta;
using domain::Submission;

// What a submission changes, against what stands.
struct Change {
  StatementEvent event;
  // Nothing stands before: all that was sent is put, and event.put.lines is left empty.
  bool fresh = false;

  // True when the event's blocks are those of all lines sent.
  bool PutsAll(const Submission& s) const {
    return fresh || event.put.lines.size() == s.lines.lines.size();
  }
};

// Ordered lists against each other: what is new or different goes to `put`, what is gone or
// different to `removed`.
void DiffLines(const std::vector<Line>& before, const std::vector<Line>& after,
               StatementEvent* event) {
  auto b = before.begin();
  auto a = after.begin();
  while (b != before.end() || a != after.end()) {
    if (a == after.end() || (b != before.end() && b->line_id < a->line_id)) {
      event->removed.lines.push_back(*b++);
    } else if (b == before.end() || a->line_id < b->line_id) {
      event->put.lines.push_back(*a++);
    } else {
      if (!(*a == *b)) {
        event->removed.lines.push_back(*b);
        event->put.lines.push_back(*a);
      }
      ++a;
      ++b;
    }
  }
}

void DiffProjects(std::vector<ProjectEntry> before, std::vector<ProjectEntry> after,
                  StatementEvent* event) {
  auto b = before.begin();
  auto a = after.begin();
  while (b != before.end() || a != after.end()) {
    if (a == after.end() || (b != before.end() && b->code < a->code)) {
      event->projects_removed.push_back(std::move(*b++));
    } else if (b == before.end() || a->code < b->code) {
      event->projects_put.push_back(std::move(*a++));
    } else {
      if (!(*a == *b)) {
        event->projects_removed.push_back(std::move(*b));
        event->projects_put.push_back(std::move(*a));
      }
      ++a;
      ++b;
    }
  }
}

// The rules over a statement as it stands after a PATCH.
absl::Status CheckPatched(const storage::Heads& heads, const domain::Catalog& catalog,
                          const Change& change, RulesCheck check, Submission* s) {
  FISCAL_ASSIGN_OR_RETURN(LineSet before, heads.Lines(s->key));
  FISCAL_ASSIGN_OR_RETURN(std::vector<ProjectEntry> projects, heads.Projects(s->key));
  // All of it in order: what is put is merged in, what is removed, changed lines too, is passed by.
  std::vector<Line> after;
  after.reserve(before.lines.size() + change.event.put.lines.size());
  auto put = change.event.put.lines.begin();
  auto removed = change.event.removed.lines.begin();
  for (const Line& line : before.lines) {
    for (; put != change.event.put.lines.end() && put->line_id < line.line_id; ++put)
      after.push_back(*put);
    if (removed != change.event.removed.lines.end() && removed->line_id == line.line_id) {
      ++removed;
    } else {
      after.push_back(line);
    }
  }
  after.insert(after.end(), put, change.event.put.lines.end());
  check(catalog, after, projects, s);
  return s->violations.empty() ? absl::OkStatus() : Refuse(s->violations);
}

bool Counts(const StatementMeta& meta) { return !meta.withdrawn && !meta.control; }

absl::Status CheckRevision(const Submission& s, const std::optional<StatementMeta>& old) {
  const int64_t standing = old.has_value() ? static_cast<int64_t>(old->revision) : 0;
  if (!s.expected_revision.has_value() || *s.expected_revision == standing) return absl::OkStatus();
  domain::Refusal refusal;
  refusal.reason = Reason::kRevisionMismatch;
  refusal.message =
      absl::StrCat("revision ", *s.expected_revision, " was expected, ", standing, " stands");
  refusal.metadata = {{"current_revision", absl::StrCat(standing)}};
  return domain::ToStatus(refusal);
}

// Takes the projects out of the submission.
absl::Status DiffReplace(const storage::Heads& heads, Submission& s, bool stands, Change* change) {
  if (!stands) {
    change->fresh = true;
    change->event.projects_put = std::move(s.projects);
    return absl::OkStatus();
  }
  FISCAL_ASSIGN_OR_RETURN(LineSet before, heads.Lines(s.key));
  FISCAL_ASSIGN_OR_RETURN(std::vector<ProjectEntry> projects, heads.Projects(s.key));
  change->event.put.combinations = s.lines.combinations;
  change->event.removed.combinations = before.combinations;
  change->event.removed.Keep(before);
  DiffLines(before.lines, s.lines.lines, &change->event);
  DiffProjects(std::move(projects), std::move(s.projects), &change->event);
  return absl::OkStatus();
}

// The lines a PATCH puts and removes, against those that stand.
absl::Status DiffPatchedLines(const storage::Heads& heads, const Submission& s,
                              StatementEvent* event, std::vector<domain::Violation>* violations) {
  std::vector<absl::string_view> ids;
  ids.reserve(s.lines.lines.size() + s.removed_line_ids.size());
  auto id_of = [](const Line& line) { return line.line_id; };
  std::transform(s.lines.lines.begin(), s.lines.lines.end(), std::back_inserter(ids), id_of);
  ids.insert(ids.end(), s.removed_line_ids.begin(), s.removed_line_ids.end());
  std::inplace_merge(ids.begin(), ids.begin() + static_cast<ptrdiff_t>(s.lines.lines.size()),
                     ids.end());
  FISCAL_ASSIGN_OR_RETURN(event->removed, heads.FindLines(s.key, ids));

  event->put.combinations = s.lines.combinations;
  std::vector<Line>& standing = event->removed.lines;
  std::vector<Line> removed;
  removed.reserve(standing.size());
  auto put = s.lines.lines.begin();
  auto gone = s.removed_line_ids.begin();
  auto before = standing.begin();
  for (absl::string_view id : ids) {
    const bool stands = before != standing.end() && before->line_id == id;
    if (put != s.lines.lines.end() && put->line_id == id) {
      if (!stands || !(*before == *put)) {
        if (stands) removed.push_back(*before);
        event->put.lines.push_back(*put);
      }
      ++put;
    } else {
      if (stands) {
        removed.push_back(*before);
      } else if (violations->size() < domain::kViolationsMax) {
        violations->push_back({Reason::kLineUnknown, "removed_line_ids", *gone,
                               absl::StrCat("line ", *gone, " does not stand")});
      }
      ++gone;
    }
    if (stands) ++before;
  }
  standing = std::move(removed);
  return absl::OkStatus();
}

// The same of its projects.
absl::Status DiffPatchedProjects(const storage::Heads& heads, const Submission& s,
                                 StatementEvent* event,
                                 std::vector<domain::Violation>* violations) {
  std::vector<ProjectEntry>& removed = event->projects_removed;
  std::vector<absl::string_view> codes;
  for (const ProjectEntry& project : s.projects) codes.push_back(project.code);
  auto put = s.projects.begin();
  auto put_before = [&](absl::string_view code) {
    for (; put != s.projects.end() && absl::string_view(put->code) < code; ++put)
      event->projects_put.push_back(*put);
  };
  FISCAL_RETURN_IF_ERROR(heads.FindProjects(s.key, codes, [&](ProjectEntry before) {
    put_before(before.code);
    if (!(before == *put)) {
      event->projects_put.push_back(*put);
      removed.push_back(std::move(before));
    }
    ++put;
  }));
  event->projects_put.insert(event->projects_put.end(), put, s.projects.end());

  const size_t changed = removed.size();
  codes.assign(s.removed_project_codes.begin(), s.removed_project_codes.end());
  auto gone = codes.begin();
  auto unknown_before = [&](absl::string_view code) {
    for (; gone != codes.end() && (code.empty() || *gone < code); ++gone) {
      if (violations->size() >= domain::kViolationsMax) continue;
      violations->push_back({Reason::kLineUnknown, "removed_project_codes", "",
                             absl::StrCat("project ", *gone, " does not stand")});
    }
  };
  FISCAL_RETURN_IF_ERROR(heads.FindProjects(s.key, codes, [&](ProjectEntry before) {
    unknown_before(before.code);
    ++gone;
    removed.push_back(std::move(before));
  }));
  unknown_before("");
  std::inplace_merge(removed.begin(), removed.begin() + static_cast<ptrdiff_t>(changed),
                     removed.end(),
                     [](const ProjectEntry& a, const ProjectEntry& b) { return a.code < b.code; });
  return absl::OkStatus();
}

// Every project a line refers to must stand afterwards.
absl::Status CheckPatchedReferences(const storage::Heads& heads, const Submission& s,
                                    const StatementEvent& event,
                                    std::vector<domain::Violation>* violations) {
  absl::flat_hash_set<absl::string_view> gone(s.removed_project_codes.begin(),
                                              s.removed_project_codes.end());
  absl::flat_hash_set<absl::string_view> known;
  for (const ProjectEntry& project : s.projects) known.insert(project.code);
  for (absl::string_view code : known) gone.erase(code);
  std::vector<absl::string_view> asked;
  for (const Line& line : event.put.lines) {
    const absl::string_view code = line.project_code;
    if (!code.empty() && !gone.contains(code) && known.insert(code).second) asked.push_back(code);
  }
  std::sort(asked.begin(), asked.end());
  for (absl::string_view code : asked) known.erase(code);
  auto next = asked.begin();
  FISCAL_RETURN_IF_ERROR(heads.FindProjects(s.key, asked, [&](const ProjectEntry& standing) {
    while (*next != absl::string_view(standing.code)) ++next;
    known.insert(*next);
  }));
  for (const Line& line : event.put.lines) {
    if (violations->size() >= domain::kViolationsMax) return absl::OkStatus();
    if (line.project_code.empty() || known.contains(line.project_code)) continue;
    violations->push_back({Reason::kProjectUnknown,
                           absl::StrCat("line_items[", line.index, "].project_code"),
                           std::string(line.line_id),
                           absl::StrCat("project ", line.project_code, " does not stand")});
  }
  if (gone.empty()) return absl::OkStatus();
  FISCAL_ASSIGN_OR_RETURN(const LineSet all, heads.Lines(s.key));
  // Both are in order: lines that are changed or removed are passed by.
  auto removed = event.removed.lines.begin();
  for (const Line& line : all.lines) {
    if (removed != event.removed.lines.end() && removed->line_id == line.line_id) {
      ++removed;
    } else if (!line.project_code.empty() && gone.contains(line.project_code) &&
               violations->size() < domain::kViolationsMax) {
      violations->push_back(
          {Reason::kProjectUnknown, "removed_project_codes", std::string(line.line_id),
           absl::StrCat("line ", line.line_id, " still refers to project ", line.project_code)});
    }
  }
  return absl::OkStatus();
}

absl::Status DiffPatch(const storage::Heads& heads, const Submission& s, Change* change) {
  std::vector<domain::Violation> violations;
  FISCAL_RETURN_IF_ERROR(DiffPatchedLines(heads, s, &change->event, &violations));
  FISCAL_RETURN_IF_ERROR(DiffPatchedProjects(heads, s, &change->event, &violations));
  FISCAL_RETURN_IF_ERROR(CheckPatchedReferences(heads, s, change->event, &violations));
  return violations.empty() ? absl::OkStatus() : Refuse(std::move(violations));
}

// The statement's meta after the change, without position and time.
StatementMeta NextMeta(const Submission& s, const std::optional<StatementMeta>& old,
                       const Change& change, const domain::Catalog& catalog) {
  StatementMeta meta;
  if (old.has_value()) meta = *old;
  const bool patch = s.mode == domain::WriteMode::kPatch && !s.withdraw;
  meta.key = s.key;
  meta.revision = old.has_value() ? old->revision + 1 : 1;
  if (!s.withdraw) meta.department_code = domain::DepartmentOf(catalog, s);
  meta.certified = s.certify;
  meta.withdrawn = s.withdraw;
  meta.principal = s.principal;
  if (!patch) {
    if (!s.withdraw) {
      meta.scope = s.scope;
      meta.control = s.control;
    }
    meta.carry_forward_fen = s.carry_forward_fen;
    meta.note = s.note;
    meta.source = s.source;
  } else {
    if (s.carry_forward_fen.has_value()) meta.carry_forward_fen = s.carry_forward_fen;
    if (!s.note.empty()) meta.note = s.note;
    if (!s.source.empty()) meta.source = s.source;
  }
  domain::LineSums sums;
  if (change.fresh) sums = s.sums;
  for (const Line& line : change.event.removed.lines) sums.Add(line, -1);
  for (const Line& line : change.event.put.lines) sums.Add(line, 1);
  meta.line_count += sums.line_count;
  meta.memo_line_count += sums.memo_line_count;
  meta.expenditure_fen += sums.expenditure_fen;
  meta.income_fen += sums.income_fen;
  meta.gross_fen += sums.gross_fen;
  meta.project_count += change.event.projects_put.size();
  meta.project_count -= change.event.projects_removed.size();
  return meta;
}

// The absolute amounts of a division's own agencies would add up to more than is kept exact above
// it.
absl::Status RefuseGross(const domain::BudgetKey& key, __int128 sum) {
  domain::Refusal refusal;
  refusal.reason = Reason::kLedgerOverflow;
  refusal.message =
      absl::StrCat("the absolute amounts of division ", key.division, ", year ", key.year,
                   " and this stage would add up to ", domain::FormatFen(sum),
                   " fen; the limit is ", domain::kGrossFenMax);
  refusal.metadata = {{"division_code", domain::FormatCode(key.division)},
                      {"sum_fen", domain::FormatFen(sum)},
                      {"bound_fen", absl::StrCat(domain::kGrossFenMax)}};
  return domain::ToStatus(refusal);
}

// True when nothing a reader can see would differ, beside where it comes from.
bool IsUnchanged(const StatementMeta& old, const StatementMeta& next, const Change& change) {
  return change.event.put.lines.empty() && change.event.removed.lines.empty() &&
         change.event.projects_put.empty() && change.event.projects_removed.empty() &&
         old.withdrawn == next.withdrawn && old.note == next.note &&
         old.carry_forward_fen == next.carry_forward_fen && (old.certified || !next.certified);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Intake>> Intake::Open(storage::Kv& kv, storage::EventLog& log,
                                                     Clock& clock, RulesCheck check) {
  std::unique_ptr<Intake> intake(new Intake(kv, log, clock, check));
  FISCAL_ASSIGN_OR_RETURN(std::shared_ptr<const domain::Catalog> catalog,
                          storage::LoadCatalog(log, log.head().position));
  FISCAL_ASSIGN_OR_RETURN(const auto owners, storage::ReadOwners(kv));
  absl::MutexLock lock(&intake->mu_);
  intake->owners_.insert(owners.begin(), owners.end());
  intake->catalog_ = std::move(catalog);
  return intake;
}

std::shared_ptr<const domain::Catalog> Intake::catalog() const {
  absl::MutexLock lock(&mu_);
  return catalog_;
}

std::vector<absl::StatusOr<domain::RequestReceipt>> Intake::Commit(
    absl::Span<Request* const> requests) {
  std::vector<absl::StatusOr<domain::RequestReceipt>> outcomes;
  outcomes.reserve(requests.size());
  if (failed_) {
    outcomes.assign(requests.size(), Refuse(Reason::kOutcomeUnknown,
                                            "an earlier write failed; the service must restart"));
    return outcomes;
  }
  Group g(kv_, log_.head());
  g.catalog = catalog();
  // Times never decrease along the log, whatever the clock does.
  g.now_us = std::max(absl::ToUnixMicros(clock_.Now()), g.head.commit_time_us);
  for (Request* request : requests) {
    outcomes.push_back(std::visit([&](auto& r) { return Apply(r, g); }, *request));
    if (!g.broken.ok()) break;
  }
  absl::Status status = g.broken;
  if (status.ok()) {
    storage::Batch batch;
    g.ledger.staged().MoveTo(&batch);
    if (!batch.empty()) {
      status = log_.Commit(std::move(batch), std::move(g.entries), g.now_us, g.ledger.TakeRecord());
    }
    if (status.ok()) {
      absl::MutexLock lock(&mu_);
      catalog_ = g.catalog;
      owners_.insert(g.claimed.begin(), g.claimed.end());
      return outcomes;
    }
    if (absl::IsResourceExhausted(status)) {
      status = Refuse(Reason::kDiskFull, "the store is full; nothing was kept");
    } else {
      failed_ = true;
      status = Refuse(Reason::kOutcomeUnknown, absl::StrCat("a write failed: ", status.message()));
    }
  }
  // Nothing of the group is acknowledged.
  outcomes.assign(requests.size(), status);
  return outcomes;
}

absl::StatusOr<std::optional<domain::Receipt>> Intake::Earlier(const std::string& principal,
                                                               const std::string& request_id,
                                                               const Digest& body,
                                                               const Group& g) const {
  FISCAL_ASSIGN_OR_RETURN(std::optional<storage::Ledger::Answered> answered,
                          g.ledger.FindAnswer(principal, request_id));
  if (!answered.has_value()) return std::optional<domain::Receipt>();
  if (answered->body != body) {
    return Refuse(Reason::kRequestIdReused,
                  absl::StrCat("request_id ", request_id, " was used for another body"));
  }
  return std::optional<domain::Receipt>(std::move(answered->receipt));
}

size_t Intake::Append(domain::EventHeader header, absl::string_view payload, Group& g,
                      domain::Receipt* receipt) const {
  header.position = g.head.position + 1;
  header.commit_time_us = g.now_us;
  storage::LogEntry entry;
  entry.position = header.position;
  entry.record = std::make_shared<const std::string>(storage::EncodeRecord(header, payload));
  const size_t payload_offset = entry.record->size() - payload.size();
  entry.leaf_hash =
      storage::LeafHashOfHeader(absl::string_view(*entry.record).substr(0, payload_offset));
  entry.chain_hash = storage::ChainHash(g.head.chain_hash, entry.leaf_hash);
  storage::EventLog::Stage(entry, header.kind, [&](std::string key, std::string value) {
    g.ledger.staged().Put(std::move(key), std::move(value));
  });
  g.head.position = entry.position;
  g.head.chain_hash = entry.chain_hash;
  g.head.commit_time_us = g.now_us;
  receipt->position = entry.position;
  receipt->chain_hash = entry.chain_hash;
  g.entries.push_back(std::move(entry));
  return payload_offset;
}

absl::StatusOr<domain::RequestReceipt> Intake::Apply(Submission& s, Group& g) {
  domain::RequestReceipt out;
  if (!s.validate_only && !s.request_id.empty()) {
    FISCAL_ASSIGN_OR_RETURN(std::optional<domain::Receipt> earlier,
                            Earlier(s.principal, s.request_id, s.body, g));
    if (earlier.has_value()) {
      out.receipt = *std::move(earlier);
      return out;
    }
  }
  if (s.checked_catalog != g.catalog->position() && !s.withdraw) {
    // The catalog moved on since the message was checked: what it said then no longer counts.
    s.violations.erase(std::remove_if(s.violations.begin(), s.violations.end(),
                                      [](const domain::Violation& v) {
                                        return domain::InfoOf(v.reason).code !=
                                               absl::StatusCode::kInvalidArgument;
                                      }),
                       s.violations.end());
    s.findings.clear();
    domain::CheckCatalog(*g.catalog, &s);
    if (s.violations.empty() && s.mode == domain::WriteMode::kReplace)
      check_(*g.catalog, s.lines.lines, s.projects, &s);
  }
  if (!s.violations.empty()) return Refuse(s.violations);
  if (const std::string owner = OwnerOf(s.key.division, g); !owner.empty()) {
    return Refuse(Reason::kDivisionFromUpstream,
                  absl::StrCat("division ", s.key.division, " is taken over from upstream ", owner,
                               ": submit it there"));
  }
  if (log_.operators()->LeavesOut(s.key)) {
    return Refuse(Reason::kBudgetQuarantined,
                  "an event of this budget was quarantined: what is stated of it does not count");
  }

  FISCAL_ASSIGN_OR_RETURN(std::optional<StatementMeta> old, g.ledger.heads().Meta(s.key));
  FISCAL_RETURN_IF_ERROR(CheckRevision(s, old));
  const bool patch = s.mode == domain::WriteMode::kPatch && !s.withdraw;
  const bool stands = old.has_value() && !old->withdrawn;
  if ((s.withdraw && !old.has_value()) || (patch && !stands)) {
    return Refuse(Reason::kBudgetNotFound, s.withdraw ? "there is no such budget to withdraw"
                                                      : "there is no statement to patch");
  }
  if (stands && !s.withdraw && s.scope != old->scope) {
    return Refuse(Reason::kScopeMixed,
                  "the statement that stands has another scope: withdraw it first");
  }
  if (stands && !s.withdraw && s.control != old->control && !(patch && !s.control)) {
    return Refuse(Reason::kScopeMixed,
                  "whether a statement counts can't change while it stands: withdraw it first");
  }

  Change change;
  if (patch) {
    FISCAL_RETURN_IF_ERROR(DiffPatch(g.ledger.heads(), s, &change));
    // What a certified PATCH makes of the statement is checked whole.
    if (s.certify)
      FISCAL_RETURN_IF_ERROR(CheckPatched(g.ledger.heads(), *g.catalog, change, check_, &s));
  } else {
    FISCAL_RETURN_IF_ERROR(DiffReplace(g.ledger.heads(), s, stands, &change));
  }
  StatementMeta& meta = change.event.meta;
  meta = NextMeta(s, old, change, *g.catalog);
  if (meta.line_count + meta.memo_line_count > domain::kStatementLinesMax) {
    return Refuse(Reason::kLedgerLinesExceeded,
                  absl::StrCat("the statement would have ", meta.line_count + meta.memo_line_count,
                               " lines; the limit is ", domain::kStatementLinesMax));
  }
  out.expenditure_change_fen = meta.expenditure_fen - (old.has_value() ? old->expenditure_fen : 0);
  out.income_change_fen = meta.income_fen - (old.has_value() ? old->income_fen : 0);

  FISCAL_ASSIGN_OR_RETURN(const int64_t gross, g.ledger.Gross(s.key));
  const __int128 gross_after =
      static_cast<__int128>(gross) - (old.has_value() ? old->gross_fen : 0) + meta.gross_fen;
  // What was stated under an older, wider bound may stand and shrink.
  if (gross_after > domain::kGrossFenMax && gross_after > gross)
    return RefuseGross(s.key, gross_after);
  if (Counts(meta)) {
    FISCAL_ASSIGN_OR_RETURN(
        const storage::ScopeCounts scopes,
        g.ledger.Scopes(s.key.division, s.key.year, s.key.stage, meta.department_code));
    const bool department = meta.scope == domain::Scope::kDepartment;
    if ((department ? scopes.own : scopes.department) > 0) {
      return Refuse(Reason::kScopeMixed,
                    absl::StrCat("department ", meta.department_code, " is already counted from ",
                                 department ? "its agencies' own statements"
                                            : "a statement of the whole department",
                                 "; submit with `control` to keep this one beside it, uncounted"));
    }
  }

  if (g.balance != nullptr && !meta.control) {
    auto count = [&](const std::vector<Line>& lines, int sign) {
      for (const Line& line : lines) {
        if (line.counts())
          (*g.balance)[{line.attributes.direction, line.attributes.fund}] += sign * line.amount_fen;
      }
    };
    count(change.fresh ? s.lines.lines : change.event.put.lines, 1);
    count(change.event.removed.lines, -1);
  }
  domain::Receipt& receipt = out.receipt;
  const bool unchanged = old.has_value() && IsUnchanged(*old, meta, change);
  receipt.result = unchanged          ? domain::Result::kUnchanged
                   : !old.has_value() ? domain::Result::kCreated
                                      : domain::Result::kRevised;
  receipt.revision = unchanged ? old->revision : meta.revision;
  receipt.line_count = meta.line_count;
  receipt.memo_line_count = meta.memo_line_count;
  receipt.project_count = meta.project_count;
  receipt.findings = s.findings;
  if (s.validate_only) return out;

  // From here on everything succeeds or nothing of the group is kept.
  if (unchanged) {
    receipt.position = old->position;
    receipt.chain_hash = g.head.chain_hash;
  } else {
    meta.position = g.head.position + 1;
    meta.more = s.more;
    meta.commit_time_us = g.now_us;
    // What was sent is encoded and hashed already; a part of it is not.
    const bool all = change.PutsAll(s);
    domain::EncodedBlocks part;
    if (!all) part = storage::EncodeBlocks(change.event.put.lines, change.event.put.combinations);
    const domain::EncodedBlocks& put = all ? s.encoded : part;
    storage::StatementPayload payload = storage::EncodeStatement(
        change.event, put.bytes, all ? s.encoded_digest : Sha256({put.bytes}));
    domain::EventHeader header;
    header.kind = domain::EventKind::kStatement;
    header.principal = s.principal;
    header.request_id = s.request_id;
    header.payload_digest = payload.digest;
    const size_t payload_offset = Append(std::move(header), payload.bytes, g, &receipt);
    payload.bytes = std::string();
    g.broken = g.ledger.ApplyStatement(
        {meta, put, payload_offset + payload.put_offset,
         change.fresh ? s.lines.lines.size() : change.event.put.lines.size(),
         change.event.put.lines, change.event.removed.lines, payload.projects,
         payload_offset + payload.projects_offset, change.event.projects_put,
         change.event.projects_removed});
    if (!g.broken.ok()) return g.broken;
  }
  g.ledger.KeepAnswer(s.principal, s.request_id, s.body, receipt);
  return out;
}

absl::StatusOr<bool> Intake::HasStatements(domain::Code division, uint16_t year,
                                           absl::string_view agency, const Group& g) const {
  // Withdrawn ones too: what they were in the totals of old positions must be found where it was.
  for (int stage = 1; stage <= 7; ++stage) {
    domain::BudgetKey key;
    key.division = division;
    key.year = year;
    key.stage = static_cast<domain::Stage>(stage);
    key.agency = std::string(agency);
    std::string lower = storage::RevisionKey(key, 0);
    // Without an agency, all of the division: up to where the agency would stand.
    if (agency.empty()) lower.resize(lower.size() - 9);
    FISCAL_ASSIGN_OR_RETURN(
        const std::optional<storage::Staged::Item> any,
        g.ledger.staged().FindFirst(
            lower,
            storage::AfterPrefix(agency.empty() ? lower : lower.substr(0, lower.size() - 8))));
    if (any.has_value()) return true;
  }
  return false;
}

absl::StatusOr<domain::RequestReceipt> Intake::Apply(domain::Reallocation& r, Group& g) {
  domain::RequestReceipt out;
  if (!r.request_id.empty()) {
    FISCAL_ASSIGN_OR_RETURN(std::optional<domain::Receipt> earlier,
                            Earlier(r.principal, r.request_id, r.body, g));
    if (earlier.has_value()) {
      out.receipt = *std::move(earlier);
      for (const Submission& part : r.parts) {
        FISCAL_ASSIGN_OR_RETURN(earlier, Earlier(part.principal, part.request_id, part.body, g));
        FISCAL_CHECK(earlier.has_value(), "a reallocation's parts are kept with it");
        out.parts.push_back(*std::move(earlier));
      }
      return out;
    }
  }
  std::vector<domain::Violation> violations = r.violations;
  for (size_t i = 0; i < r.parts.size(); ++i) {
    Submission& part = r.parts[i];
    part.more = i + 1 < r.parts.size();
    if (part.key.year != r.parts[0].key.year) {
      violations.push_back({Reason::kFieldNotAllowed,
                            absl::StrCat("budgets[", i, "].budget.fiscal_year"), "",
                            "all budgets of a reallocation are of one year"});
    }
    for (const domain::Violation& v : part.violations) {
      if (violations.size() >= domain::kViolationsMax) break;
      violations.push_back(v);
      violations.back().field = absl::StrCat("budgets[", i, "].", v.field);
    }
  }
  if (!violations.empty()) return Refuse(std::move(violations));

  const storage::EventLog::Head head = g.head;
  const size_t entries = g.entries.size();
  std::map<std::pair<domain::Direction, domain::Fund>, __int128> balance;
  g.ledger.Begin();
  g.balance = &balance;
  absl::Status status;
  for (size_t i = 0; i < r.parts.size() && status.ok(); ++i) {
    absl::StatusOr<domain::RequestReceipt> part = Apply(r.parts[i], g);
    if (!part.ok()) {
      // The same refusal, saying which budget.
      domain::Explained e = domain::Explain(part.status());
      status = part.status();
      if (!e.reason_known) break;
      const std::string path = absl::StrCat("budgets[", i, "]");
      e.refusal.message = absl::StrCat(path, ": ", e.refusal.message);
      for (domain::Violation& v : e.refusal.violations) v.field = absl::StrCat(path, ".", v.field);
      status = domain::ToStatus(e.refusal);
    } else if (part->receipt.result == domain::Result::kUnchanged) {
      status =
          Refuse(Reason::kReallocationUnchanged, absl::StrCat("budgets[", i, "] changes nothing"));
    } else {
      out.parts.push_back(std::move(part->receipt));
    }
  }
  g.balance = nullptr;
  if (status.ok()) {
    for (const auto& [of, sum] : balance) {
      if (sum == 0) continue;
      status =
          Refuse(Reason::kReallocationUnbalanced,
                 absl::StrCat(of.first == domain::Direction::kIncome ? "income" : "expenditure",
                              " of fund ", static_cast<int>(of.second), " changes by ",
                              static_cast<int64_t>(sum), " fen in all; it must be 0"));
      break;
    }
  }
  if (!status.ok()) {
    if (!g.broken.ok()) return g.broken;
    g.ledger.Rollback();
    g.head = head;
    g.entries.resize(entries);
    return status;
  }
  g.ledger.Keep();
  out.receipt = out.parts.back();
  g.ledger.KeepAnswer(r.principal, r.request_id, r.body, out.receipt);
  return out;
}

absl::StatusOr<domain::RequestReceipt> Intake::Apply(domain::CatalogImport& c, Group& g) {
  domain::RequestReceipt out;
  if (!c.request_id.empty()) {
    FISCAL_ASSIGN_OR_RETURN(std::optional<domain::Receipt> earlier,
                            Earlier(c.principal, c.request_id, c.body, g));
    if (earlier.has_value()) {
      out.receipt = *std::move(earlier);
      return out;
    }
  }
  std::vector<domain::Violation> violations = c.violations;
  if (violations.empty()) violations = g.catalog->Check(c.event);
  if (!violations.empty()) return Refuse(std::move(violations));

  // Money that is counted may not change its place behind the totals' back.
  for (size_t i = 0; i < c.event.entries.size() && violations.size() < domain::kViolationsMax;
       ++i) {
    const domain::CatalogEntry& e = c.event.entries[i];
    if (c.event.list == domain::CatalogList::kAgency) {
      const domain::CatalogEntry* old =
          g.catalog->FindAgency(c.event.division, c.event.year, e.code);
      if (old == nullptr || old->department_code == e.department_code) continue;
      FISCAL_ASSIGN_OR_RETURN(bool has, HasStatements(c.event.division, c.event.year, e.code, g));
      if (has) {
        violations.push_back({Reason::kAgencyHasStatements,
                              absl::StrCat("entries[", i, "].department_code"), "",
                              absl::StrCat("agency ", e.code, " has statements of ", c.event.year,
                                           " counted in department ", old->department_code)});
      }
    } else if (c.event.list == domain::CatalogList::kDivision) {
      const domain::Code division = domain::ParseCode(e.code);
      const domain::CatalogEntry* old = g.catalog->FindDivision(division, c.event.year);
      if (old == nullptr || old->parent_code == e.parent_code) continue;
      std::vector<domain::Code> below = {division};
      for (size_t k = 0; k < below.size(); ++k) {
        for (domain::Code child : g.catalog->ChildrenOf(below[k], c.event.year))
          below.push_back(child);
        FISCAL_ASSIGN_OR_RETURN(bool has, HasStatements(below[k], c.event.year, "", g));
        if (has) {
          violations.push_back(
              {Reason::kAgencyHasStatements, absl::StrCat("entries[", i, "].parent_code"), "",
               absl::StrCat("division ", below[k], " has statements of ", c.event.year)});
          break;
        }
      }
    }
  }
  if (!violations.empty()) return Refuse(std::move(violations));

  domain::CatalogEvent changed;
  const domain::Catalog::Difference difference = g.catalog->Diff(c.event, &changed);
  out.receipt.added = difference.added;
  out.receipt.changed = difference.changed;
  out.receipt.unchanged = difference.unchanged;
  out.receipt.result =
      changed.entries.empty() ? domain::Result::kUnchanged : domain::Result::kRevised;
  if (!changed.entries.empty()) {
    domain::EventHeader header;
    header.kind = domain::EventKind::kCatalog;
    header.principal = c.principal;
    header.request_id = c.request_id;
    const std::string payload = storage::EncodeCatalog(changed);
    header.payload_digest = Sha256({payload});
    Append(std::move(header), payload, g, &out.receipt);
    g.catalog = g.catalog->With(changed, out.receipt.position);
  }
  g.ledger.KeepAnswer(c.principal, c.request_id, c.body, out.receipt);
  return out;
}

}  // namespace fiscal::services
