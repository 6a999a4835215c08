#include "tests/corpus/plant.h"

#include <algorithm>
#include <cstdlib>
#include <set>

namespace fiscal::corpus {
namespace {

constexpr int kTriesMax = 60;

// A printed figure taken apart, so that digits can be moved and the separators put back.
struct Figure {
  std::string whole, fraction;
  bool point = false, commas = false;

  explicit Figure(const std::string& printed) {
    for (const char c : printed) {
      if (c == '.') point = true;
      if (c == ',') commas = true;
      if (c >= '0' && c <= '9') (point ? fraction : whole) += c;
    }
  }
  std::string Print() const {
    std::string text = whole;
    if (commas) {
      for (int at = int(text.size()) - 3; at > 0; at -= 3) text.insert(size_t(at), ",");
    }
    return point ? text + "." + fraction : text;
  }
};

class Planter {
 public:
  Planter(Document& document, Random& random) : document_(document), random_(random) {
    relations_of_.resize(document.cells.size());
    for (size_t i = 0; i < document.relations.size(); ++i) {
      const Relation& relation = document.relations[i];
      const auto note = [&](int cell) {
        std::vector<size_t>& list = relations_of_[size_t(cell)];
        if (list.empty() || list.back() != i) list.push_back(i);
      };
      for (const Term& term : relation.terms) note(term.cell);
      for (const Term& term : relation.base) note(term.cell);
      if (relation.percent >= 0) note(relation.percent);
    }
    for (size_t cell = 0; cell < document.cells.size(); ++cell) {
      if (relations_of_[cell].empty() || document.Blank(int(cell)) || document.cells[cell].line < 0)
        continue;
      const Cell& at = document.cells[cell];
      if (at.kind == CellKind::kPercent) {
        percents_.push_back(int(cell));
        if (!at.wrong_base.empty()) misbased_.push_back(int(cell));
      } else if (at.kind == CellKind::kCount) {
        counts_.push_back(int(cell));
      } else {
        (at.table == 0 ? amounts_ : figures_).push_back(int(cell));
      }
    }
    // Counts of zero may be wrong too.
    for (size_t cell = 0; cell < document.cells.size(); ++cell) {
      if (document.cells[cell].kind == CellKind::kCount && document.Blank(int(cell)) &&
          !relations_of_[cell].empty()) {
        counts_.push_back(int(cell));
      }
    }
  }

  std::vector<Planted> Run(int count) {
    std::vector<std::string> kinds = ErrorKinds();
    random_.Shuffle(kinds);
    for (size_t i = 0; i < kinds.size() && int(planted_.size()) < count; ++i) {
      for (int tries = 0; tries < kTriesMax; ++tries) {
        if (Try(kinds[i])) break;
      }
    }
    for (Planted& planted : planted_) {
      std::set<std::string> rules;
      for (const size_t relation : Broken(planted))
        rules.insert(document_.relations[relation].rule);
      planted.rules.assign(rules.begin(), rules.end());
    }
    return planted_;
  }

 private:
  std::vector<size_t> Broken(const Planted& planted) const {
    std::vector<size_t> broken;
    for (const int cell : planted.cells) {
      for (const size_t relation : relations_of_[size_t(cell)]) {
        if (document_.Excess(document_.relations[relation]) > 0) broken.push_back(relation);
      }
    }
    return broken;
  }

  // Sums of its own table must miss a lost row: nobody compares a row that is not there.
  bool Seen(const Planted& planted) const {
    for (const size_t relation : Broken(planted)) {
      if (planted.kind != "omitted_row") return true;
      const std::string& rule = document_.relations[relation].rule;
      const std::string table =
          "T" + std::to_string(document_.cells[size_t(planted.cells[0])].table) + "-";
      if (rule.compare(0, table.size(), table) == 0 && rule != "T5-02") return true;
    }
    return false;
  }

  bool Free(int cell) const { return used_lines_.count(document_.cells[size_t(cell)].line) == 0; }

  bool AllSeen(const Planted& candidate) const {
    if (!Seen(candidate)) return false;
    for (const Planted& planted : planted_) {
      if (!Seen(planted)) return false;
    }
    return true;
  }

