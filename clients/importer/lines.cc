#include "clients/importer/lines.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/sha256.h"
#include "domain/disclosure/code_lists.h"
#include "domain/disclosure/names.h"

namespace fiscal::importer {
namespace {

namespace b = fiscal::budget::v1;
using disclosure::Cell;
using disclosure::Disclosure;
using disclosure::FoldName;
using disclosure::PerformanceForm;
using disclosure::Row;
using disclosure::Table;

struct FundName {
  const char* key;
  const char* id;
  b::Fund fund;
};
constexpr FundName kFunds[] = {{"G", "general", b::FUND_GENERAL},
                               {"F", "government", b::FUND_GOVERNMENT_FUND},
                               {"S", "capital", b::FUND_STATE_CAPITAL},
                               {"A", "account", b::FUND_FISCAL_ACCOUNT},
                               {"U", "unit", b::FUND_UNIT},
                               {"UB", "business", b::FUND_UNIT_BUSINESS},
                               {"UO", "operating", b::FUND_UNIT_OPERATING},
                               {"UX", "other", b::FUND_UNIT_OTHER}};
constexpr size_t kBooks = 3;
// The tables of the three books by functional code.
constexpr int kBookTables[kBooks] = {5, 8, 9};

// Governments' economic codes of the departments' economic codes they are printed beside, where a
// name alone is ambiguous. Source: the pairs observed in real disclosures and in the published
// comparison of the two lists.
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

bool IsLeaf(const Table& t, const Row& row) {
  return !row.code.empty() && std::none_of(t.rows.begin(), t.rows.end(), [&](const Row& other) {
    return other.code.size() > row.code.size() && absl::StartsWith(other.code, row.code) &&
           absl::StartsWith(other.key, "revenue.") == absl::StartsWith(row.key, "revenue.");
  });
}

class Maker {
 public:
  Maker(const Disclosure& d, const CatalogView& catalog, Result* result)
      : d_(d), catalog_(catalog), r_(result) {
    // A form that prints last year's money apart says of the rest that it is this year's.
    this_year_ = d.table(1).Find("income.carry") != nullptr ? b::FUNDING_YEAR_THIS_YEAR
                                                            : b::FUNDING_YEAR_UNSPECIFIED;
  }

  void Run() {
    Expenditure();
    Income();
    ClassSplit();
    Economic();
    Revenue();
    ThreePublic();
    Operating();
    Projects();
    const Cell* carry = d_.table(1).At("expenditure.carry", "total");
    if (carry != nullptr && !carry->blank())
      r_->request.set_year_end_carry_forward_fen(carry->value);
    for (TableReport& report : r_->tables)
      report.to_checks = std::max(0, report.figures_read - report.to_lines - report.to_memo);
  }

 private:
  TableReport* Report(int table) {
    for (TableReport& report : r_->tables) {
      if (report.number == d_.table(table).form_number) return &report;
    }
    return nullptr;
  }

  // The coarsest precision the API knows that a table's digits allow.
  int64_t Precision(int table) const {
    const Table& t = d_.table(table);
    const int64_t place = disclosure::PlaceFen(t.unit, t.decimals);
    return place >= 1000000 ? 1000000 : place >= 10000 ? 10000 : place >= 100 ? 100 : 1;
  }

  // A line for a printed figure of `table`; a blank or zero makes none.
  b::LineItem* Line(int table, const std::string& id, int64_t fen, b::Direction direction,
                    b::Analysis analysis) {
    if (fen == 0) return nullptr;
    b::LineItem* line = r_->request.add_line_items();
    line->set_line_id(id);
    line->set_amount_fen(fen);
    int64_t precision = Precision(table);
    while (fen % precision != 0)
      precision = precision >= 1000000 ? 10000 : precision >= 10000 ? 100 : 1;
    line->set_precision_fen(precision);
    line->set_direction(direction);
    line->set_analysis(analysis);
    if (TableReport* report = Report(table); report != nullptr)
      ++(analysis == b::ANALYSIS_UNSPECIFIED ? report->to_lines : report->to_memo);
    return line;
  }

