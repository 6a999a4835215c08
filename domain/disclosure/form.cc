#include "domain/disclosure/form.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/csv.h"
#include "base/status_macros.h"
#include "domain/data/shipped.h"
#include "domain/disclosure/names.h"

namespace fiscal::disclosure {
namespace {

using domain::Analysis;
using domain::Category;
using domain::Direction;
using domain::Fund;
using domain::FundingYear;

template <typename T>
struct Name {
  absl::string_view name;
  T value;
};

constexpr Name<Fund> kFunds[] = {{"G", Fund::kGeneral},        {"F", Fund::kGovernmentFund},
                                 {"S", Fund::kStateCapital},   {"A", Fund::kFiscalAccount},
                                 {"U", Fund::kUnit},           {"UB", Fund::kUnitBusiness},
                                 {"UO", Fund::kUnitOperating}, {"UX", Fund::kUnitOther}};
constexpr Name<Category> kCategories[] = {{"basic", Category::kBasic},
                                          {"personnel", Category::kPersonnel},
                                          {"public", Category::kPublic},
                                          {"project", Category::kProject}};
constexpr Name<FundingYear> kYears[] = {{"this", FundingYear::kThisYear},
                                        {"carry", FundingYear::kCarryover}};
constexpr Name<Analysis> kAnalyses[] = {
    {"basic_economic", Analysis::kBasicEconomic}, {"project", Analysis::kProject},
    {"three_public", Analysis::kThreePublic},     {"operating", Analysis::kOperating},
    {"procurement", Analysis::kProcurement},      {"class_split", Analysis::kClassSplit}};
constexpr Name<Layout> kLayouts[] = {
    {"balance", Layout::kBalance},   {"codes", Layout::kCodes}, {"code_pair", Layout::kCodePair},
    {"economic", Layout::kEconomic}, {"fixed", Layout::kFixed}, {"units", Layout::kUnits},
    {"projects", Layout::kProjects}, {"strip", Layout::kStrip}};
constexpr Name<RowKind> kRowKinds[] = {
    {"classes", RowKind::kClasses}, {"functional", RowKind::kFunctional},
    {"revenue", RowKind::kRevenue}, {"economic", RowKind::kEconomic},
    {"units", RowKind::kUnits},     {"projects", RowKind::kProjects}};

template <typename T, size_t N>
bool Parse(const Name<T> (&names)[N], absl::string_view text, T* out) {
  for (const Name<T>& n : names) {
    if (n.name == text) {
      *out = n.value;
      return true;
    }
  }
  return false;
}

template <typename T, size_t N>
absl::string_view NameOf(const Name<T> (&names)[N], T value) {
  for (const Name<T>& n : names) {
    if (n.value == value) return n.name;
  }
  return "";
}

std::vector<std::string> Folded(absl::string_view labels) {
  std::vector<std::string> out;
  for (absl::string_view label : absl::StrSplit(labels, '|', absl::SkipEmpty()))
    out.push_back(FoldName(label));
  return out;
}

class Parser {
 public:
  absl::StatusOr<Form> Run(absl::string_view csv) {
    FISCAL_ASSIGN_OR_RETURN(std::vector<CsvRow> rows, ParseCsv(csv));
    for (size_t i = 1; i < rows.size(); ++i) {
      rows[i].cells.resize(6);
      const absl::Status status = Record(rows[i].cells);
      if (!status.ok())
        return absl::InvalidArgumentError(
            absl::StrCat("line ", rows[i].line, ": ", std::string(status.message())));
    }
    if (form_.id.empty()) return absl::InvalidArgumentError("line 1: no form record");
    return std::move(form_);
  }

 private:
  static absl::Status Bad(const std::string& what) { return absl::InvalidArgumentError(what); }