  bool Change(const std::string& kind, int cell, const std::string& printed) {
    Cell& at = document_.cells[size_t(cell)];
    const std::string before = at.printed;
    const int64_t value = document_.PrintedValue(cell);
    if (printed == before || printed.empty()) return false;
    at.printed = printed;
    const int64_t distance = std::abs(document_.PrintedValue(cell) - value);
    const int64_t least = at.kind == CellKind::kMoney     ? 3 * at.style.QuantumFen()
                          : at.kind == CellKind::kPercent ? 5
                                                          : 0;
    Planted candidate{kind, {cell}, before, {}};
    if (distance <= least || !AllSeen(candidate)) {
      at.printed = before;
      return false;
    }
    used_lines_.insert(at.line);
    planted_.push_back(candidate);
    return true;
  }

  std::string Digits(const std::string& kind, const Cell& cell) {
    Figure figure(cell.printed);
    std::string digits = figure.whole + figure.fraction;
    const size_t whole = figure.whole.size();
    if (kind == "digit_swapped") {
      if (digits.size() < 2) return "";
      const size_t at = size_t(random_.Between(0, int64_t(digits.size()) - 2));
      if (at == 0 && digits[1] == '0' && whole > 1) return "";
      std::swap(digits[at], digits[at + 1]);
    } else if (kind == "digit_wrong") {
      const size_t at = size_t(random_.Between(0, int64_t(digits.size()) - 1));
      digits[at] = char('0' + random_.Between(at == 0 && whole > 1 ? 1 : 0, 9));
    } else if (kind == "digit_dropped") {
      if (whole < 2) return "";
      const size_t at = size_t(random_.Between(0, int64_t(whole) - 1));
      if (at == 0 && digits[1] == '0' && whole > 2) return "";
      digits.erase(at, 1);
      figure.whole = digits.substr(0, whole - 1);
      figure.fraction = digits.substr(whole - 1);
      return figure.Print();
    } else {  // digit_doubled
      const size_t at = size_t(random_.Between(0, int64_t(whole) - 1));
      digits.insert(at, 1, digits[at]);
      figure.whole = digits.substr(0, whole + 1);
      figure.fraction = digits.substr(whole + 1);
      return figure.Print();
    }
    figure.whole = digits.substr(0, whole);
    figure.fraction = digits.substr(whole);
    return figure.Print();
  }

  std::string AnotherYear(const Cell& cell) {
    const int64_t value = cell.value / 1000 * random_.Between(640, 1380);
    const int64_t quantum = cell.style.QuantumFen();
    return cell.style.Print(std::max(value / quantum, int64_t{1}) * quantum);
  }

  bool Try(const std::string& kind) {
    if (kind == "omitted_row") return Omit();
    if (kind == "shifted_row") return Shift();
    const std::vector<int>& pool = kind == "wrong_denominator"   ? misbased_
                                   : kind == "narrative_percent" ? percents_
                                   : kind == "narrative_count"   ? counts_
                                   : kind == "narrative_amount"  ? amounts_
                                                                 : figures_;
    if (pool.empty()) return false;
    const int cell = random_.Pick(pool);
    if (!Free(cell)) return false;
    const Cell& at = document_.cells[size_t(cell)];
    std::string printed;
    if (kind == "wrong_denominator") {
      printed = at.wrong_base;
    } else if (kind == "narrative_percent") {
      printed = Digits(random_.Chance(50) ? "digit_wrong" : "digit_swapped", at);
    } else if (kind == "narrative_count") {
      const int64_t count = at.value + (random_.Chance(50) ? 1 : -1) * random_.Between(1, 3);
      if (count < 0) return false;
      printed = std::to_string(count);
    } else if (kind == "narrative_amount") {
      static const std::vector<std::string> ways = {"digit_wrong", "digit_swapped",
                                                    "digit_dropped"};
      printed = random_.Chance(40) ? AnotherYear(at) : Digits(random_.Pick(ways), at);
    } else if (kind == "last_years_figure") {
      printed = AnotherYear(at);
    } else if (kind == "sign") {
      printed = "-" + at.printed;
    } else if (kind == "factor_10000") {
      MoneyStyle other = at.style;
      other.unit_fen = at.style.unit_fen == kWan ? kYuanFen : kWan;
      if (other.unit_fen == kWan) other.decimals = 2;
      printed = other.Print(at.value);
    } else {
      printed = Digits(kind, at);
    }
    return Change(kind, cell, printed);
  }