  void Say(const std::string& rule, std::string place, std::string message, std::string zh,
           const std::string& line_id = "") {
    b::Finding* f = &r_->findings.emplace_back();
    f->set_rule(rule);
    f->set_severity(b::SEVERITY_WARNING);
    f->set_place(std::move(place));
    f->set_line_id(line_id);
    f->set_message(std::move(message));
    f->set_message_zh(std::move(zh));
  }

  int64_t Income(const char* fund) const {
    return d_.table(1).Value(absl::StrCat("income.", fund), "amount");
  }

  void ExpenditureLine(int table, const std::string& code, const std::string& column, int64_t fen,
                       b::Fund fund, b::FundingYear year, const std::string& suffix) {
    const std::string id = absl::StrCat("t", table, ".", code, ".", column, suffix);
    b::LineItem* line = Line(table, id, fen, b::DIRECTION_EXPENDITURE, b::ANALYSIS_UNSPECIFIED);
    if (line == nullptr) return;
    line->set_functional_code(code);
    line->set_category(column == "basic" ? b::CATEGORY_BASIC : b::CATEGORY_PROJECT);
    line->set_fund(fund);
    line->set_funding_year(year);
  }

  void Expenditure() {
    // Whose money is left of T3 when the tables of the three books are taken off.
    std::vector<b::Fund> others;
    bool units_only = true;
    for (const FundName& f : kFunds) {
      if (f.fund <= b::FUND_STATE_CAPITAL || Income(f.key) == 0) continue;
      others.push_back(f.fund);
      units_only = units_only && f.fund >= b::FUND_UNIT;
    }
    std::vector<b::Fund> carried;
    for (size_t f = 0; f < kBooks; ++f) {
      if (d_.table(4).Value(absl::StrCat("income.carry.", kFunds[f].key), "amount") != 0)
        carried.push_back(kFunds[f].fund);
    }
    const bool carry = d_.table(1).Value("income.carry", "amount") != 0;
    b::Fund rest_fund = b::FUND_UNSPECIFIED;
    b::FundingYear rest_year = b::FUNDING_YEAR_UNSPECIFIED;
    if (!carry) {
      rest_year = this_year_;
      if (others.size() == 1) rest_fund = others[0];
      // Parts of one fund: it, if not which part.
      if (others.size() > 1 && units_only) rest_fund = b::FUND_UNIT;
    } else if (others.empty()) {
      rest_year = b::FUNDING_YEAR_CARRYOVER;
      if (carried.size() == 1) rest_fund = carried[0];
    }
    const Table& t3 = d_.table(3);
    for (const Row& row : t3.rows) {
      if (!IsLeaf(t3, row)) continue;
      for (const char* column : {"basic", "project"}) {
        const Cell& cell = row.cells[static_cast<size_t>(t3.ColumnOf(column))];
        int64_t rest = cell.value;
        for (size_t k = 0; k < kBooks; ++k) {
          const int64_t part = d_.table(kBookTables[k]).Value(row.code, column);
          ExpenditureLine(kBookTables[k], row.code, column, part, kFunds[k].fund, this_year_, "");
          rest -= part;
        }
        if (rest == 0) {
          // The figure is counted through the table of its book.
          if (!cell.blank()) ++Report(3)->to_lines;
          continue;
        }
        ExpenditureLine(3, row.code, column, rest, rest_fund, rest_year, ".other");
        if (rest_fund == b::FUND_UNSPECIFIED ||
            (rest_year == b::FUNDING_YEAR_UNSPECIFIED && this_year_ != rest_year)) {
          const std::string printed = disclosure::PrintFigure(rest, t3.unit);
          Say("FUND_UNKNOWN", absl::StrCat("table 3, line ", row.line, ", row ", row.code),
              absl::StrCat(
                  printed,
                  " is in none of the tables of the three books; the document does not tell ",
                  rest_fund == b::FUND_UNSPECIFIED ? "its fund" : "which year's money it is"),
              absl::StrCat("表3科目", row.code, "有", printed,
                           "不在三本预算的支出表中，资金性质或年度无法判断"));
        }
      }
    }
  }

