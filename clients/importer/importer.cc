#include "clients/importer/importer.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "clients/importer/lines.h"
#include "domain/articulation/check.h"
#include "domain/disclosure/names.h"

namespace fiscal::importer {
namespace {

namespace b = fiscal::budget::v1;
using articulation::Outcome;
using articulation::RuleOutcome;
using disclosure::Disclosure;
using disclosure::FoldName;

// A failed rule within or between tables: narrative and forms never block.
bool BlocksImport(const RuleOutcome& o) {
  return o.outcome == Outcome::kFailed && o.severity == domain::Severity::kError &&
         (absl::StartsWith(o.rule, "X-") ||
          (absl::StartsWith(o.rule, "T") && !absl::StartsWith(o.rule, "TX")));
}

// The units of the department that the document names or the options say.
size_t CountUnits(const Disclosure& document, const CatalogView& catalog, const Options& options) {
  const std::string name = FoldName(document.department_name);
  std::string department = options.department_code;
  for (const CatalogView::Agency& a : catalog.agencies) {
    if (department.empty() && FoldName(a.name) == name) department = a.department_code;
  }
  size_t units = 0;
  for (const CatalogView::Agency& a : catalog.agencies) {
    units += a.department_code == department && a.code != department &&
             (options.division_code.empty() || a.division_code == options.division_code);
  }
  return units;
}

// Codes from the options, else from the catalog by the printed name.
absl::Status FindCodes(const Disclosure& document, const CatalogView& catalog,
                       const Options& options, submission::v1::SubmitBudgetRequest* request) {
  const std::string name = FoldName(document.department_name);
  bool many =
      document.table(11).Find("unit.2") != nullptr || document.table(12).Find("unit.2") != nullptr;
  if (!document.has(12) && document.department && options.agency_code.empty()) {
    // A form that does not list units: the catalog knows whether there are several.
    many = CountUnits(document, catalog, options) != 1;
  }
  std::string division = options.division_code, department = options.department_code,
              agency = options.agency_code;
  std::vector<const CatalogView::Agency*> found;
  for (const CatalogView::Agency& a : catalog.agencies) {
    if (!division.empty() && a.division_code != division) continue;
    if (!department.empty() && a.department_code != department) continue;
    bool match = FoldName(a.name) == name;
    for (const std::string& alias : a.aliases) match = match || FoldName(alias) == name;
    if (match) found.push_back(&a);
  }
  auto missing = [&](const std::string& why) {
    std::vector<std::string> flags;
    if (division.empty()) flags.push_back("--division");
    if (department.empty()) flags.push_back("--department");
    if (agency.empty() && !many) flags.push_back("--agency");
    return absl::InvalidArgumentError(
        absl::StrCat(document.department_name, why, ": pass ", absl::StrJoin(flags, ", ")));
  };
  if (division.empty() || department.empty() || (agency.empty() && !many)) {
    if (found.empty())
      return missing(absl::StrCat(" is not in the catalog of ", request->budget().fiscal_year()));
    for (const CatalogView::Agency* a : found) {
      if (a->division_code != found[0]->division_code ||
          a->department_code != found[0]->department_code) {
        return missing(" is in the catalog more than once");
      }
    }
    division = found[0]->division_code;
    department = found[0]->department_code;
    if (agency.empty() && !many) {
      // The unit rather than the department that has its name; without one, the department's only
      // unit.
      std::vector<std::string> units;
      for (const CatalogView::Agency* a : found) {
        if (a->code != a->department_code) units.push_back(a->code);
      }
      if (units.empty()) {
        for (const CatalogView::Agency& a : catalog.agencies) {
          if (a.division_code == division && a.department_code == department &&
              a.code != department)
            units.push_back(a.code);
        }
      }
      if (units.empty()) units.push_back(department);
      if (units.size() > 1)
        return missing(
            absl::StrCat(" names more than one agency (", absl::StrJoin(units, ", "), ")"));
      agency = units[0];
    }
  }
  if (many && !agency.empty() && agency != department) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the document states ", document.department_name,
        " and all its units as one; it is kept for the department, not for agency ", agency));
  }
  if (many) request->set_scope(b::SCOPE_DEPARTMENT);
  request->mutable_budget()->set_division_code(division);
  request->mutable_budget()->set_agency_code(many ? department : agency);
  request->set_department_code(department);
  return absl::OkStatus();
}

std::string PlaceOf(const RuleOutcome& o) {
  if (o.cells.empty()) return "";
  const articulation::CellRef& c = o.cells[0];
  std::string place = c.table == disclosure::kNarrative ? "narrative"
                      : c.table == disclosure::kForms   ? "performance forms"
                                                        : absl::StrCat("table ", c.table);
  if (c.line != 0) absl::StrAppend(&place, ", line ", c.line);
  if (!c.row.empty()) absl::StrAppend(&place, ", row ", c.row);
  if (!c.column.empty()) absl::StrAppend(&place, ", column ", c.column);
  return place;
}

