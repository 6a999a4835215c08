#include "clients/importer/lines.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/status_macros.h"

namespace fiscal::importer {
namespace {

namespace b = fiscal::budget::v1;

constexpr b::Fund kFunds[] = {b::FUND_GENERAL, b::FUND_GOVERNMENT_FUND, b::FUND_STATE_CAPITAL,
                              b::FUND_FISCAL_ACCOUNT, b::FUND_UNIT};
constexpr absl::string_view kFundIds[] = {"general", "government", "capital", "account", "unit"};

// Governments' economic codes of the departments' economic codes they are printed beside, where a name alone is ambiguous.
// Source: the pairs observed in real disclosures and in the published comparison of the two lists.
constexpr struct {
  absl::string_view dept, gov;
} kPairs[] = {{"30101", "50101"}, {"30102", "50101"}, {"30103", "50101"}, {"30108", "50102"},
              {"30109", "50102"}, {"30110", "50102"}, {"30111", "50102"}, {"30112", "50102"},
              {"30113", "50103"}, {"30106", "50199"}, {"30114", "50199"}, {"30199", "50199"},
              {"30201", "50201"}, {"30202", "50201"}, {"30204", "50201"}, {"30205", "50201"},
              {"30206", "50201"}, {"30207", "50201"}, {"30208", "50201"}, {"30209", "50201"},
              {"30211", "50201"}, {"30214", "50201"}, {"30228", "50201"}, {"30229", "50201"},
              {"30239", "50201"}, {"30240", "50201"}, {"30215", "50202"}, {"30216", "50203"},
              {"30218", "50204"}, {"30224", "50204"}, {"30225", "50204"}, {"30226", "50205"},
              {"30231", "50208"}, {"30213", "50209"}, {"30299", "50299"}, {"31002", "50306"},
              {"30107", "50501"}, {"30399", "50999"}};

class Maker {
 public:
  Maker(Tables& t, const std::vector<Form>& forms, const CatalogView& catalog, Result* result)
      : t_(t), forms_(forms), catalog_(catalog), r_(result) {}

  absl::Status Run() {
    Expenditure();
    Income();
    FISCAL_RETURN_IF_ERROR(Economic());
    Revenue(7, t_.t7, b::FUND_GOVERNMENT_FUND);
    Revenue(9, t_.t9_income, b::FUND_STATE_CAPITAL);
    ThreePublic();
    Operating();
    Projects();
    if (t_.t1.carry_out.cells[0].printed)
      r_->request.set_year_end_carry_forward_fen(t_.t1.carry_out.at(0));
    for (TableReport& report : t_.reports)
      report.to_checks = std::max(0, report.figures_read - report.to_lines - report.to_memo);
    return absl::OkStatus();
  }

 private:
  // A line for a printed figure of `table`; a blank or zero makes none.
  b::LineItem* Line(int table, const std::string& id, int64_t fen, b::Direction direction,
                    b::Analysis analysis) {
    if (fen == 0) return nullptr;
    b::LineItem* line = r_->request.add_line_items();
    line->set_line_id(id);
    line->set_amount_fen(fen);
    line->set_precision_fen(t_.grain());
    line->set_direction(direction);
    line->set_analysis(analysis);
    ++(analysis == b::ANALYSIS_UNSPECIFIED ? t_.reports[static_cast<size_t>(table - 1)].to_lines
                                           : t_.reports[static_cast<size_t>(table - 1)].to_memo);
    return line;
  }

  void Say(const std::string& rule, b::Severity severity, std::string place, std::string message,
           std::string zh, const std::string& line_id = "") {
    b::Finding* f = &r_->findings.emplace_back();
    f->set_rule(rule);
    f->set_severity(severity);
    f->set_place(std::move(place));
    f->set_line_id(line_id);
    f->set_message(std::move(message));
    f->set_message_zh(std::move(zh));
  }

  void ExpenditureLine(int table, const std::string& code, size_t column, int64_t fen, b::Fund fund,
                       b::FundingYear year, const std::string& suffix) {
    const std::string id =
        absl::StrCat("t", table, ".", code, column == 1 ? ".basic" : ".project", suffix);
    b::LineItem* line = Line(table, id, fen, b::DIRECTION_EXPENDITURE, b::ANALYSIS_UNSPECIFIED);
    if (line == nullptr) return;
    line->set_functional_code(code);
    line->set_category(column == 1 ? b::CATEGORY_BASIC : b::CATEGORY_PROJECT);
    line->set_fund(fund);
    line->set_funding_year(year);
  }