  bool Omit() {
    if (document_.removables.empty()) return false;
    const Removable& row = random_.Pick(document_.removables);
    for (const int line : row.lines) {
      if (used_lines_.count(line) > 0) return false;
    }
    std::vector<int> cells;
    for (const int cell : row.cells) {
      if (!document_.Blank(cell)) cells.push_back(cell);
    }
    if (cells.empty()) return false;
    const auto set = [&](bool gone) {
      for (const int line : row.lines) document_.lines[size_t(line)].gone = gone;
      for (const int cell : row.cells) document_.cells[size_t(cell)].gone = gone;
    };
    set(true);
    Planted candidate{"omitted_row", cells, document_.cells[size_t(cells[0])].printed, {}};
    if (!AllSeen(candidate)) {
      set(false);
      return false;
    }
    used_lines_.insert(row.lines.begin(), row.lines.end());
    planted_.push_back(candidate);
    return true;
  }

  // Figures of two neighbours change places, in one column or in all.
  bool Shift() {
    if (document_.runs.empty()) return false;
    const RowRun& run = random_.Pick(document_.runs);
    const size_t at = size_t(random_.Between(0, int64_t(run.size()) - 2));
    const std::vector<int>& upper = run[at];
    const std::vector<int>& lower = run[at + 1];
    if (!Free(upper[0]) || !Free(lower[0])) return false;
    const int64_t only = random_.Chance(50) ? random_.Between(0, int64_t(upper.size()) - 1) : -1;
    Planted candidate{"shifted_row", {}, "", {}};
    std::vector<std::pair<int, std::string>> before;
    for (size_t column = 0; column < upper.size(); ++column) {
      Cell& first = document_.cells[size_t(upper[column])];
      Cell& second = document_.cells[size_t(lower[column])];
      if ((only >= 0 && int64_t(column) != only) || first.printed == second.printed || first.gone ||
          second.gone) {
        continue;
      }
      before.push_back({upper[column], first.printed});
      before.push_back({lower[column], second.printed});
      std::swap(first.printed, second.printed);
    }
    for (const auto& [cell, printed] : before) {
      if (!document_.Blank(cell)) candidate.cells.push_back(cell);
    }
    // Where nothing stands now something is missing: these places are wrong too.
    const bool empty = candidate.cells.empty();
    for (const auto& [cell, printed] : before) {
      if (document_.Blank(cell)) candidate.cells.push_back(cell);
    }
    if (empty || !AllSeen(candidate)) {
      for (const auto& [cell, printed] : before) document_.cells[size_t(cell)].printed = printed;
      return false;
    }
    for (const auto& [cell, printed] : before) {
      if (cell == candidate.cells[0]) candidate.before = printed;
    }
    used_lines_.insert(document_.cells[size_t(upper[0])].line);
    used_lines_.insert(document_.cells[size_t(lower[0])].line);
    planted_.push_back(candidate);
    return true;
  }

  Document& document_;
  Random& random_;
  std::vector<std::vector<size_t>> relations_of_;
  std::vector<int> figures_, amounts_, percents_, misbased_, counts_;
  std::set<int> used_lines_;
  std::vector<Planted> planted_;
};

}  // namespace

const std::vector<std::string>& ErrorKinds() {
  static const auto* kinds = new std::vector<std::string>{
      "digit_swapped",     "digit_dropped", "digit_doubled",    "digit_wrong",
      "factor_10000",      "sign",          "omitted_row",      "last_years_figure",
      "wrong_denominator", "shifted_row",   "narrative_amount", "narrative_percent",
      "narrative_count"};
  return *kinds;
}

std::vector<Planted> Plant(Document& document, Random& random, int count) {
  return Planter(document, random).Run(count);
}

}  // namespace fiscal::corpus