  // The book a functional code's fiscal money is of: the only one whose table has all of it.
  b::Fund BookOf(const std::string& code, int64_t fen) const {
    b::Fund found = b::FUND_UNSPECIFIED;
    size_t with_income = 0;
    for (size_t k = 0; k < kBooks; ++k) {
      if (Income(kFunds[k].key) != 0) {
        ++with_income;
        found = kFunds[k].fund;
      }
    }
    if (with_income == 1) return found;
    found = b::FUND_UNSPECIFIED;
    for (size_t k = 0; k < kBooks; ++k) {
      const int64_t spent = d_.table(kBookTables[k]).Value(code, "total");
      if (spent == 0) continue;
      if (found != b::FUND_UNSPECIFIED || spent != fen) return b::FUND_UNSPECIFIED;
      found = kFunds[k].fund;
    }
    return found;
  }

  void Income() {
    std::vector<size_t> carried;
    int64_t carry_books = 0;
    for (size_t f = 0; f < kBooks; ++f) {
      const int64_t fen = d_.table(4).Value(absl::StrCat("income.carry.", kFunds[f].key), "amount");
      carry_books += fen;
      if (fen != 0) carried.push_back(f);
    }
    const bool one_book =
        carried.size() == 1 && carry_books == d_.table(1).Value("income.carry", "amount");
    const Table& t = d_.table(2);
    for (const Row& row : t.rows) {
      if (!IsLeaf(t, row)) continue;
      for (size_t c = 0; c < t.columns.size(); ++c) {
        const std::string& column = t.columns[c];
        if (column == "total") continue;
        const bool carry = column == "carryover";
        std::string id = carry ? "carryover" : column == "fiscal" ? "fiscal" : "";
        b::Fund fund = b::FUND_UNSPECIFIED;
        for (const FundName& f : kFunds) {
          if (column != f.key) continue;
          id = f.id;
          fund = f.fund;
        }
        if (column == "fiscal") fund = BookOf(row.code, row.cells[c].value);
        if (carry && one_book) fund = kFunds[carried[0]].fund;
        b::LineItem* line = Line(2, absl::StrCat("t2.", row.code, ".", id), row.cells[c].value,
                                 b::DIRECTION_INCOME, b::ANALYSIS_UNSPECIFIED);
        if (line == nullptr) continue;
        line->set_functional_code(row.code);
        line->set_funding_year(carry ? b::FUNDING_YEAR_CARRYOVER : this_year_);
        line->set_fund(fund);
        if (column == "fiscal" && fund == b::FUND_UNSPECIFIED)
          Say("FUND_UNKNOWN", absl::StrCat("table 2, line ", row.line, ", row ", row.code),
              "the document does not tell which of the three books its fiscal money is of",
              absl::StrCat("表2科目", row.code, "的财政拨款属于哪本预算无法判断"), line->line_id());
      }
    }
  }

  // Table 1 of a unit splits each 类 by category.
  void ClassSplit() {
    const Table& t = d_.table(1);
    for (const char* column : {"personnel", "public"}) {
      const int c = t.ColumnOf(column);
      if (c < 0) continue;
      for (const Row& row : t.rows) {
        if (!absl::StartsWith(row.key, "class.") || row.code.empty()) continue;
        b::LineItem* line = Line(1, absl::StrCat("t1.", row.code, ".", column),
                                 row.cells[static_cast<size_t>(c)].value, b::DIRECTION_EXPENDITURE,
                                 b::ANALYSIS_CLASS_SPLIT);
        if (line == nullptr) continue;
        line->set_functional_code(row.code);
        line->set_category(std::string(column) == "personnel" ? b::CATEGORY_PERSONNEL
                                                              : b::CATEGORY_PUBLIC);
        line->set_funding_year(this_year_);
      }
    }
  }

