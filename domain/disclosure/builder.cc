#include "domain/disclosure/builder.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/disclosure/code_lists.h"
#include "domain/disclosure/names.h"

namespace fiscal::disclosure {
namespace {

using domain::CatalogList;

class Builder {
 public:
  Builder(const Form& form, const Subject& subject, CellSource& source)
      : form_(form), subject_(subject), source_(source) {}

  absl::StatusOr<Disclosure> Run() {
    d_.form = form_.id;
    d_.fiscal_year = subject_.fiscal_year;
    d_.department_name = FoldName(subject_.name);
    d_.department = !subject_.unit;
    d_.unit = form_.unit;
    std::set<int> done;
    for (const FormTable& t : form_.tables) {
      if (!done.insert(t.number).second) continue;
      const FormTable* chosen = &t;
      for (const FormTable& other : form_.tables) {
        if (other.number == t.number && other.unit_variant == subject_.unit) chosen = &other;
      }
      FISCAL_RETURN_IF_ERROR(FillTable(*chosen));
      FISCAL_RETURN_IF_ERROR(fits_);
    }
    FISCAL_RETURN_IF_ERROR(FindUntold());
    return std::move(d_);
  }

 private:
  // Finds where what is known by a part of the money is not all of it.
  absl::Status FindUntold() {
    using domain::Direction;
    using domain::FundingYear;
    // Only where the form parts this year's money from what was carried over.
    bool years_asked = false;
    for (const FormTable& t : form_.tables) {
      for (const FormColumn& c : t.columns)
        years_asked = years_asked || c.query.funding_year != FundingYear::kNone;
    }
    for (Direction direction : {Direction::kIncome, Direction::kExpenditure}) {
      Query all;
      all.direction = direction;
      FISCAL_ASSIGN_OR_RETURN(const Sum whole, AskOne(all));
      Untold(direction == Direction::kIncome ? kIncome : kExpenditure, whole.lines == 0);
      Sum funds, years;
      for (domain::Fund fund :
           {domain::Fund::kGeneral, domain::Fund::kGovernmentFund, domain::Fund::kStateCapital,
            domain::Fund::kFiscalAccount, domain::Fund::kUnit}) {
        Query q = all;
        q.funds = {fund};
        FISCAL_ASSIGN_OR_RETURN(const Sum part, AskOne(q));
        funds.Add(part);
      }
      for (FundingYear year : {FundingYear::kThisYear, FundingYear::kCarryover}) {
        Query q = all;
        q.funding_year = year;
        FISCAL_ASSIGN_OR_RETURN(const Sum part, AskOne(q));
        years.Add(part);
      }
      Untold(kFund, funds.lines != whole.lines);
      Untold(kYear, years_asked && years.lines != whole.lines);
      FISCAL_ASSIGN_OR_RETURN(const std::vector<Group> codes, Ask(all, GroupKind::kFunctional));
      int64_t at_items = 0;
      for (const Group& g : codes) at_items += g.code.size() == 7 ? g.sum.lines : 0;
      Untold(kLeaf, at_items != whole.lines);
      if (direction == Direction::kExpenditure) {
        FISCAL_RETURN_IF_ERROR(FindUntoldExpenditure(all, whole));
      }
    }
    return absl::OkStatus();
  }