  void Expenditure() {
    // Whose money is left of T3 when the tables of the three books are taken off.
    std::vector<size_t> others;
    for (size_t f = 3; f < 5; ++f) {
      if (t_.t1.income[f].at(0) != 0) others.push_back(f);
    }
    std::vector<size_t> carried;
    for (size_t f = 0; f < 3; ++f) {
      if (t_.t4.carry_in_books[f].at(0) != 0) carried.push_back(f);
    }
    const bool carry = t_.t1.carry_in.at(0) != 0;
    b::Fund rest_fund = b::FUND_UNSPECIFIED;
    b::FundingYear rest_year = b::FUNDING_YEAR_UNSPECIFIED;
    if (!carry) {
      rest_year = b::FUNDING_YEAR_THIS_YEAR;
      if (others.size() == 1) rest_fund = kFunds[others[0]];
    } else if (others.empty()) {
      rest_year = b::FUNDING_YEAR_CARRYOVER;
      if (carried.size() == 1) rest_fund = kFunds[carried[0]];
    }
    for (const Row& row : t_.t3.rows) {
      if (!t_.t3.IsLeaf(row)) continue;
      for (size_t c = 1; c <= 2; ++c) {
        int64_t rest = row.at(c);
        const CodeTable* const tables[] = {&t_.t5, &t_.t8, &t_.t9_expenditure};
        const int numbers[] = {5, 8, 9};
        for (size_t k = 0; k < 3; ++k) {
          const Row* part = tables[k]->Find(row.code);
          if (part == nullptr) continue;
          ExpenditureLine(numbers[k], row.code, c, part->at(c), kFunds[k],
                          b::FUNDING_YEAR_THIS_YEAR, "");
          rest -= part->at(c);
        }
        if (rest == 0) {
          // The figure is counted through the table of its book.
          if (row.cells[c].printed) ++t_.reports[2].to_lines;
          continue;
        }
        ExpenditureLine(3, row.code, c, rest, rest_fund, rest_year, ".other");
        if (rest_fund == b::FUND_UNSPECIFIED || rest_year == b::FUNDING_YEAR_UNSPECIFIED) {
          Say("FUND_UNKNOWN", b::SEVERITY_WARNING,
              absl::StrCat("table 3, line ", row.line, ", row ", row.code),
              absl::StrCat(
                  PrintFigure(rest, t_.unit),
                  " is in none of tables 5, 8 and 9; the document does not tell ",
                  rest_fund == b::FUND_UNSPECIFIED ? "its fund" : "which year's money it is"),
              absl::StrCat("表3科目", row.code, "有", PrintFigure(rest, t_.unit),
                           "不在表5、表8、表9中，资金性质或年度无法判断"));
        }
      }
    }
  }

  void Income() {
    std::vector<size_t> carried;
    for (size_t f = 0; f < 3; ++f) {
      if (t_.t4.carry_in_books[f].at(0) != 0) carried.push_back(f);
    }
    const bool one_book =
        carried.size() == 1 && t_.t4.carry_in_books[carried[0]].at(0) == t_.t1.carry_in.at(0);
    for (const Row& row : t_.t2.rows) {
      if (!t_.t2.IsLeaf(row)) continue;
      for (size_t c = 1; c <= 6; ++c) {
        const std::string id =
            absl::StrCat("t2.", row.code, ".", c == 6 ? "carryover" : std::string(kFundIds[c - 1]));
        b::LineItem* line = Line(2, id, row.at(c), b::DIRECTION_INCOME, b::ANALYSIS_UNSPECIFIED);
        if (line == nullptr) continue;
        line->set_functional_code(row.code);
        if (c == 6) {
          line->set_funding_year(b::FUNDING_YEAR_CARRYOVER);
          if (one_book) line->set_fund(kFunds[carried[0]]);
        } else {
          line->set_funding_year(b::FUNDING_YEAR_THIS_YEAR);
          line->set_fund(kFunds[c - 1]);
        }
      }
    }
  }

  static std::vector<std::string> CodesNamed(const std::vector<CatalogView::Code>& list,
                                             const std::string& folded, size_t length) {
    std::vector<std::string> codes;
    for (const CatalogView::Code& c : list) {
      if (length != 0 && c.code.size() != length) continue;
      bool match = FoldName(c.name) == folded;
      for (const std::string& alias : c.aliases) match = match || FoldName(alias) == folded;
      if (match) codes.push_back(c.code);
    }
    return codes;
  }