  absl::Status Record(const std::vector<std::string>& c) {
    const std::string &record = c[0], &side = c[2], &key = c[3], &labels = c[4], &query = c[5];
    if (record == "form") return StartForm(key, labels, query);
    if (record == "ends") {
      form_.ends = Folded(labels);
      return absl::OkStatus();
    }
    if (record == "department") {
      form_.department_labels = Folded(labels);
      return absl::OkStatus();
    }
    if (record == "fact") {
      form_.facts.push_back({key, labels, query, side == "repeated"});
      return absl::OkStatus();
    }
    if (record == "table") return StartTable(c);
    if (form_.tables.empty() || absl::StrCat(form_.tables.back().number) != c[1])
      return Bad(absl::StrCat(record, " of table ", c[1], " outside of it"));
    FormTable& t = form_.tables.back();
    if (record == "heading") {
      for (std::string& word : Folded(labels)) t.heading_words.push_back(std::move(word));
      return absl::OkStatus();
    }
    if (record == "stub") {
      if (key != "code" && key != "name" && key != "other") return Bad(absl::StrCat("stub ", key));
      t.stubs.push_back({side, key, absl::StrSplit(labels, '|')});
      return absl::OkStatus();
    }
    if (record == "group") {
      t.groups.push_back({side, labels, absl::StrSplit(query, ' ', absl::SkipEmpty())});
      if (labels.empty() || t.groups.back().columns.empty()) return Bad("a group's words");
      return absl::OkStatus();
    }
    Query q = t.query;
    FISCAL_RETURN_IF_ERROR(ParseQuery(query, &q));
    if (record == "column") {
      FormColumn column{side, key, Folded(labels), q, 0, ""};
      if (t.layout == Layout::kStrip) {
        const std::vector<std::string> place = absl::StrSplit(side, ' ');
        if (place.size() != 2 || !absl::SimpleAtoi(place[0], &column.table))
          return Bad("a strip's column names table and row");
        column.side = "";
        column.row = place[1];
      }
      t.columns.push_back(std::move(column));
    } else if (record == "row") {
      std::vector<std::string> names = absl::StrSplit(labels, '|');
      for (size_t i = 1; i < names.size(); ++i) names[i] = FoldName(names[i]);
      t.rows.push_back({side, key, std::move(names), q, false});
    } else if (record == "rows") {
      FormRows rows{side, RowKind::kNone, labels == "all", q};
      if (!Parse(kRowKinds, key, &rows.kind)) return Bad(absl::StrCat("rows of ", key));
      t.dynamic.push_back(rows);
    } else if (record == "cell") {
      t.cells[key] = q;
    } else {
      return Bad(absl::StrCat("unknown record ", record));
    }
    return absl::OkStatus();
  }

  absl::Status StartForm(const std::string& key, const std::string& labels,
                         const std::string& query) {
    form_.id = key;
    form_.name = labels;
    for (absl::string_view word : absl::StrSplit(query, ' ', absl::SkipEmpty())) {
      if (word == "unit=yuan") {
        form_.unit = MoneyUnit::kYuan;
      } else if (absl::ConsumePrefix(&word, "decimals=")) {
        if (!absl::SimpleAtoi(word, &form_.decimals)) return Bad("decimals");
      } else if (word == "separators") {
        form_.separators = true;
      } else if (absl::ConsumePrefix(&word, "label=")) {
        form_.table_label = std::string(word);
      } else if (word != "unit=wanyuan") {
        return Bad(absl::StrCat("unknown word ", word));
      }
    }
    return absl::OkStatus();
  }

  absl::Status StartTable(const std::vector<std::string>& c) {
    FormTable t;
    if (!absl::SimpleAtoi(c[1], &t.number) || !absl::SimpleAtoi(c[3], &t.canonical) ||
        t.canonical < 1 || t.canonical > 13)
      return Bad("a table's numbers");
    if (!Parse(kLayouts, c[2], &t.layout)) return Bad(absl::StrCat("layout ", c[2]));
    for (absl::string_view word : absl::StrSplit(c[4], ';', absl::SkipEmpty())) {
      const bool without = absl::ConsumePrefix(&word, "!");
      (without ? t.title_without : t.title_words).push_back(FoldName(word));
    }
    t.unit = form_.unit;
    t.decimals = form_.decimals;
    for (absl::string_view word : absl::StrSplit(c[5], ' ', absl::SkipEmpty())) {
      if (absl::ConsumePrefix(&word, "title=")) {
        t.title = std::string(word);
      } else if (absl::ConsumePrefix(&word, "empty=")) {
        t.empty_note = std::string(word);
      } else if (absl::ConsumePrefix(&word, "word=")) {
        t.heading_word = FoldName(word);
      } else if (absl::ConsumePrefix(&word, "codes=")) {
        if (!absl::SimpleAtoi(word, &t.code_columns)) return Bad("codes");
      } else if (word == "last") {
        t.total_last = true;
      } else if (word == "unit") {
        t.unit_variant = true;
      } else if (word == "money=wanyuan") {
        t.unit = MoneyUnit::kWanyuan;
      } else if (word == "landscape") {
        t.landscape = true;
      } else if (word == "numbered") {
        t.numbered = true;
      } else {
        return Bad(absl::StrCat("unknown word ", word));
      }
    }
    form_.tables.push_back(std::move(t));
    return absl::OkStatus();
  }