b::Finding ToFinding(const RuleOutcome& o, bool as_printed) {
  b::Finding f;
  f.set_rule(o.rule);
  f.set_severity(o.outcome == Outcome::kRoundingOnly      ? b::SEVERITY_INFO
                 : o.severity == domain::Severity::kError ? b::SEVERITY_ERROR
                                                          : b::SEVERITY_WARNING);
  f.set_place(PlaceOf(o));
  f.set_message(absl::StrCat(o.message, as_printed && BlocksImport(o) ? "; kept as printed" : ""));
  f.set_message_zh(o.message_zh);
  return f;
}

// Counts of each table's figures, and the rules that they are in.
std::vector<TableReport> ReportTables(const Disclosure& d, const articulation::Report& report) {
  std::map<int, std::set<std::string>> rules;
  std::map<int, std::set<const disclosure::Cell*>> checked;
  for (const articulation::Rule& rule : articulation::ShippedRules().rules) {
    if (rule.form != "*" && rule.form != d.form) continue;
    if (!rule.check.function.empty()) continue;
    for (const auto& alternative : articulation::Instantiate(rule, d).alternatives) {
      for (const articulation::Instance& instance : alternative) {
        for (const articulation::Equation& e : instance.equations) {
          for (const auto* terms : {&e.left, &e.right}) {
            for (const articulation::Term& t : *terms) {
              if (t.place.cell == nullptr || t.place.cell->blank()) continue;
              rules[t.place.table].insert(rule.id);
              checked[t.place.table].insert(t.place.cell);
            }
          }
        }
      }
    }
  }
  std::vector<TableReport> out;
  for (int n = 1; n <= disclosure::kTables; ++n) {
    if (!d.has(n)) continue;
    const disclosure::Table& t = d.table(n);
    if (out.empty() || out.back().number != t.form_number) {
      TableReport& fresh = out.emplace_back();
      fresh.number = t.form_number;
      fresh.title = t.title;
    }
    TableReport& r = out.back();
    for (const disclosure::Row& row : t.rows) {
      for (const disclosure::Cell& c : row.cells) r.figures_read += !c.blank();
    }
    r.figures_checked += static_cast<int>(checked[n].size());
    for (const RuleOutcome& o : report.outcomes) {
      r.differences += o.outcome == Outcome::kFailed && !o.cells.empty() && o.cells[0].table == n;
    }
    r.checked_against += (r.checked_against.empty() ? "" : " ") + absl::StrJoin(rules[n], " ");
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const TableReport& a, const TableReport& b) { return a.number < b.number; });
  return out;
}

}  // namespace

absl::StatusOr<Result> Import(absl::string_view text, const Disclosure& d,
                              const CatalogView& catalog, const Options& options,
                              std::vector<b::Finding>* findings_out) {
  Result result;
  result.document_name = d.department_name;
  result.unit = std::string(disclosure::UnitName(d.unit));
  submission::v1::SubmitBudgetRequest& request = result.request;
  const int year = options.fiscal_year != 0 ? options.fiscal_year : d.fiscal_year;
  if (year == 0)
    return absl::InvalidArgumentError("the document does not tell its year: pass --year");
  request.mutable_budget()->set_fiscal_year(year);
  request.mutable_budget()->set_stage(options.stage == b::STAGE_UNSPECIFIED ? b::STAGE_APPROVED
                                                                            : options.stage);
  request.set_mode(submission::v1::WRITE_MODE_REPLACE);

  const articulation::Report report = articulation::Check(d);
  std::vector<std::string> failed;
  for (const RuleOutcome& outcome : report.outcomes) {
    if (outcome.outcome != Outcome::kFailed && outcome.outcome != Outcome::kRoundingOnly) continue;
    result.findings.push_back(ToFinding(outcome, options.as_printed));
    if (BlocksImport(outcome))
      failed.push_back(absl::StrCat(outcome.rule, " (", PlaceOf(outcome), "): ", outcome.message));
  }
  if (findings_out != nullptr) *findings_out = result.findings;
  if (!failed.empty() && !options.as_printed) {
    const size_t shown = std::min<size_t>(failed.size(), 20);
    std::string message = absl::StrCat(
        "the tables contradict each other: ",
        absl::StrJoin(failed.begin(), failed.begin() + static_cast<std::ptrdiff_t>(shown), "; "));
    if (failed.size() > shown) absl::StrAppend(&message, "; and ", failed.size() - shown, " more");
    return absl::FailedPreconditionError(message);
  }
  FISCAL_RETURN_IF_ERROR(FindCodes(d, catalog, options, &request));
  result.tables = ReportTables(d, report);
  MakeLines(d, catalog, &result);
  b::SourceDocument* source = request.mutable_source();
  source->set_form(d.form);
  source->set_sha256(absl::BytesToHexString(BytesOf(Sha256({text}))));
  source->set_unit(result.unit);
  source->set_line_ids_derived(true);
  source->set_as_printed(options.as_printed && !failed.empty());
  if (findings_out != nullptr) *findings_out = result.findings;
  return result;
}

}  // namespace fiscal::importer