  // The same of what only expenditure has: categories, economic codes, projects.
  absl::Status FindUntoldExpenditure(const Query& all, const Sum& whole) {
    using domain::Analysis;
    using domain::Category;
    FISCAL_ASSIGN_OR_RETURN(const Sum categories,
                            AskBoth(all, Category::kBasic, Category::kProject));
    Untold(kCategory, categories.lines != whole.lines);
    Query basic = all;
    basic.category = Category::kBasic;
    basic.analysis = Analysis::kBasicEconomic;
    FISCAL_ASSIGN_OR_RETURN(const Sum basics, AskOne(basic));
    FISCAL_ASSIGN_OR_RETURN(const std::vector<Group> depts, Ask(basic, GroupKind::kDept));
    Sum coded;
    for (const Group& g : depts) {
      if (g.code.size() == 3) coded.Add(g.sum);
    }
    FISCAL_ASSIGN_OR_RETURN(const Sum split,
                            AskBoth(basic, Category::kPersonnel, Category::kPublic));
    Untold(kEconomic, coded.fen != basics.fen);
    Untold(kSubcategory, split.fen != basics.fen);
    Query project = all;
    project.category = Category::kProject;
    project.analysis = Analysis::kProject;
    FISCAL_ASSIGN_OR_RETURN(const Sum projects, AskOne(project));
    FISCAL_ASSIGN_OR_RETURN(const std::vector<Group> named, Ask(project, GroupKind::kProject));
    Sum of_projects;
    for (const Group& g : named) of_projects.Add(g.sum);
    Untold(kProject, of_projects.fen != projects.fen);
    return absl::OkStatus();
  }

  // The sum of a query over two categories.
  absl::StatusOr<Sum> AskBoth(Query query, domain::Category first, domain::Category second) {
    query.category = first;
    FISCAL_ASSIGN_OR_RETURN(Sum sum, AskOne(query));
    query.category = second;
    FISCAL_ASSIGN_OR_RETURN(const Sum other, AskOne(query));
    sum.Add(other);
    return sum;
  }

  void Untold(Aspect aspect, bool yes) { d_.untold |= yes ? static_cast<uint32_t>(aspect) : 0u; }

  Table& Start(const FormTable& form, int canonical) {
    Table& t = d_.table(canonical);
    t.number = canonical;
    t.form_number = form.number;
    t.title = absl::StrCat(subject_.fiscal_year, "年", form.title);
    t.unit = form.unit;
    t.decimals = form.decimals;
    for (const FormColumn& c : form.columns) {
      if (t.ColumnOf(c.key) < 0) t.columns.push_back(c.key);
    }
    return t;
  }

  absl::Status FillTable(const FormTable& form) {
    if (form.layout == Layout::kStrip) return Strip(form);
    Table& t = Start(form, form.canonical);
    for (const char* side : {"left", "right", ""}) {
      if (form.ColumnsOf(side).empty()) continue;
      // Rows come in the form's order: what is counted before what is fixed where the form says so.
      FISCAL_RETURN_IF_ERROR(Side(form, side, &t));
    }
    t.says_empty = !t.any();
    return absl::OkStatus();
  }

