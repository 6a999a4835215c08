#include "clients/cli/print/findings.h"

#include <map>

#include "clients/cli/print/json.h"

namespace fiscal::cli {
namespace {

using articulation::CellRef;
using articulation::Diagnosis;
using articulation::Outcome;
using articulation::Report;
using articulation::RuleOutcome;
using domain::Severity;

Json ToJson(const CellRef& c) {
  return {{"table", c.table}, {"row", c.row},         {"column", c.column},
          {"line", c.line},   {"printed", c.printed}, {"label", c.label_zh}};
}

Json ToJson(const Diagnosis& d) {
  return {{"kind", d.kind},         {"cell", ToJson(d.cell)}, {"suggested", d.suggested},
          {"restored", d.restored}, {"broken", d.broken},     {"text", d.text_zh}};
}

Json ToJson(const RuleOutcome& o);
Json ToJson(const articulation::Conflict& c);

template <typename T>
Json List(const std::vector<T>& items) {
  return JsonList(items, [](const T& item) { return ToJson(item); });
}

Json ToJson(const RuleOutcome& o) {
  return {{"rule", o.rule},
          {"severity", articulation::Name(o.severity)},
          {"kind", o.kind},
          {"outcome", Name(o.outcome)},
          {"message", o.message},
          {"message_zh", o.message_zh},
          {"expected", o.expected},
          {"printed", o.printed},
          {"difference", o.difference},
          {"cells", List(o.cells)},
          {"diagnoses", List(o.diagnoses)}};
}

Json ToJson(const articulation::Conflict& c) {
  return {{"rules", JsonList(c.rules)}, {"cells", List(c.cells)}};
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
  const Json json = {{"verdict", Name(report.verdict)},
                     {"rules_sha256", report.rules_sha256},
                     {"outcomes", List(report.outcomes)},
                     {"conflicts", List(report.conflicts)}};
  out << OneLine(json) << "\n";
}

}  // namespace fiscal::cli
