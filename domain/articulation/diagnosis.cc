#include "domain/articulation/diagnosis.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <unordered_map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "domain/articulation/judge.h"
#include "domain/disclosure/names.h"

namespace fiscal::articulation {
namespace {

using disclosure::Cell;
using disclosure::Disclosure;
using disclosure::Measure;
using disclosure::Row;
using disclosure::Table;

constexpr size_t kDiagnosesMax = 5;
// Terms that are added up to try edits, in all: each is judged with everything the cell stands in,
// so that the work grows with the square of a table. What is left then has no diagnosis. Far more
// than real documents need.
constexpr int64_t kTermsMax = 10000000;

// How likely an edit of a kind is where several would do; smaller is likelier.
int RankOf(const std::string& kind) {
  static constexpr const char* kOrder[] = {"wrong_denominator",
                                           "digit_swapped",
                                           "digit_doubled",
                                           "digit_dropped",
                                           "factor_10000",
                                           "sign",
                                           "point_shifted",
                                           "last_years_figure",
                                           "digit_wrong",
                                           "shifted_row",
                                           "omitted_row",
                                           "missing_figure",
                                           "other"};
  int i = 0;
  for (const char* k : kOrder) {
    if (kind == k) return i;
    ++i;
  }
  return i;
}

std::string Digits(const std::string& printed) {
  std::string out;
  for (char c : printed) {
    if (c >= '0' && c <= '9') out += c;
  }
  return out;
}

bool Swapped(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return false;
  std::vector<size_t> differ;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) differ.push_back(i);
  }
  return differ.size() == 2 && a[differ[0]] == b[differ[1]] && a[differ[1]] == b[differ[0]];
}

// `longer` is `shorter` with one digit more; `*doubled` when it repeats its neighbour.
bool OneMore(const std::string& longer, const std::string& shorter, bool* doubled) {
  *doubled = false;
  if (longer.size() != shorter.size() + 1) return false;
  bool any = false;
  for (size_t i = 0; i < longer.size(); ++i) {
    if (longer.substr(0, i) + longer.substr(i + 1) != shorter) continue;
    any = true;
    if ((i > 0 && longer[i] == longer[i - 1]) ||
        (i + 1 < longer.size() && longer[i] == longer[i + 1]))
      *doubled = true;
  }
  return any;
}

// Names the edit that made `want` into the figure as it is printed.
std::string KindOf(const Cell& cell, int64_t want, const std::string& want_printed) {
  if (cell.blank()) return "missing_figure";
  const int64_t is = cell.value;
  if (want == -is && is != 0) return "sign";
  const std::string a = Digits(cell.printed), b = Digits(want_printed);
  if (cell.measure == Measure::kMoney) {
    auto near = [&cell](__int128 x, __int128 y) {
      const __int128 slack = (static_cast<__int128>(cell.high) - cell.low + 1) * 10000;
      return x - y <= slack && y - x <= slack;
    };
    if (want != 0 && is != 0 && near(static_cast<__int128>(want) * 10000, is))
      return "factor_10000";
    if (want != 0 && is != 0 && want % 10000 == 0 && want / 10000 == is) return "factor_10000";
    if (want != 0 && is != 0 && near(static_cast<__int128>(is) * 10000, want) &&
        std::llabs(want) > std::llabs(is) * 1000)
      return "factor_10000";
    for (int64_t factor : {10, 100, 1000}) {
      if (want != 0 && (is == want * factor || want == is * factor)) return "point_shifted";
    }
  }
  bool doubled = false;
  if (Swapped(a, b)) return "digit_swapped";
  if (OneMore(a, b, &doubled)) return doubled ? "digit_doubled" : "digit_wrong";
  if (OneMore(b, a, &doubled)) return "digit_dropped";
  if (a.size() == b.size()) {
    int differ = 0;
    for (size_t i = 0; i < a.size(); ++i) differ += a[i] != b[i];
    if (differ == 1) return "digit_wrong";
  }
  return "other";
}