  // The governments' economic code of a name printed beside a department's code; empty where it
  // can't be told.
  std::string GovOf(const std::string& dept, const std::string& name, size_t* named) const {
    std::vector<std::string> govs = CodesNamed(catalog_.gov_economic, name, 5);
    if (govs.empty()) govs = disclosure::ShippedLists().gov_economic.Named(name, 5);
    *named = govs.size();
    std::string gov = govs.size() == 1 ? govs[0] : "";
    for (const auto& pair : kPairs) {
      if (pair.dept == dept && std::find(govs.begin(), govs.end(), pair.gov) != govs.end())
        gov = std::string(pair.gov);
    }
    return gov;
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

  void Economic() {
    const Table& t = d_.table(6);
    for (const Row& row : t.rows) {
      if (!IsLeaf(t, row)) continue;
      std::string gov;
      size_t named = 0;
      const std::string other = FoldName(row.other_label);
      if (!other.empty()) gov = GovOf(row.code, other, &named);
      for (const char* column : {"personnel", "public"}) {
        const std::string id = absl::StrCat(
            "t6.", row.code, gov.empty() ? "" : ".", gov,
            gov.empty() && row.key != row.code ? "." + row.key.substr(row.code.size() + 1) : "",
            ".", column);
        b::LineItem* line =
            Line(6, id.size() <= 64 ? id : absl::StrCat("t6.line", row.line, ".", column),
                 row.cells[static_cast<size_t>(t.ColumnOf(column))].value, b::DIRECTION_EXPENDITURE,
                 b::ANALYSIS_BASIC_ECONOMIC);
        if (line == nullptr) continue;
        line->set_dept_economic_code(row.code);
        line->set_gov_economic_code(gov);
        line->set_category(std::string(column) == "personnel" ? b::CATEGORY_PERSONNEL
                                                              : b::CATEGORY_PUBLIC);
        line->set_fund(b::FUND_GENERAL);
        line->set_funding_year(this_year_);
        if (!other.empty() && gov.empty()) {
          Say("ECONOMIC_UNKNOWN", absl::StrCat("table 6, line ", row.line),
              absl::StrCat(row.other_label, " is ", named == 0 ? "in no" : "ambiguous in the",
                           " governments' economic list; the code is left out"),
              absl::StrCat("政府经济科目“", row.other_label, "”无法确定编码"), line->line_id());
        }
      }
    }
  }

  // Income of the two funds' tables by revenue code.
  void Revenue() {
    const struct {
      int table;
      const char* prefix;
      b::Fund fund;
    } kinds[] = {{7, "", b::FUND_GOVERNMENT_FUND}, {9, "revenue.", b::FUND_STATE_CAPITAL}};
    for (const auto& k : kinds) {
      const Table& t = d_.table(k.table);
      const int c = t.ColumnOf("amount");
      if (c < 0) continue;
      for (const Row& row : t.rows) {
        if (!absl::StartsWith(row.key, k.prefix) || !IsLeaf(t, row)) continue;
        b::LineItem* line = Line(k.table, absl::StrCat("t", k.table, ".", row.code, ".income"),
                                 row.cells[static_cast<size_t>(c)].value, b::DIRECTION_INCOME,
                                 b::ANALYSIS_CLASS_SPLIT);
        if (line == nullptr) continue;
        line->set_revenue_code(row.code);
        line->set_fund(k.fund);
        line->set_funding_year(this_year_);
      }
    }
  }

  // The columns of funds of a table; the total where it has none.
  static std::vector<std::pair<size_t, FundName>> FundColumns(const Table& t) {
    std::vector<std::pair<size_t, FundName>> out;
    for (size_t c = 0; c < t.columns.size(); ++c) {
      for (const FundName& f : kFunds) {
        if (t.columns[c] == f.key) out.push_back({c, f});
      }
    }
    const int total = t.ColumnOf("total");
    if (out.empty() && total >= 0)
      out.push_back({static_cast<size_t>(total), {"", "total", b::FUND_UNSPECIFIED}});
    return out;
  }

  void ThreePublic() {
    const struct {
      const char *row, *code;
    } kinds[] = {
        {"abroad", "30212"}, {"reception", "30217"}, {"purchase", "31013"}, {"operation", "30231"}};
    const Table& t = d_.table(10);
    for (const auto& k : kinds) {
      const Row* row = t.Find(k.row);
      if (row == nullptr) continue;
      for (const auto& [c, f] : FundColumns(t)) {
        b::LineItem* line = Line(10, absl::StrCat("t10.", k.code, ".", f.id), row->cells[c].value,
                                 b::DIRECTION_EXPENDITURE, b::ANALYSIS_THREE_PUBLIC);
        if (line == nullptr) continue;
        line->set_dept_economic_code(k.code);
        line->set_fund(f.fund);
      }
    }
  }

  void Operating() {
    const Table& t = d_.table(11);
    const bool units = t.Find("unit.1") != nullptr;
    for (const Row& row : t.rows) {
      if (units != absl::StartsWith(row.key, "unit.")) continue;
      for (const auto& [c, f] : FundColumns(t)) {
        b::LineItem* line =
            Line(11,
                 absl::StrCat("t11.", units ? absl::StrCat("unit", row.key.substr(5)) : "total",
                              ".", f.id),
                 row.cells[c].value, b::DIRECTION_EXPENDITURE, b::ANALYSIS_OPERATING);
        if (line == nullptr) continue;
        line->set_category(b::CATEGORY_PUBLIC);
        line->set_fund(f.fund);
        if (units) line->set_note(row.label);
      }
    }
  }

  std::string ProjectCode(const std::string& unit, const std::string& name, int nth) const {
    const Digest digest = Sha256({r_->request.budget().agency_code(), "|",
                                  absl::StrCat(r_->request.budget().fiscal_year()), "|", unit, "|",
                                  FoldName(name), nth == 0 ? "" : absl::StrCat("|", nth)});
    return absl::StrCat("D", absl::BytesToHexString(BytesOf(digest).substr(0, 6)));
  }

  // Copies the texts of a form to its project.
  void Describe(const PerformanceForm& form, const Row& money, b::Project* p) const {
    p->set_owning_agency(form.owning_agency);
    p->set_implementing_agency(form.implementing_agency);
    p->set_attribute(form.attribute);
    p->set_term(form.term);
    p->set_overview(form.overview);
    p->set_basis(form.basis);
    p->set_necessity(form.necessity);
    p->set_safeguards(form.safeguards);
    p->set_plan(form.plan);
    p->set_term_goal(form.term_goal);
    p->set_year_goal(form.year_goal);
    for (const disclosure::Indicator& i : form.indicators) {
      b::PerformanceIndicator* out = p->add_indicators();
      out->set_period(i.year ? b::INDICATOR_PERIOD_YEAR : b::INDICATOR_PERIOD_TERM);
      out->set_level1(i.level1);
      out->set_level2(i.level2);
      out->set_level3(i.level3);
      out->set_target(i.target);
    }
    const Table& t = d_.table(disclosure::kForms);
    for (size_t c = 0; c < t.columns.size(); ++c) {
      const Cell& cell = money.cells[c];
      if (cell.blank()) continue;
      absl::string_view column = t.columns[c];
      b::ProjectFunding* f = absl::ConsumePrefix(&column, "term.") ? p->mutable_term_funding()
                                                                   : p->mutable_year_funding();
      absl::ConsumePrefix(&column, "year.");
      absl::ConsumePrefix(&column, "part.");
      if (column == "total") f->set_total_fen(cell.value);
      if (column == "central") f->set_central_fen(cell.value);
      if (column == "provincial") f->set_provincial_fen(cell.value);
      // 财政资金 of a district's own form is its own.
      if (column == "local" || column == "fiscal") f->set_local_fen(cell.value);
      if (column == "self_raised") f->set_self_raised_fen(cell.value);
      if (column == "other") f->set_other_fen(cell.value);
    }
  }

  const PerformanceForm* FormOf(const std::string& key, const Row** money) const {
    const Table& t = d_.table(disclosure::kForms);
    for (size_t i = 0; i < t.rows.size(); ++i) {
      if (t.rows[i].key != key) continue;
      *money = &t.rows[i];
      return &d_.forms[i];
    }
    return nullptr;
  }

  void Projects() {
    std::map<std::string, b::Project*> by_code;
    const bool many_units =
        d_.table(12).Find("unit.2") != nullptr || d_.table(13).Find("unit.2") != nullptr;
    for (int n : {12, 13}) {
      const Table& t = d_.table(n);
      std::map<std::string, int> nth;
      for (const Row& row : t.rows) {
        if (!absl::StartsWith(row.key, "project.")) continue;
        const Row& unit = t.rows[static_cast<size_t>(row.unit)];
        const std::string unit_name = many_units ? FoldName(unit.label) : "";
        const std::string code =
            ProjectCode(unit_name, row.label, nth[unit_name + "|" + FoldName(row.label)]++);
        b::Project*& project = by_code[code];
        if (project == nullptr) {
          project = r_->request.add_projects();
          const Row* money = nullptr;
          if (const PerformanceForm* form = FormOf(row.key, &money); form != nullptr)
            Describe(*form, *money, project);
          project->set_name(row.label);
          project->set_project_code(code);
          project->set_project_code_derived(true);
          project->set_category(b::CATEGORY_PROJECT);
          if (many_units || project->implementing_agency().empty())
            project->set_implementing_agency(unit.label);
        }
        for (const auto& [c, f] : FundColumns(t)) {
          b::LineItem* line =
              Line(n, absl::StrCat("t", n, ".", code, ".", f.id), row.cells[c].value,
                   b::DIRECTION_EXPENDITURE, b::ANALYSIS_PROJECT);
          if (line == nullptr) continue;
          line->set_project_code(code);
          line->set_category(b::CATEGORY_PROJECT);
          line->set_fund(f.fund);
          line->set_funding_year(n == 12 ? b::FUNDING_YEAR_THIS_YEAR : b::FUNDING_YEAR_CARRYOVER);
        }
      }
    }
    // A form without project tables still describes projects.
    if (d_.has(12)) return;
    const Table& t = d_.table(disclosure::kForms);
    for (size_t i = 0; i < t.rows.size(); ++i) {
      b::Project* project = r_->request.add_projects();
      Describe(d_.forms[i], t.rows[i], project);
      project->set_name(d_.forms[i].name);
      project->set_project_code(ProjectCode("", t.rows[i].key, 0));
      project->set_project_code_derived(true);
      project->set_category(
          absl::StrContains(d_.forms[i].category, "特定目标")   ? b::CATEGORY_SPECIFIC_TARGET
          : absl::StrContains(d_.forms[i].category, "其他运转") ? b::CATEGORY_OTHER_OPERATING
                                                                : b::CATEGORY_PROJECT);
    }
  }

  const Disclosure& d_;
  const CatalogView& catalog_;
  Result* r_;
  b::FundingYear this_year_ = b::FUNDING_YEAR_UNSPECIFIED;
};

}  // namespace

void MakeLines(const Disclosure& d, const CatalogView& catalog, Result* result) {
  Maker(d, catalog, result).Run();
}

}  // namespace fiscal::importer
