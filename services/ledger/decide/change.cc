#include "services/ledger/decide/change.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/reason.h"

namespace fiscal::services {
namespace {

using domain::Line;
using domain::LineSet;
using domain::ProjectEntry;
using domain::Reason;
using domain::StatementEvent;
using domain::Submission;

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

  event->put.NumberAs(s.lines);
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
                               domain::Sentence{absl::StrCat("line ", *gone, " does not stand"),
                                                absl::StrCat("现有明细中没有", *gone)}});
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
                             domain::Sentence{absl::StrCat("project ", *gone, " does not stand"),
                                              absl::StrCat("现有项目中没有", *gone)}});
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
    violations->push_back(
        {Reason::kProjectUnknown, absl::StrCat("line_items[", line.index, "].project_code"),
         std::string(line.line_id),
         domain::Sentence{absl::StrCat("project ", line.project_code, " does not stand"),
                          absl::StrCat("现有项目中没有", line.project_code)}});
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
           domain::Sentence{
               absl::StrCat("line ", line.line_id, " still refers to project ", line.project_code),
               absl::StrCat("明细", line.line_id, "仍引用项目", line.project_code)}});
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Change> DiffReplace(const storage::Heads& heads, Submission& s, bool stands) {
  Change change;
  if (!stands) {
    change.fresh = true;
    change.event.projects_put = std::move(s.projects);
    return change;
  }
  FISCAL_ASSIGN_OR_RETURN(LineSet before, heads.Lines(s.key));
  FISCAL_ASSIGN_OR_RETURN(std::vector<ProjectEntry> projects, heads.Projects(s.key));
  change.event.put.NumberAs(s.lines);
  change.event.removed.NumberAs(before);
  change.event.removed.Keep(before);
  DiffLines(before.lines, s.lines.lines, &change.event);
  DiffProjects(std::move(projects), std::move(s.projects), &change.event);
  return change;
}

absl::StatusOr<Change> DiffPatch(const storage::Heads& heads, const Submission& s) {
  Change change;
  std::vector<domain::Violation> violations;
  FISCAL_RETURN_IF_ERROR(DiffPatchedLines(heads, s, &change.event, &violations));
  FISCAL_RETURN_IF_ERROR(DiffPatchedProjects(heads, s, &change.event, &violations));
  FISCAL_RETURN_IF_ERROR(CheckPatchedReferences(heads, s, change.event, &violations));
  if (!violations.empty()) return domain::Refuse(std::move(violations));
  return change;
}

std::vector<Line> LinesAfter(const LineSet& before, const Change& change) {
  std::vector<Line> after;
  after.reserve(before.lines.size() + change.event.put.lines.size());
  auto put = change.event.put.lines.begin();
  auto removed = change.event.removed.lines.begin();
  for (const Line& line : before.lines) {
    for (; put != change.event.put.lines.end() && put->line_id < line.line_id; ++put)
      after.push_back(*put);
    // Removed lines, changed ones too, are passed by.
    if (removed != change.event.removed.lines.end() && removed->line_id == line.line_id) {
      ++removed;
    } else {
      after.push_back(line);
    }
  }
  after.insert(after.end(), put, change.event.put.lines.end());
  return after;
}

}  // namespace fiscal::services