  absl::Status Economic() {
    for (const Tables::Economic& e : t_.t6) {
      const std::vector<std::string> tops =
          CodesNamed(catalog_.dept_economic, FoldName(e.top.name), 3);
      if (tops.size() != 1) {
        return absl::InvalidArgumentError(
            absl::StrCat("table 6, line ", e.top.line, ": ", e.top.name,
                         " is no 类 of the departments' economic list; import it: fiscal catalog "
                         "import --list dept-economic"));
      }
      for (const Row& row : e.items) {
        std::string dept;
        for (const std::string& code : CodesNamed(catalog_.dept_economic, FoldName(row.name), 5)) {
          if (code.compare(0, 3, tops[0]) == 0) dept = code;
        }
        if (dept.empty()) {
          return absl::InvalidArgumentError(absl::StrCat("table 6, line ", row.line, ": ", row.name,
                                                         " is no 款 of ", tops[0], " ", e.top.name,
                                                         " in the departments' economic list"));
        }
        const std::vector<std::string> govs =
            CodesNamed(catalog_.gov_economic, FoldName(row.other_name), 5);
        std::string gov;
        if (govs.size() == 1) gov = govs[0];
        for (const auto& pair : kPairs) {
          if (pair.dept == dept && std::find(govs.begin(), govs.end(), pair.gov) != govs.end())
            gov = std::string(pair.gov);
        }
        for (size_t c = 1; c <= 2; ++c) {
          std::string id = absl::StrCat("t6.", dept, gov.empty() ? "" : ".", gov,
                                        c == 1 ? ".personnel" : ".public");
          b::LineItem* line =
              Line(6, id, row.at(c), b::DIRECTION_EXPENDITURE, b::ANALYSIS_BASIC_ECONOMIC);
          if (line == nullptr) continue;
          line->set_dept_economic_code(dept);
          line->set_gov_economic_code(gov);
          line->set_category(c == 1 ? b::CATEGORY_PERSONNEL : b::CATEGORY_PUBLIC);
          line->set_fund(b::FUND_GENERAL);
          line->set_funding_year(b::FUNDING_YEAR_THIS_YEAR);
          if (gov.empty()) {
            Say("ECONOMIC_UNKNOWN", b::SEVERITY_WARNING, absl::StrCat("table 6, line ", row.line),
                absl::StrCat(row.other_name, " is ", govs.empty() ? "in no" : "ambiguous in the",
                             " governments' economic list; the code is left out"),
                absl::StrCat("政府经济科目“", row.other_name, "”无法确定编码"), id);
          }
        }
      }
      if (e.items.empty()) {
        for (size_t c = 1; c <= 2; ++c) {
          b::LineItem* line =
              Line(6, absl::StrCat("t6.", tops[0], c == 1 ? ".personnel" : ".public"), e.top.at(c),
                   b::DIRECTION_EXPENDITURE, b::ANALYSIS_BASIC_ECONOMIC);
          if (line == nullptr) continue;
          line->set_dept_economic_code(tops[0]);
          line->set_category(c == 1 ? b::CATEGORY_PERSONNEL : b::CATEGORY_PUBLIC);
          line->set_fund(b::FUND_GENERAL);
          line->set_funding_year(b::FUNDING_YEAR_THIS_YEAR);
        }
      }
    }
    return absl::OkStatus();
  }

  void Revenue(int table, const CodeTable& rows, b::Fund fund) {
    for (const Row& row : rows.rows) {
      if (!rows.IsLeaf(row)) continue;
      b::LineItem* line = Line(table, absl::StrCat("t", table, ".", row.code, ".income"), row.at(0),
                               b::DIRECTION_INCOME, b::ANALYSIS_CLASS_SPLIT);
      if (line == nullptr) continue;
      line->set_revenue_code(row.code);
      line->set_fund(fund);
      line->set_funding_year(b::FUNDING_YEAR_THIS_YEAR);
    }
  }

  void ThreePublic() {
    const size_t kinds[] = {0, 1, 3, 4};
    const char* const codes[] = {"30212", "30217", "31013", "30231"};
    for (size_t k = 0; k < 4; ++k) {
      for (size_t c = 1; c <= 3; ++c) {
        b::LineItem* line =
            Line(10, absl::StrCat("t10.", codes[k], ".", std::string(kFundIds[c - 1])),
                 t_.t10[kinds[k]].at(c), b::DIRECTION_EXPENDITURE, b::ANALYSIS_THREE_PUBLIC);
        if (line == nullptr) continue;
        line->set_dept_economic_code(codes[k]);
        line->set_fund(kFunds[c - 1]);
      }
    }
  }