class Diagnoser {
 public:
  Diagnoser(const Disclosure& d, const std::vector<Instance>& instances) : d_(d) {
    for (const Instance& instance : instances) {
      for (const Equation& e : instance.equations) {
        const size_t at = equations_.size();
        equations_.push_back(&e);
        holds_.push_back(Judge(e) != Holds::kNot);
        for (const auto* terms : {&e.left, &e.right, &e.denominator}) {
          for (const Term& t : *terms) {
            if (t.place.cell == nullptr) continue;
            std::vector<size_t>& list = of_cell_[t.place.cell];
            if (list.empty() || list.back() != at) list.push_back(at);
            places_.emplace(t.place.cell, t.place);
          }
        }
      }
    }
  }

  std::vector<Diagnosis> Run(const Instance& failed) {
    std::vector<Diagnosis> out;
    std::set<const Cell*> seen;
    for (const Equation& e : failed.equations) {
      if (Judge(e) != Holds::kNot) continue;
      if (e.relation == Relation::kRatio) WrongBase(e, &out);
      for (const auto* terms : {&e.left, &e.right, &e.denominator}) {
        for (const Term& t : *terms) {
          const Cell* cell = t.place.cell;
          if (cell == nullptr || !seen.insert(cell).second) continue;
          const Diagnosis& best = BestOf(cell);
          if (!best.kind.empty()) out.push_back(best);
        }
      }
      if (e.relation == Relation::kEqual) OmittedRow(e, &out);
    }
    std::stable_sort(out.begin(), out.end(), [](const Diagnosis& a, const Diagnosis& b) {
      const int x = a.restored - 2 * a.broken, y = b.restored - 2 * b.broken;
      if (x != y) return x > y;
      if (a.broken != b.broken) return a.broken < b.broken;
      return RankOf(a.kind) < RankOf(b.kind);
    });
    if (out.size() > kDiagnosesMax) out.resize(kDiagnosesMax);
    return out;
  }

 private:
  // The edit of one cell that restores most, found once a cell.
  const Diagnosis& BestOf(const Cell* cell) {
    auto [it, fresh] = best_.try_emplace(cell);
    if (!fresh) return it->second;
    Diagnosis best;
    std::set<int64_t> tried;
    for (size_t at : of_cell_[cell]) {
      if (holds_[at] || terms_left_ <= 0) continue;
      // To find what is wanted is to judge the equation some thirty times.
      terms_left_ -=
          30 * static_cast<int64_t>(equations_[at]->left.size() + equations_[at]->right.size());
      for (int64_t want : Wanted(*equations_[at], cell)) {
        if (cell->measure == Measure::kCount && want < 0) continue;
        if (want == cell->value || !tried.insert(want).second || tried.size() > 80) continue;
        if (terms_left_ <= 0) break;
        Diagnosis d = Try(cell, want);
        const bool better = best.kind.empty() ||
                            d.restored - 2 * d.broken > best.restored - 2 * best.broken ||
                            (d.restored - 2 * d.broken == best.restored - 2 * best.broken &&
                             RankOf(d.kind) < RankOf(best.kind));
        if (d.restored > 0 && better) best = std::move(d);
      }
    }
    it->second = std::move(best);
    return it->second;
  }

  Diagnosis Try(const Cell* cell, int64_t want) {
    const Place& place = places_.at(cell);
    Diagnosis d;
    d.cell = RefOf(d_, place);
    for (size_t at : of_cell_.at(cell)) {
      const bool now = Judge(*equations_[at], {cell, want}) != Holds::kNot;
      terms_left_ -=
          static_cast<int64_t>(equations_[at]->left.size() + equations_[at]->right.size());
      d.restored += now && !holds_[at];
      d.broken += !now && holds_[at];
    }
    d.suggested = PrintLike(*cell, want, d_.table(place.table).unit);
    d.kind = KindOf(*cell, want, d.suggested);
    const Place neighbour = Neighbour(place, want);
    if (d.kind == "other" && neighbour.cell != nullptr) {
      d.kind = "shifted_row";
      d.text_zh = absl::StrCat(d.cell.label_zh, "：印为", Shown(*cell), "，疑与相邻行（",
                               neighbour.row->label, "）串行，应为", d.suggested);
      return d;
    }
    if ((d.kind == "other" || d.kind == "digit_wrong") && IsLastYears(*cell))
      d.kind = "last_years_figure";
    d.text_zh = Sentence(d, *cell);
    return d;
  }