  absl::Status Side(const FormTable& form, const std::string& side, Table* t) {
    if (const FormRows* rows = form.RowsOf(side); rows != nullptr) {
      switch (rows->kind) {
        case RowKind::kClasses:
          FISCAL_RETURN_IF_ERROR(Classes(form, side, *rows, t));
          break;
        case RowKind::kFunctional:
          FISCAL_RETURN_IF_ERROR(Codes(form, side, *rows, GroupKind::kFunctional, t));
          break;
        case RowKind::kRevenue:
          FISCAL_RETURN_IF_ERROR(Codes(form, side, *rows, GroupKind::kRevenue, t));
          break;
        case RowKind::kEconomic:
          FISCAL_RETURN_IF_ERROR(Economic(form, *rows, t));
          break;
        case RowKind::kUnits:
          FISCAL_RETURN_IF_ERROR(Units(form, *rows, t));
          break;
        case RowKind::kProjects:
          FISCAL_RETURN_IF_ERROR(Projects(form, *rows, t));
          break;
        case RowKind::kNone:
          break;
      }
    }
    for (const FormRow& row : form.rows) {
      if (row.side == side) FISCAL_RETURN_IF_ERROR(Fixed(form, row, t));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<Group>> Ask(const Query& query, GroupKind by) {
    if (query.funds.size() <= 1) return source_.Ask(query, by);
    // Several funds are asked one by one.
    std::map<std::tuple<std::string, std::string, std::string>, Group> all;
    for (domain::Fund fund : query.funds) {
      Query one = query;
      one.funds = {fund};
      FISCAL_ASSIGN_OR_RETURN(const std::vector<Group> groups, source_.Ask(one, by));
      for (const Group& g : groups) {
        auto [same, fresh] = all.try_emplace({g.code, g.other_code, g.unit}, g);
        if (!fresh) same->second.sum.Add(g.sum);
      }
    }
    std::vector<Group> out;
    for (auto& [key, group] : all) out.push_back(std::move(group));
    return out;
  }

  absl::StatusOr<Sum> AskOne(const Query& query) {
    Sum sum;
    FISCAL_ASSIGN_OR_RETURN(const std::vector<Group> groups, Ask(query, GroupKind::kNone));
    for (const Group& g : groups) sum.Add(g.sum);
    return sum;
  }

  // A figure that doesn't fit fails the whole, at the end.
  void Put(const Sum& sum, const Table& t, Cell* cell) {
    if (sum.fen == 0) return;
    const domain::Fen low = sum.fen - sum.slack_fen;
    const domain::Fen high = sum.fen + std::max<domain::Fen>(0, sum.slack_fen - 1);
    // Twice as much fits too, so that figures may be compared and negated.
    for (const domain::Fen figure : {low, high}) {
      if (domain::FitsInt64(2 * figure)) continue;
      if (fits_.ok()) fits_ = domain::RefuseTotal(sum.fen, t.title);
      return;
    }
    cell->value = static_cast<int64_t>(sum.fen);
    cell->low = static_cast<int64_t>(low);
    cell->high = static_cast<int64_t>(high);
    cell->decimals = static_cast<uint8_t>(t.decimals);
    cell->printed = PrintFigure(cell->value, t.unit, t.decimals, form_.separators);
  }

  static Row NewRow(const Table& t, std::string key, std::string label) {
    Row row;
    row.key = std::move(key);
    row.label = std::move(label);
    row.cells.resize(t.columns.size());
    return row;
  }

  absl::StatusOr<Sum> CellOf(const Query& q, const std::string& column, const Table& t) {
    Sum sum;
    if (q.none) return sum;
    if (!q.sum_of.empty()) {
      for (const std::string& key : q.sum_of) {
        const Cell* cell = t.At(key, column);
        if (cell == nullptr) continue;
        sum.fen += cell->value;
        sum.slack_fen += domain::Fen{cell->value} - cell->low;
      }
      return sum;
    }
    if (q.carry_forward) return source_.CarryForward();
    return AskOne(q);
  }

  absl::Status Fixed(const FormTable& form, const FormRow& row, Table* t) {
    Row out = NewRow(*t, row.key, row.labels[0]);
    for (const FormColumn* c : form.ColumnsOf(row.side)) {
      auto own = form.cells.find(absl::StrCat(row.key, "/", c->key));
      const Query q = own != form.cells.end() ? own->second : Narrowed(c->query, row.query);
      FISCAL_ASSIGN_OR_RETURN(const Sum sum, CellOf(q, c->key, *t));
      Put(sum, *t, &out.cells[static_cast<size_t>(t->ColumnOf(c->key))]);
    }
    t->rows.push_back(std::move(out));
    // Sums may be of rows that stand below.
    for (Row& earlier : t->rows) {
      for (const FormRow& r : form.rows) {
        if (r.key != earlier.key || r.query.sum_of.empty()) continue;
        for (const FormColumn* c : form.ColumnsOf(r.side)) {
          Cell& cell = earlier.cells[static_cast<size_t>(t->ColumnOf(c->key))];
          FISCAL_ASSIGN_OR_RETURN(const Sum sum, CellOf(r.query, c->key, *t));
          if (form.cells.count(absl::StrCat(r.key, "/", c->key)) > 0) continue;
          cell = Cell();
          Put(sum, *t, &cell);
        }
      }
    }
    return absl::OkStatus();
  }

  // Every column's groups by code, then rows in the order of codes.
  absl::Status Gather(const FormTable& form, const std::string& side, const FormRows& rows,
                      GroupKind by, std::map<std::string, std::map<std::string, Sum>>* by_code) {
    for (const FormColumn* c : form.ColumnsOf(side)) {
      FISCAL_ASSIGN_OR_RETURN(const std::vector<Group> groups,
                              Ask(Narrowed(c->query, rows.query), by));
      for (const Group& g : groups) {
        if (!g.code.empty() && g.sum.fen != 0) (*by_code)[g.code][c->key].Add(g.sum);
      }
    }
    return absl::OkStatus();
  }

  std::string Name(CatalogList list, const std::string& code) const {
    const std::string name = source_.NameOf(list, code);
    if (!name.empty()) return name;
    const CodeLists& lists = ShippedLists();
    const CodeList* shipped = list == CatalogList::kFunctional     ? &lists.functional
                              : list == CatalogList::kDeptEconomic ? &lists.dept_economic
                              : list == CatalogList::kGovEconomic  ? &lists.gov_economic
                                                                   : nullptr;
    const CodeList::Entry* entry = shipped == nullptr ? nullptr : shipped->Find(code);
    return entry == nullptr ? code : entry->name;
  }

  absl::Status Total(const FormTable& form, const std::string& side, const FormRows& rows,
                     const std::string& key, Table* t) {
    Row total = NewRow(*t, key, "合计");
    // A table of one half with another has one 合计 in print; both halves have their own key here.
    for (const FormColumn* c : form.ColumnsOf(side)) {
      auto own = form.cells.find(absl::StrCat(key, "/", c->key));
      Query q = own != form.cells.end() ? own->second : Narrowed(c->query, rows.query);
      // A total counts what its rows analyse, whether analysed or not.
      if (rows.kind == RowKind::kRevenue) q.analysis = domain::Analysis::kNone;
      FISCAL_ASSIGN_OR_RETURN(const Sum sum, CellOf(q, c->key, *t));
      Put(sum, *t, &total.cells[static_cast<size_t>(t->ColumnOf(c->key))]);
    }
    t->rows.push_back(std::move(total));
    return absl::OkStatus();
  }

  absl::Status Codes(const FormTable& form, const std::string& side, const FormRows& rows,
                     GroupKind by, Table* t) {
    const bool revenue = by == GroupKind::kRevenue;
    const std::string prefix = revenue && form.layout == Layout::kCodePair ? "revenue." : "";
    if (!form.total_last) FISCAL_RETURN_IF_ERROR(Total(form, side, rows, prefix + "total", t));
    std::map<std::string, std::map<std::string, Sum>> by_code;
    FISCAL_RETURN_IF_ERROR(Gather(form, side, rows, by, &by_code));
    const CatalogList list = revenue                  ? CatalogList::kRevenue
                             : by == GroupKind::kDept ? CatalogList::kDeptEconomic
                                                      : CatalogList::kFunctional;
    for (const auto& [code, columns] : by_code) {
      Row row = NewRow(*t, prefix + code, Name(list, code));
      row.code = code;
      row.level = static_cast<int>(code.size() - 1) / 2;
      for (const auto& [column, sum] : columns)
        Put(sum, *t, &row.cells[static_cast<size_t>(t->ColumnOf(column))]);
      t->rows.push_back(std::move(row));
    }
    if (form.total_last) FISCAL_RETURN_IF_ERROR(Total(form, side, rows, prefix + "total", t));
    return absl::OkStatus();
  }

  absl::Status Classes(const FormTable& form, const std::string& side, const FormRows& rows,
                       Table* t) {
    std::map<std::string, std::map<std::string, Sum>> by_code;
    FISCAL_RETURN_IF_ERROR(Gather(form, side, rows, GroupKind::kFunctional, &by_code));
    std::vector<std::string> codes;
    if (rows.all) codes = StatutoryClasses();
    for (const auto& [code, columns] : by_code) {
      if (code.size() == 3 && std::find(codes.begin(), codes.end(), code) == codes.end())
        codes.push_back(code);
    }
    int nth = 0;
    for (const std::string& code : codes) {
      Row row =
          NewRow(*t, "class." + code,
                 absl::StrCat(ChineseNumber(++nth), "、", Name(CatalogList::kFunctional, code)));
      row.code = code;
      row.level = 1;
      for (const auto& [column, sum] : by_code[code])
        Put(sum, *t, &row.cells[static_cast<size_t>(t->ColumnOf(column))]);
      t->rows.push_back(std::move(row));
    }
    return absl::OkStatus();
  }

  absl::Status Economic(const FormTable& form, const FormRows& rows, Table* t) {
    if (form.layout == Layout::kCodes) return Codes(form, "", rows, GroupKind::kDept, t);
    FISCAL_RETURN_IF_ERROR(Total(form, "", rows, "total", t));
    std::map<std::string, std::map<std::string, Sum>> tops;
    FISCAL_RETURN_IF_ERROR(Gather(form, "", rows, GroupKind::kDept, &tops));
    std::map<std::pair<std::string, std::string>, std::map<std::string, Sum>> pairs;
    for (const FormColumn* c : form.ColumnsOf("")) {
      FISCAL_ASSIGN_OR_RETURN(const std::vector<Group> groups,
                              Ask(Narrowed(c->query, rows.query), GroupKind::kPair));
      for (const Group& g : groups) {
        if (g.code.size() == 5 && g.sum.fen != 0) pairs[{g.code, g.other_code}][c->key].Add(g.sum);
      }
    }
    for (const auto& [code, columns] : tops) {
      if (code.size() != 3) continue;
      Row top = NewRow(*t, code, Name(CatalogList::kDeptEconomic, code));
      top.code = code;
      top.level = 1;
      for (const auto& [column, sum] : columns)
        Put(sum, *t, &top.cells[static_cast<size_t>(t->ColumnOf(column))]);
      t->rows.push_back(std::move(top));
      std::map<std::string, int> seen;
      for (const auto& [pair, sums] : pairs) {
        if (pair.first.compare(0, 3, code) != 0) continue;
        const std::string gov =
            pair.second.empty() ? "" : Name(CatalogList::kGovEconomic, pair.second);
        Row row = NewRow(
            *t, seen[pair.first]++ == 0 ? pair.first : absl::StrCat(pair.first, "/", FoldName(gov)),
            Name(CatalogList::kDeptEconomic, pair.first));
        row.other_label = gov;
        row.code = pair.first;
        row.level = 2;
        for (const auto& [column, sum] : sums)
          Put(sum, *t, &row.cells[static_cast<size_t>(t->ColumnOf(column))]);
        t->rows.push_back(std::move(row));
      }
    }
    return absl::OkStatus();
  }

  absl::Status Units(const FormTable& form, const FormRows& rows, Table* t) {
    // Units in the order of their codes, by name where a statement names them.
    std::map<std::pair<std::string, std::string>, std::map<std::string, Sum>> units;
    for (const FormColumn* c : form.ColumnsOf("")) {
      FISCAL_ASSIGN_OR_RETURN(const std::vector<Group> groups,
                              Ask(Narrowed(c->query, rows.query), GroupKind::kUnit));
      for (const Group& g : groups) {
        if (g.sum.fen != 0) units[{g.code, g.name}][c->key].Add(g.sum);
      }
    }
    if (units.empty()) return absl::OkStatus();
    Row total = NewRow(*t, "total", "部门合计");
    std::vector<Row> list;
    for (const auto& [unit, sums] : units) {
      Row row = NewRow(*t, absl::StrCat("unit.", list.size() + 1), unit.second);
      row.level = 1;
      for (const auto& [column, sum] : sums)
        Put(sum, *t, &row.cells[static_cast<size_t>(t->ColumnOf(column))]);
      list.push_back(std::move(row));
    }
    for (const FormColumn* c : form.ColumnsOf("")) {
      Sum sum;
      for (const auto& [unit, sums] : units) {
        auto it = sums.find(c->key);
        if (it != sums.end()) sum.Add(it->second);
      }
      Put(sum, *t, &total.cells[static_cast<size_t>(t->ColumnOf(c->key))]);
    }
    t->rows.push_back(std::move(total));
    for (Row& row : list) t->rows.push_back(std::move(row));
    return absl::OkStatus();
  }

  absl::Status Projects(const FormTable& form, const FormRows& rows, Table* t) {
    using Sums = std::map<std::string, Sum>;
    struct Project {
      std::string code, name;
      Sums sums;
      domain::Fen total() const {
        auto it = sums.find("total");
        return it == sums.end() ? 0 : it->second.fen;
      }
    };
    struct Unit {
      std::string name;
      Sums sums;
      std::map<std::string, Project> projects;
    };
    // By code.
    std::map<std::string, Unit> units;
    Sums department;
    for (const FormColumn* c : form.ColumnsOf("")) {
      FISCAL_ASSIGN_OR_RETURN(const std::vector<Group> groups,
                              Ask(Narrowed(c->query, rows.query), GroupKind::kProject));
      for (const Group& g : groups) {
        if (g.sum.fen == 0) continue;
        Unit& unit = units[g.unit];
        unit.name = g.unit_name;
        Project& project = unit.projects[g.code];
        project.code = g.code;
        project.name = g.name;
        for (Sums* sums : {&department, &unit.sums, &project.sums}) (*sums)[c->key].Add(g.sum);
      }
    }
    if (units.empty()) return absl::OkStatus();
    auto add = [&](std::string key, const std::string& label, int level, int unit,
                   const Sums& sums) {
      Row row = NewRow(*t, std::move(key), label);
      row.level = level;
      row.unit = unit;
      for (const auto& [column, sum] : sums)
        Put(sum, *t, &row.cells[static_cast<size_t>(t->ColumnOf(column))]);
      t->rows.push_back(std::move(row));
    };
    add("department", subject_.name, 0, -1, department);
    int nth_unit = 0;
    std::map<std::string, int> seen;
    for (const auto& [code, unit] : units) {
      const int unit_row = static_cast<int>(t->rows.size());
      add(absl::StrCat("unit.", ++nth_unit), unit.name, 1, -1, unit.sums);
      // The largest first.
      std::vector<const Project*> projects;
      for (const auto& [project_code, project] : unit.projects) projects.push_back(&project);
      std::stable_sort(projects.begin(), projects.end(), [](const Project* a, const Project* b) {
        return a->total() != b->total() ? a->total() > b->total() : a->name < b->name;
      });
      for (const Project* project : projects) {
        const std::string name = FoldName(project->name);
        const int nth = seen[name]++;
        add(absl::StrCat("project.", name, nth == 0 ? "" : absl::StrCat("#", nth + 1)),
            project->name, 2, unit_row, project->sums);
      }
    }
    return absl::OkStatus();
  }

  absl::Status Strip(const FormTable& form) {
    for (const FormColumn& c : form.columns) {
      Table& t = d_.table(c.table);
      t.number = c.table;
      t.form_number = form.number;
      t.title = absl::StrCat(subject_.fiscal_year, "年", form.title);
      t.unit = form.unit;
      t.decimals = form.decimals;
      t.columns = {c.key};
    }
    // Sums of figures at their right come after these.
    for (bool sums : {false, true}) {
      for (auto c = form.columns.rbegin(); c != form.columns.rend(); ++c) {
        if (c->query.sum_of.empty() == sums) continue;
        Table& t = d_.table(c->table);
        Row row = NewRow(t, c->row, c->labels[0]);
        FISCAL_ASSIGN_OR_RETURN(const Sum sum, CellOf(c->query, c->key, t));
        Put(sum, t, &row.cells[0]);
        t.rows.push_back(std::move(row));
      }
    }
    for (int n : {10, 11}) {
      Table& t = d_.table(n);
      std::vector<Row> ordered;
      for (const FormColumn& c : form.columns) {
        if (c.table == n) ordered.push_back(*t.Find(c.row));
      }
      t.rows = std::move(ordered);
    }
    return absl::OkStatus();
  }

  const Form& form_;
  const Subject& subject_;
  CellSource& source_;
  absl::Status fits_;
  Disclosure d_;
};

}  // namespace

absl::StatusOr<Disclosure> Build(const Form& form, const Subject& subject, CellSource& source) {
  return Builder(form, subject, source).Run();
}

}  // namespace fiscal::disclosure