  void Operating() {
    int unit = 0;
    for (const Row& row : t_.t11_units) {
      ++unit;
      for (size_t c = 1; c <= 3; ++c) {
        b::LineItem* line =
            Line(11, absl::StrCat("t11.unit", unit, ".", std::string(kFundIds[c - 1])), row.at(c),
                 b::DIRECTION_EXPENDITURE, b::ANALYSIS_OPERATING);
        if (line == nullptr) continue;
        line->set_category(b::CATEGORY_PUBLIC);
        line->set_fund(kFunds[c - 1]);
        line->set_note(row.name);
      }
    }
  }

  std::string ProjectCode(const std::string& unit, const std::string& name, int nth) const {
    const Digest digest = Sha256({r_->request.budget().agency_code(), "|",
                                  absl::StrCat(r_->request.budget().fiscal_year()), "|", unit, "|",
                                  FoldName(name), nth == 0 ? "" : absl::StrCat("|", nth)});
    return absl::StrCat("D", absl::BytesToHexString(BytesOf(digest).substr(0, 6)));
  }

  void Projects() {
    std::map<std::string, const Form*> forms;
    for (const Form& form : forms_) {
      if (!forms.emplace(FoldName(form.project.name()), &form).second) {
        Say("F-01", b::SEVERITY_WARNING, absl::StrCat("form at line ", form.line),
            absl::StrCat("a second form of ", form.project.name()),
            absl::StrCat("项目“", form.project.name(), "”有两张绩效目标表"));
      }
    }
    std::set<std::string> used;
    std::map<std::string, b::Project*> by_code;
    const ProjectTable* const tables[] = {&t_.t12, &t_.t13};
    for (int k = 0; k < 2; ++k) {
      const size_t funds = k == 0 ? 5 : 3;
      const bool many_units = t_.t12.units.size() > 1 || t_.t13.units.size() > 1;
      std::map<std::string, int> nth;
      for (const ProjectTable::UnitRows& unit : tables[k]->units) {
        for (const Row& row : unit.projects) {
          const std::string unit_name = many_units ? FoldName(unit.unit.name) : "";
          const std::string code =
              ProjectCode(unit_name, row.name, nth[unit_name + "|" + FoldName(row.name)]++);
          b::Project*& project = by_code[code];
          if (project == nullptr) {
            project = r_->request.add_projects();
            auto form = forms.find(FoldName(row.name));
            if (form != forms.end() && used.insert(form->first).second) {
              *project = form->second->project;
            } else if (k == 0) {
              Say("F-08", b::SEVERITY_WARNING, absl::StrCat("table 12, line ", row.line),
                  absl::StrCat(row.name, " has no performance form"),
                  absl::StrCat("项目“", row.name, "”没有绩效目标表"));
            }
            project->set_name(row.name);
            project->set_project_code(code);
            project->set_project_code_derived(true);
            project->set_category(b::CATEGORY_PROJECT);
            if (project->implementing_agency().empty())
              project->set_implementing_agency(unit.unit.name);
          }
          if (k == 0 && project->year_funding().has_total_fen() &&
              project->year_funding().total_fen() != row.at(0)) {
            Say("F-03", b::SEVERITY_WARNING, absl::StrCat("table 12, line ", row.line),
                absl::StrCat(row.name, ": its form says ",
                             PrintFigure(project->year_funding().total_fen(), t_.unit),
                             ", the table ", PrintFigure(row.at(0), t_.unit)),
                absl::StrCat("项目“", row.name, "”绩效目标表年度资金与表12不一致"));
          }
          for (size_t f = 0; f < funds; ++f) {
            b::LineItem* line =
                Line(12 + k, absl::StrCat("t", 12 + k, ".", code, ".", std::string(kFundIds[f])),
                     row.at(f + 1), b::DIRECTION_EXPENDITURE, b::ANALYSIS_PROJECT);
            if (line == nullptr) continue;
            line->set_project_code(code);
            line->set_category(b::CATEGORY_PROJECT);
            line->set_fund(kFunds[f]);
            line->set_funding_year(k == 0 ? b::FUNDING_YEAR_THIS_YEAR : b::FUNDING_YEAR_CARRYOVER);
          }
        }
      }
    }
    for (const auto& [name, form] : forms) {
      if (used.count(name) == 0) {
        Say("F-01", b::SEVERITY_WARNING, absl::StrCat("form at line ", form->line),
            absl::StrCat(form->project.name(), " is in no project table"),
            absl::StrCat("绩效目标表“", form->project.name(), "”不在项目支出表中"));
      }
    }
  }

  Tables& t_;
  const std::vector<Form>& forms_;
  const CatalogView& catalog_;
  Result* r_;
};

}  // namespace

absl::Status MakeLines(Tables& tables, const std::vector<Form>& forms, const CatalogView& catalog,
                       Result* result) {
  return Maker(tables, forms, catalog, result).Run();
}

}  // namespace fiscal::importer