  static std::string Shown(const Cell& cell) { return cell.blank() ? "空白" : cell.printed; }

  static std::string Sentence(const Diagnosis& d, const Cell& cell) {
    std::string why;
    if (d.kind == "digit_swapped") why = "疑为两位数字颠倒";
    if (d.kind == "digit_dropped") why = "疑为漏一位数字";
    if (d.kind == "digit_doubled") why = "疑为重复一位数字";
    if (d.kind == "digit_wrong") why = "疑为一位数字有误";
    if (d.kind == "point_shifted") why = "疑为小数点错位";
    if (d.kind == "factor_10000") why = "疑为元与万元混用";
    if (d.kind == "sign") why = "疑为正负号有误";
    if (d.kind == "last_years_figure") why = "疑为沿用上年数";
    if (d.kind == "missing_figure") why = "疑为漏填";
    return absl::StrCat(d.cell.label_zh, "：印为", Shown(cell), why.empty() ? "" : "，", why,
                        "，应为", d.suggested, "（可使", d.restored, "项核对恢复一致）");
  }

  // The row above or below in whose same column `want` is printed.
  Place Neighbour(const Place& place, int64_t want) const {
    if (place.row == nullptr || want == 0) return {};
    const Table& t = d_.table(place.table);
    const auto at = static_cast<size_t>(place.row - t.rows.data());
    if (at >= t.rows.size()) return {};
    for (size_t other : {at - 1, at + 1}) {
      if (other >= t.rows.size()) continue;
      const Cell& c = t.rows[other].cells[static_cast<size_t>(place.column)];
      if (c.value == want) return {&c, place.table, &t.rows[other], place.column};
    }
    return {};
  }

  // Whether a figure is what the narrative says the year before had.
  bool IsLastYears(const Cell& cell) const {
    if (cell.value == 0 || cell.measure != Measure::kMoney) return false;
    const Table& n = d_.table(disclosure::kNarrative);
    const int current = n.ColumnOf("current"), change = n.ColumnOf("change"),
              amount = n.ColumnOf("amount"), last = n.ColumnOf("last");
    for (const Row& row : n.rows) {
      for (int base : {current, amount}) {
        if (base < 0 || change < 0) continue;
        const Cell &b = row.cells[static_cast<size_t>(base)],
                   &c = row.cells[static_cast<size_t>(change)];
        if (!b.blank() && !c.blank() && &b != &cell && b.value - c.value == cell.value) return true;
      }
      if (last >= 0 && !row.cells[static_cast<size_t>(last)].blank() &&
          &row.cells[static_cast<size_t>(last)] != &cell &&
          row.cells[static_cast<size_t>(last)].value == cell.value)
        return true;
    }
    return false;
  }

  // A percentage that is right over another base: this year's figure, or another total.
  void WrongBase(const Equation& e, std::vector<Diagnosis>* out) const {
    const Cell* percent = e.left[0].place.cell;
    int64_t expected = 0;
    if (percent == nullptr || !ExpectedPercent(e, &expected)) return;
    std::vector<Place> bases;
    for (const Term& t : e.denominator) bases.push_back(t.place);
    for (const Place& total : {At(1, "income.total", "amount"), At(3, "total", "total"),
                               At(5, "total", "total"), At(12, "department", "total")})
      bases.push_back(total);
    for (const Place& base : bases) {
      if (base.cell == nullptr || base.cell->value == 0) continue;
      Equation other = e;
      other.denominator = {{base, 1, 0}};
      int64_t over = 0;
      if (e.denominator.size() == 1 && e.denominator[0].place.cell == base.cell) continue;
      if (!ExpectedPercent(other, &over) || over != percent->value) continue;
      Diagnosis d;
      d.kind = "wrong_denominator";
      d.cell = RefOf(d_, e.left[0].place);
      d.suggested = PrintLike(*percent, expected, MoneyUnitOf());
      d.restored = 1;
      d.text_zh =
          absl::StrCat(d.cell.label_zh, "：印为", percent->printed, "%，是以", PlaceName(d_, base),
                       " ", base.cell->printed,
                       "为分母算得；应以上年数（或规定的总数）为分母，应为", d.suggested, "%");
      if (e.denominator.size() == 1) {
        d.text_zh =
            absl::StrCat(d.cell.label_zh, "：印为", percent->printed, "%，是以",
                         PlaceName(d_, base), " ", base.cell->printed, "为分母算得；应以",
                         PlaceName(d_, e.denominator[0].place), "为分母，应为", d.suggested, "%");
      }
      out->push_back(std::move(d));
      return;
    }
  }

