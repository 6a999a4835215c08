#include "domain/plausibility.h"

#include <algorithm>
#include <array>
#include <string>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "domain/fen.h"

namespace fiscal::domain {
namespace {

// What may be a subtotal of others: a way to tell lines apart that has levels.
struct Dimension {
  const char* field;
  const char* name_zh;
  // The line's place, as a code with 2 digits more for each level below the first; 0 for none.
  Code (*code_of)(const Line& line);
};

Code CategoryCode(const Line& line) {
  const Category c = line.attributes.category, top = TopOf(c);
  if (c == Category::kNone) return 0;
  const Code parent = 100 + static_cast<Code>(top);
  return c == top ? parent : parent * 100 + static_cast<Code>(c);
}

Code FundCode(const Line& line) {
  const Fund f = line.attributes.fund, top = TopOf(f);
  if (f == Fund::kNone) return 0;
  const Code parent = 100 + static_cast<Code>(top);
  return f == top ? parent : parent * 100 + static_cast<Code>(f);
}

enum : size_t { kFunctional, kRevenue, kDept, kGov, kCategory, kFund, kDimensions };
constexpr std::array<Dimension, kDimensions> kAll = {{
    {"functional_code", "支出功能分类科目", [](const Line& l) { return l.functional; }},
    {"revenue_code", "收入分类科目", [](const Line& l) { return l.revenue; }},
    {"dept_economic_code", "部门预算经济分类科目", [](const Line& l) { return l.dept_economic; }},
    {"gov_economic_code", "政府预算经济分类科目", [](const Line& l) { return l.gov_economic; }},
    {"category", "支出类别", CategoryCode},
    {"fund", "资金性质", FundCode},
}};

// Lines that differ in the dimension, and in what a row of subtotals leaves blank.
using Group = std::tuple<Direction, FundingYear, Code, Code, Code>;

Group GroupOf(const Line& line, size_t dimension) {
  const Attributes& a = line.attributes;
  const Code category = dimension == kCategory ? 0 : static_cast<Code>(a.category),
             fund = dimension == kFund ? 0 : static_cast<Code>(a.fund);
  // Rows of 类 and 款 tell of no economic class; the rows of an economic class are of one subject.
  const bool subjects = dimension == kFunctional || dimension == kRevenue;
  const Code subject = subjects ? 0 : std::max(line.functional, line.revenue);
  return {a.direction, a.funding_year, category, fund, subject};
}

struct Row {
  const Line* first = nullptr;
  __int128 own = 0, below = 0;
  size_t rows_below = 0;
};
using Rows = absl::flat_hash_map<Code, Row>;

// A line of each combination.
std::vector<const Line*> Distinct(const std::vector<Line>& lines, uint32_t combinations) {
  std::vector<const Line*> distinct;
  std::vector<bool> seen(combinations + 1, false);
  for (const Line& line : lines) {
    if (!line.counts()) continue;
    const bool numbered = line.combination != 0 && line.combination <= combinations;
    if (numbered && seen[line.combination]) continue;
    if (numbered) seen[line.combination] = true;
    distinct.push_back(&line);
  }
  return distinct;
}

// False when no line's code can stand above another's.
bool HasLevels(const std::vector<const Line*>& lines, const Dimension& dimension) {
  int shallow = 0, deep = 0;
  for (const Line* line : lines) {
    const int level = LevelOf(dimension.code_of(*line));
    if (level == 0) continue;
    shallow = shallow == 0 ? level : std::min(shallow, level);
    deep = std::max(deep, level);
    if (shallow < deep) return true;
  }
  return false;
}

// Adds each row to the nearest one above it that is there.
void AddUp(Rows* rows) {
  for (const auto& [code, row] : *rows) {
    for (int level = LevelOf(code) - 1; level > 0; --level) {
      const auto above = rows->find(AncestorAt(code, level));
      if (above == rows->end()) continue;
      above->second.below += row.own;
      ++above->second.rows_below;
      break;
    }
  }
}

Finding ToFinding(const Dimension& dimension, const Row& row) {
  const std::string fen = FormatFen(row.own);
  return {
      kSubtotalRule,
      Severity::kWarning,
      absl::StrCat("line_items.", dimension.field),
      std::string(row.first->line_id),
      absl::StrCat("its ", dimension.field, " stands above that of ", row.rows_below,
                   row.rows_below == 1 ? " other, which amounts to the same "
                                       : " others, which amount to the same ",
                   fen, " fen: a row of subtotals counts its money twice; leave it out"),
      absl::StrCat(dimension.name_zh, "位于其他", row.rows_below, "个科目之上，金额与其合计相同（",
                   fen, "分）：小计行会使金额重复计算，请删除该行")};
}

}  // namespace

std::vector<Finding> FindSubtotals(const std::vector<Line>& lines, uint32_t combinations,
                                   size_t max) {
  std::vector<Finding> findings;
  const std::vector<const Line*> distinct = Distinct(lines, combinations);
  for (size_t d = 0; d < kDimensions; ++d) {
    const Dimension& dimension = kAll[d];
    if (!HasLevels(distinct, dimension)) continue;
    absl::flat_hash_map<Group, Rows> groups;
    for (const Line& line : lines) {
      const Code code = line.counts() ? dimension.code_of(line) : 0;
      if (code == 0) continue;
      Row& row = groups[GroupOf(line, d)][code];
      if (row.first == nullptr || line.index < row.first->index) row.first = &line;
      row.own += line.amount_fen;
    }
    std::vector<std::pair<const Line*, Row>> found;
    for (auto& [group, rows] : groups) {
      AddUp(&rows);
      for (const auto& [code, row] : rows) {
        if (row.rows_below > 0 && row.own == row.below && row.own != 0)
          found.emplace_back(row.first, row);
      }
    }
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.first->index < b.first->index; });
    for (const auto& [line, row] : found) {
      if (findings.size() == max) return findings;
      findings.push_back(ToFinding(dimension, row));
    }
  }
  return findings;
}

std::optional<Finding> CompareMagnitude(int64_t now_fen, int64_t earlier_fen,
                                        absl::string_view before, absl::string_view before_zh) {
  const __int128 now = now_fen < 0 ? -static_cast<__int128>(now_fen) : now_fen;
  const __int128 earlier =
      earlier_fen < 0 ? -static_cast<__int128>(earlier_fen) : static_cast<__int128>(earlier_fen);
  // Half of 1,000: the years before may have had twice as much.
  constexpr int kSuspicious = 500;
  if (now == 0 || earlier == 0) return std::nullopt;
  const bool more = now >= earlier * kSuspicious;
  if (!more && earlier < now * kSuspicious) return std::nullopt;
  const std::string here = FormatFen(now), there = FormatFen(earlier),
                    times = FormatFen(more ? now / earlier : earlier / now);
  const std::string says = more ? absl::StrCat("its ", here, " fen are ", times, " times the ",
                                               there, " fen stated for ", before)
                                : absl::StrCat("the ", there, " fen stated for ", before, " are ",
                                               times, " times its ", here, " fen");
  const std::string says_zh =
      more ? absl::StrCat("金额", here, "分，是", before_zh, "（", there, "分）的", times, "倍")
           : absl::StrCat(before_zh, "（", there, "分）是本次金额（", here, "分）的", times, "倍");
  return Finding{kMagnitudeRule,
                 Severity::kWarning,
                 "budget",
                 "",
                 absl::StrCat(says, ": were yuan (元) and 万元 taken for each other?"),
                 absl::StrCat(says_zh, "，请核对是否混淆了元与万元")};
}

}  // namespace fiscal::domain