  static absl::Status ParseQuery(absl::string_view text, Query* q) {
    for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
      bool good = true;
      if (word == "income" || word == "expenditure") {
        q->direction = word == "income" ? Direction::kIncome : Direction::kExpenditure;
      } else if (word == "carry_forward") {
        q->carry_forward = true;
      } else if (word == "none") {
        q->none = true;
      } else if (absl::ConsumePrefix(&word, "fund=")) {
        q->funds.clear();
        Fund fund = Fund::kNone;
        if (word == "GFS") {
          q->funds = {Fund::kGeneral, Fund::kGovernmentFund, Fund::kStateCapital};
        } else if ((good = Parse(kFunds, word, &fund))) {
          q->funds = {fund};
        }
      } else if (absl::ConsumePrefix(&word, "category=")) {
        good = Parse(kCategories, word, &q->category);
      } else if (absl::ConsumePrefix(&word, "year=")) {
        good = Parse(kYears, word, &q->funding_year);
      } else if (absl::ConsumePrefix(&word, "analysis=")) {
        good = Parse(kAnalyses, word, &q->analysis);
      } else if (absl::ConsumePrefix(&word, "dept=")) {
        good = (q->dept_economic = domain::ParseCode(word)) != 0;
      } else if (absl::ConsumePrefix(&word, "sum=")) {
        for (absl::string_view row : absl::StrSplit(word, '+')) q->sum_of.emplace_back(row);
      } else {
        good = false;
      }
      if (!good) return Bad(absl::StrCat("the query \"", text, "\" is not understood"));
    }
    return absl::OkStatus();
  }

  Form form_;
};

}  // namespace

Query Narrowed(Query column, const Query& row) {
  if (row.direction != Direction::kNone) column.direction = row.direction;
  if (!row.funds.empty()) column.funds = row.funds;
  if (row.category != Category::kNone) column.category = row.category;
  if (row.funding_year != FundingYear::kNone) column.funding_year = row.funding_year;
  if (row.analysis != Analysis::kNone) column.analysis = row.analysis;
  if (row.functional != 0) column.functional = row.functional;
  if (row.dept_economic != 0) column.dept_economic = row.dept_economic;
  column.carry_forward = column.carry_forward || row.carry_forward;
  column.none = column.none || row.none;
  if (!row.sum_of.empty()) column.sum_of = row.sum_of;
  return column;
}

std::string Query::Text() const {
  std::vector<std::string> words;
  if (none) return "none";
  if (!sum_of.empty()) return absl::StrCat("sum=", absl::StrJoin(sum_of, "+"));
  if (carry_forward) return "carry_forward";
  if (direction != Direction::kNone)
    words.push_back(direction == Direction::kIncome ? "income" : "expenditure");
  if (funds.size() == 3) {
    words.push_back("fund=GFS");
  } else if (!funds.empty()) {
    words.push_back(absl::StrCat("fund=", NameOf(kFunds, funds[0])));
  }
  if (funding_year != FundingYear::kNone)
    words.push_back(absl::StrCat("year=", NameOf(kYears, funding_year)));
  if (category != Category::kNone)
    words.push_back(absl::StrCat("category=", NameOf(kCategories, category)));
  if (functional != 0) words.push_back(absl::StrCat("functional=", functional));
  if (dept_economic != 0) words.push_back(absl::StrCat("dept=", dept_economic));
  if (analysis != Analysis::kNone)
    words.push_back(absl::StrCat("analysis=", NameOf(kAnalyses, analysis)));
  return absl::StrJoin(words, " ");
}

std::vector<const FormColumn*> FormTable::ColumnsOf(absl::string_view side) const {
  std::vector<const FormColumn*> out;
  for (const FormColumn& c : columns) {
    if (c.side == side) out.push_back(&c);
  }
  return out;
}

const FormRows* FormTable::RowsOf(absl::string_view side) const {
  for (const FormRows& r : dynamic) {
    if (r.side == side) return &r;
  }
  return nullptr;
}

const FormTable* Form::TableOf(int canonical, bool unit_variant) const {
  const FormTable* found = nullptr;
  for (const FormTable& t : tables) {
    if (t.canonical == canonical && (found == nullptr || t.unit_variant == unit_variant))
      found = &t;
  }
  return found;
}

absl::StatusOr<Form> ParseForm(absl::string_view csv) { return Parser().Run(csv); }

const std::vector<Form>& ShippedForms() {
  static const auto* const forms = [] {
    auto* out = new std::vector<Form>();
    for (absl::string_view name : {"shanxi-13", "shanghai-9"}) {
      absl::StatusOr<Form> form =
          ParseForm(domain::ShippedFile(absl::StrCat("forms/", name, ".csv")));
      FISCAL_CHECK(form.ok(), "a shipped form is unsound");
      out->push_back(*std::move(form));
    }
    return out;
  }();
  return *forms;
}

const Form* FindForm(absl::string_view id) {
  for (const Form& form : ShippedForms()) {
    if (form.id == id) return &form;
  }
  return nullptr;
}

}  // namespace fiscal::disclosure