  static disclosure::MoneyUnit MoneyUnitOf() { return disclosure::MoneyUnit::kWanyuan; }

  Place At(int table, const char* row, const char* column) const {
    const Table& t = d_.table(table);
    Place p{nullptr, table, t.Find(row), t.ColumnOf(column)};
    if (p.row != nullptr && p.column >= 0) p.cell = &p.row->cells[static_cast<size_t>(p.column)];
    return p;
  }

  // A total that is more than its parts by the amount of a row that another table has.
  void OmittedRow(const Equation& e, std::vector<Diagnosis>* out) const {
    if (e.left.size() != 1 || e.left[0].place.cell == nullptr) return;
    const Place& total = e.left[0].place;
    if (total.row == nullptr || total.table == disclosure::kNarrative) return;
    // Sums over rows of one table, in one column.
    for (const Term& t : e.right) {
      if (t.place.row == nullptr || t.place.table != total.table ||
          t.place.column != e.right[0].place.column || t.place.row == total.row)
        return;
    }
    const Side left = SideOf(e.left), right = SideOf(e.right);
    const __int128 missing = left.value - right.value;
    if (missing <= 0) return;
    const Table& t = d_.table(total.table);
    const std::string& column = t.columns[static_cast<size_t>(total.column)];
    for (int n : {2, 3, 5, 12, 13, disclosure::kForms}) {
      if (n == total.table || !d_.has(n)) continue;
      for (const Row& row : d_.table(n).rows) {
        if (t.Find(row.key) != nullptr || (row.level == 0 && row.code.empty())) continue;
        if (!row.code.empty() && !total.row->code.empty() &&
            !absl::StartsWith(row.code, total.row->code))
          continue;
        const Cell* cell = d_.table(n).At(row.key, column);
        if (cell == nullptr || cell->blank()) cell = d_.table(n).At(row.key, "total");
        if (cell == nullptr || cell->blank()) cell = d_.table(n).At(row.key, "year.total");
        if (cell == nullptr || cell->blank()) continue;
        const __int128 off = missing - cell->value;
        if (off > left.width + right.width + 1 || -off > left.width + right.width + 1) continue;
        AddOmitted(total, row.code.empty() ? row.label : absl::StrCat(row.code, " ", row.label),
                   static_cast<int64_t>(missing), 2, out);
        return;
      }
    }
    AddOmitted(total, "", static_cast<int64_t>(missing), 1, out);
  }

  void AddOmitted(const Place& total, const std::string& name, int64_t amount, int restored,
                  std::vector<Diagnosis>* out) const {
    Diagnosis d;
    d.kind = "omitted_row";
    d.cell = RefOf(d_, total);
    d.suggested = PrintLike(*total.cell, amount, d_.table(total.table).unit);
    d.restored = restored;
    d.text_zh = absl::StrCat(d.cell.label_zh, "：下级各行之和少", d.suggested, "，疑漏列一行",
                             name.empty() ? "" : absl::StrCat("“", name, "”"));
    out->push_back(std::move(d));
  }

  const Disclosure& d_;
  int64_t terms_left_ = kTermsMax;
  std::vector<const Equation*> equations_;
  std::vector<bool> holds_;
  std::unordered_map<const Cell*, std::vector<size_t>> of_cell_;
  std::unordered_map<const Cell*, Place> places_;
  std::unordered_map<const Cell*, Diagnosis> best_;
};

}  // namespace

std::vector<std::vector<Diagnosis>> Diagnose(const Disclosure& d,
                                             const std::vector<Instance>& instances,
                                             const std::vector<size_t>& failed) {
  std::vector<std::vector<Diagnosis>> out;
  if (failed.empty()) return out;
  Diagnoser diagnoser(d, instances);
  for (size_t at : failed) out.push_back(diagnoser.Run(instances[at]));
  return out;
}

}  // namespace fiscal::articulation
