#include "clients/cli/print/findings.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "clients/cli/print/text.h"

namespace fiscal::cli {
namespace {

using articulation::CellRef;
using articulation::Diagnosis;
using articulation::Outcome;
using articulation::Report;
using articulation::RuleOutcome;
using domain::Severity;

std::string Json(const CellRef& c) {
  return absl::StrCat("{\"table\": ", c.table, ", \"row\": ", JsonString(c.row),
                      ", \"column\": ", JsonString(c.column), ", \"line\": ", c.line,
                      ", \"printed\": ", JsonString(c.printed),
                      ", \"label\": ", JsonString(c.label_zh), "}");
}

std::string Json(const Diagnosis& d) {
  return absl::StrCat("{\"kind\": ", JsonString(d.kind), ", \"cell\": ", Json(d.cell),
                      ", \"suggested\": ", JsonString(d.suggested), ", \"restored\": ", d.restored,
                      ", \"broken\": ", d.broken, ", \"text\": ", JsonString(d.text_zh), "}");
}

template <typename T>
std::string List(const std::vector<T>& items) {
  std::string out = "[";
  for (size_t i = 0; i < items.size(); ++i)
    absl::StrAppend(&out, i == 0 ? "" : ", ", Json(items[i]));
  return out + "]";
}

}  // namespace

void PrintReport(const Report& report, std::ostream& out) {
  std::map<Outcome, int> counts;
  for (const RuleOutcome& o : report.outcomes) ++counts[o.outcome];
  for (Outcome which : {Outcome::kFailed, Outcome::kRoundingOnly, Outcome::kInsufficientData}) {
    for (const RuleOutcome& o : report.outcomes) {
      if (o.outcome != which) continue;
      const char* mark = which == Outcome::kRoundingOnly       ? "四舍五入"
                         : which == Outcome::kInsufficientData ? "数据不足"
                         : o.severity == Severity::kError      ? "错误"
                                                               : "提示";
      out << mark << "  " << o.rule << "  " << o.message_zh << "\n";
      for (size_t i = 1; i < o.diagnoses.size() && i < 3; ++i)
        out << "        或：" << o.diagnoses[i].text_zh << "\n";
    }
  }
  for (const articulation::Conflict& c : report.conflicts) {
    out << "不能同时成立：";
    for (const std::string& rule : c.rules) out << rule << " ";
    for (const CellRef& cell : c.cells) out << " " << cell.label_zh << "=" << cell.printed;
    out << "\n";
  }
  out << "结论 " << Name(report.verdict) << "：通过 " << counts[Outcome::kPassed] << "，四舍五入 "
      << counts[Outcome::kRoundingOnly] << "，不符 " << counts[Outcome::kFailed] << "，不适用 "
      << counts[Outcome::kNotApplicable] << "，数据不足 " << counts[Outcome::kInsufficientData]
      << "；规则包 " << report.rules_sha256.substr(0, 12) << "\n";
}

void PrintReportJson(const Report& report, std::ostream& out) {
  out << "{\"verdict\": \"" << Name(report.verdict) << "\", \"rules_sha256\": \""
      << report.rules_sha256 << "\", \"outcomes\": [";
  bool first = true;
  for (const RuleOutcome& o : report.outcomes) {
    out << (first ? "\n  {" : ",\n  {") << "\"rule\": " << JsonString(o.rule)
        << ", \"severity\": \"" << articulation::Name(o.severity)
        << "\", \"kind\": " << JsonString(o.kind) << ", \"outcome\": \"" << Name(o.outcome)
        << "\", \"message\": " << JsonString(o.message)
        << ", \"message_zh\": " << JsonString(o.message_zh)
        << ", \"expected\": " << JsonString(o.expected)
        << ", \"printed\": " << JsonString(o.printed)
        << ", \"difference\": " << JsonString(o.difference) << ", \"cells\": " << List(o.cells)
        << ", \"diagnoses\": " << List(o.diagnoses) << "}";
    first = false;
  }
  out << "\n], \"conflicts\": [";
  first = true;
  for (const articulation::Conflict& c : report.conflicts) {
    out << (first ? "\n  {" : ",\n  {") << "\"rules\": [";
    for (size_t i = 0; i < c.rules.size(); ++i)
      out << (i == 0 ? "" : ", ") << JsonString(c.rules[i]);
    out << "], \"cells\": " << List(c.cells) << "}";
    first = false;
  }
  out << "]}\n";
}

}  // namespace fiscal::cli
