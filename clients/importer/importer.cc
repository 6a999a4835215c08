#include "clients/importer/importer.h"

#include <algorithm>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/sha256.h"
#include "base/status_macros.h"
#include "clients/importer/forms.h"
#include "clients/importer/lines.h"
#include "clients/importer/rules.h"
#include "clients/importer/tables.h"

namespace fiscal::importer {
namespace {

namespace b = fiscal::budget::v1;

// Codes from the options, else from the catalog by the printed name.
absl::Status FindCodes(const Document& document, const Tables& tables, const CatalogView& catalog,
                       const Options& options, submission::v1::SubmitBudgetRequest* request) {
  const std::string name = FoldName(document.department_name);
  const bool many = tables.t11_units.size() > 1 || tables.t12.units.size() > 1;
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
      // The unit rather than the department that has its name; without one, the department's only unit.
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

b::Finding ToFinding(const RuleOutcome& o, bool as_printed) {
  b::Finding f;
  f.set_rule(o.rule);
  f.set_severity(o.kind == RuleOutcome::kRounding ? b::SEVERITY_INFO : o.severity);
  f.set_place(o.place);
  f.set_message(absl::StrCat(
      o.message, as_printed && o.kind == RuleOutcome::kFailed && o.severity == b::SEVERITY_ERROR
                     ? "; kept as printed"
                     : ""));
  f.set_message_zh(o.message_zh);
  return f;
}

}  // namespace

std::string FoldName(absl::string_view name) {
  std::string out;
  for (size_t i = 0; i < name.size();) {
    const unsigned char c = static_cast<unsigned char>(name[i]);
    if (c < 0x80) {
      if (c > ' ') out += static_cast<char>(c);
      ++i;
      continue;
    }
    const size_t n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    const absl::string_view s = name.substr(i, n);
    i += n;
    // NBSP, ideographic space, byte order mark, zero-width space.
    if (s == "\xc2\xa0" || s == "\xe3\x80\x80" || s == "\xef\xbb\xbf" || s == "\xe2\x80\x8b")
      continue;
    if (s.size() == 3 && static_cast<unsigned char>(s[0]) == 0xef) {
      // Full-width forms U+FF01 to U+FF5E stand for U+0021 to U+007E.
      const unsigned cp = (static_cast<unsigned>(s[0]) & 0x0f) << 12 |
                          (static_cast<unsigned>(s[1]) & 0x3f) << 6 |
                          (static_cast<unsigned>(s[2]) & 0x3f);
      if (cp >= 0xff01 && cp <= 0xff5e) {
        out += static_cast<char>(cp - 0xff01 + 0x21);
        continue;
      }
    }
    out.append(s.data(), s.size());
  }
  return out;
}

absl::StatusOr<DocumentInfo> Inspect(absl::string_view text) {
  FISCAL_ASSIGN_OR_RETURN(Document document, ReadDocument(text));
  return DocumentInfo{document.department_name, document.fiscal_year, "shanxi-13"};
}

absl::StatusOr<Result> Import(absl::string_view text, const CatalogView& catalog,
                              const Options& options, std::vector<b::Finding>* findings_out) {
  FISCAL_ASSIGN_OR_RETURN(Document document, ReadDocument(text));
  std::set<std::string> units;
  for (const CatalogView::Agency& a : catalog.agencies) units.insert(FoldName(a.name));
  FISCAL_ASSIGN_OR_RETURN(Tables tables, ReadTables(document, units));

  Result result;
  result.document_name = document.department_name;
  result.unit = tables.unit == DocumentUnit::kYuan ? "元" : "万元";
  submission::v1::SubmitBudgetRequest& request = result.request;
  const int year = options.fiscal_year != 0 ? options.fiscal_year : document.fiscal_year;
  if (year == 0)
    return absl::InvalidArgumentError("the document does not tell its year: pass --year");
  request.mutable_budget()->set_fiscal_year(year);
  request.mutable_budget()->set_stage(options.stage == b::STAGE_UNSPECIFIED ? b::STAGE_APPROVED
                                                                            : options.stage);
  request.set_mode(submission::v1::WRITE_MODE_REPLACE);

  std::vector<std::string> failed;
  for (const RuleOutcome& outcome : CheckTables(tables, catalog)) {
    result.findings.push_back(ToFinding(outcome, options.as_printed));
    if (outcome.kind == RuleOutcome::kFailed && outcome.severity == b::SEVERITY_ERROR) {
      failed.push_back(absl::StrCat(outcome.rule, " (", outcome.place, "): ", outcome.message));
    }
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
  FISCAL_RETURN_IF_ERROR(FindCodes(document, tables, catalog, options, &request));
  const std::vector<Form> forms = ReadForms(document, &result.findings);
  FISCAL_RETURN_IF_ERROR(MakeLines(tables, forms, catalog, &result));
  b::SourceDocument* source = request.mutable_source();
  source->set_form("shanxi-13");
  source->set_sha256(absl::BytesToHexString(BytesOf(Sha256({text}))));
  source->set_unit(result.unit);
  source->set_line_ids_derived(true);
  source->set_as_printed(options.as_printed && !failed.empty());
  result.tables = tables.reports;
  if (findings_out != nullptr) *findings_out = result.findings;
  return result;
}

}  // namespace fiscal::importer
