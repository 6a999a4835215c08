#include "clients/importer/narrative.h"

#include <re2/re2.h>

#include <map>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "domain/disclosure/code_lists.h"
#include "domain/disclosure/names.h"

namespace fiscal::importer {
namespace {

using disclosure::Cell;
using disclosure::Disclosure;
using disclosure::FactPattern;
using disclosure::FoldName;
using disclosure::Measure;
using disclosure::Row;
using disclosure::Table;

// "{m:amount}" and its like as RE2 groups.
std::string Expanded(const std::string& pattern) {
  struct {
    const char *mark, *body, *tail;
  } const kinds[] = {
      {"m", "-?[\\d,]+(?:\\.\\d+)?", "万元"},
      {"p", "-?[\\d,]+(?:\\.\\d+)?", "%"},
      {"n", "\\d+", ""},
      {"t", "[^,;:、。\\d“”()]+", ""},
      {"d", "增加|减少|上升|下降|增长|降低", ""},
  };
  std::string out;
  for (size_t i = 0; i < pattern.size();) {
    bool macro = false;
    if (pattern[i] == '{' && i + 2 < pattern.size() && pattern[i + 2] == ':') {
      const size_t end = pattern.find('}', i);
      for (const auto& k : kinds) {
        if (pattern[i + 1] != k.mark[0] || end == std::string::npos) continue;
        absl::StrAppend(&out, "(?P<", k.mark, "_", pattern.substr(i + 3, end - i - 3), ">", k.body,
                        ")", k.tail);
        i = end + 1;
        macro = true;
        break;
      }
    }
    if (macro) continue;
    if (pattern[i] == '~') {
      out += "[^。]*?";
    } else {
      out += pattern[i];
    }
    ++i;
  }
  return out;
}

struct Compiled {
  const FactPattern* pattern = nullptr;
  std::unique_ptr<RE2> regex, region;
  // Names of the groups by number.
  std::map<int, std::string> groups;
};

std::vector<Compiled> Compile(const disclosure::Form& form) {
  std::vector<Compiled> out;
  RE2::Options options;
  options.set_dot_nl(true);
  options.set_log_errors(false);
  for (const FactPattern& p : form.facts) {
    Compiled c;
    c.pattern = &p;
    c.regex = std::make_unique<RE2>(Expanded(p.regex), options);
    FISCAL_CHECK(c.regex->ok(), "a form has an unsound pattern");
    if (!p.region.empty()) {
      c.region = std::make_unique<RE2>(p.region, options);
      FISCAL_CHECK(c.region->ok(), "a form has an unsound region");
    }
    c.groups = c.regex->CapturingGroupNames();
    out.push_back(std::move(c));
  }
  return out;
}

const std::vector<Compiled>& CompiledOf(const disclosure::Form& form) {
  // The forms that ship live as long as the program; others are compiled each time.
  static const auto* const shipped = [] {
    auto* all = new std::map<const disclosure::Form*, std::vector<Compiled>>();
    for (const disclosure::Form& f : disclosure::ShippedForms()) (*all)[&f] = Compile(f);
    return all;
  }();
  auto it = shipped->find(&form);
  if (it != shipped->end()) return it->second;
  thread_local std::vector<Compiled> other;
  other = Compile(form);
  return other;
}

class Narrator {
 public:
  explicit Narrator(Disclosure* d) : d_(d), table_(d->table(disclosure::kNarrative)) {
    table_.unit = MoneyUnit::kWanyuan;
  }

  void Run(const Compiled& c) {
    re2::StringPiece text(d_->narrative);
    if (c.region != nullptr) {
      re2::StringPiece region;
      if (!c.region->Match(text, 0, text.size(), RE2::UNANCHORED, &region, 1)) return;
      text = region;
    }
    std::vector<re2::StringPiece> groups(static_cast<size_t>(c.regex->NumberOfCapturingGroups()) +
                                         1);
    size_t at = 0;
    int nth = 0;
    while (c.regex->Match(text, at, text.size(), RE2::UNANCHORED, groups.data(),
                          static_cast<int>(groups.size()))) {
      Take(c, groups, ++nth);
      if (!c.pattern->repeated) return;
      const size_t end = static_cast<size_t>(groups[0].data() - text.data()) + groups[0].size();
      if (end == at) return;
      at = end;
    }
  }

 private:
  void Take(const Compiled& c, const std::vector<re2::StringPiece>& groups, int nth) {
    std::map<std::string, absl::string_view> texts, directions;
    for (const auto& [i, name] : c.groups) {
      const auto& g = groups[static_cast<size_t>(i)];
      if (g.data() == nullptr) continue;
      if (name[0] == 't') texts[name.substr(2)] = absl::string_view(g.data(), g.size());
      if (name[0] == 'd') directions[name.substr(2)] = absl::string_view(g.data(), g.size());
    }
    const int line = LineOf(groups[0]);
    Row& row = RowOf(Key(c.pattern->row, texts, nth), line);
    for (const auto& [i, name] : c.groups) {
      const auto& g = groups[static_cast<size_t>(i)];
      if (g.data() == nullptr || name[0] == 'd') continue;
      const std::string printed(g.data(), g.size());
      const std::string column = name.substr(2);
      Cell cell;
      cell.printed = printed;
      cell.line = LineOf(g);
      if (name[0] == 't') {
        if (column != "names") continue;
        cell.measure = Measure::kCount;
      } else if (name[0] == 'n') {
        cell.measure = Measure::kCount;
        if (!absl::SimpleAtoi(printed, &cell.value)) continue;
        cell.low = cell.high = cell.value;
      } else {
        // Percentages as millionths of a percent: the scale of 万元.
        const auto figure = disclosure::ParseFigure(printed, MoneyUnit::kWanyuan);
        if (!figure) continue;
        cell.measure = name[0] == 'p' ? Measure::kPercent : Measure::kMoney;
        cell.value = figure->fen;
        cell.decimals = static_cast<uint8_t>(figure->decimals);
        auto d = directions.find(column);
        if (d != directions.end() &&
            (d->second == "减少" || d->second == "下降" || d->second == "降低"))
          cell.value = -cell.value;
        SetInterval(
            cell.value == 0 ? 1 : disclosure::PlaceFen(MoneyUnit::kWanyuan, figure->decimals),
            &cell);
      }
      const int at = ColumnOf(column);
      // The first sentence that states it counts.
      Cell& place = row.cells[static_cast<size_t>(at)];
      if (place.blank()) place = cell;
    }
  }

  std::string Key(const std::string& pattern, const std::map<std::string, absl::string_view>& texts,
                  int nth) const {
    if (pattern == "class.?") {
      const std::string name(disclosure::WithoutOrdinal(std::string(texts.at("name"))));
      for (const Row& row : d_->table(3).rows) {
        if (row.level == 1 && disclosure::SameName(disclosure::ShippedLists().functional, row.code,
                                                   FoldName(row.label), name))
          return "class." + row.code;
      }
      const auto codes = disclosure::ShippedLists().functional.Named(name, 3);
      return codes.size() == 1 ? "class." + codes[0] : absl::StrCat("class.?", nth);
    }
    if (pattern == "item.?") return ItemKey(texts, nth);
    if (absl::EndsWith(pattern, "#"))
      return absl::StrCat(pattern.substr(0, pattern.size() - 1), nth);
    return pattern;
  }

  // The 项 that the three names lead to; one that table 3 leaves out may stand in another.
  std::string ItemKey(const std::map<std::string, absl::string_view>& texts, int nth) const {
    for (int table : {3, 2, 5, 8, 9}) {
      std::string last, parent;
      for (const Row& row : d_->table(table).rows) {
        if (row.code.empty()) continue;
        const std::string name = FoldName(row.label);
        if (row.level == 1) last = name == texts.at("class") ? row.code : "";
        if (row.level == 2) parent = !last.empty() && name == texts.at("kuan") ? row.code : "";
        if (row.level == 3 && !parent.empty() && absl::StartsWith(row.code, parent) &&
            name == texts.at("item"))
          return "item." + row.code;
      }
    }
    return absl::StrCat("item.?", nth);
  }

  int LineOf(const re2::StringPiece& part) const {
    return d_->LineAt(static_cast<size_t>(part.data() - d_->narrative.data()));
  }

  Row& RowOf(const std::string& key, int line) {
    if (Row* row = table_.Find(key); row != nullptr) return *row;
    Row row;
    row.key = row.label = key;
    row.line = line;
    const size_t dot = key.find('.');
    if (dot != std::string::npos && key.find('?') == std::string::npos)
      row.code = key.substr(dot + 1);
    row.cells.resize(table_.columns.size());
    table_.rows.push_back(std::move(row));
    return table_.rows.back();
  }

  int ColumnOf(const std::string& column) {
    const int at = table_.ColumnOf(column);
    if (at >= 0) return at;
    table_.columns.push_back(column);
    for (Row& row : table_.rows) row.cells.resize(table_.columns.size());
    return static_cast<int>(table_.columns.size()) - 1;
  }

  Disclosure* d_;
  Table& table_;
};

}  // namespace

void ReadNarrative(const disclosure::Form& form, const std::vector<TextLine>& rest,
                   Disclosure* out) {
  for (const TextLine& line : rest) {
    if (line.tabbed) continue;
    out->narrative_lines.push_back({out->narrative.size(), line.number});
    out->narrative += line.folded;
  }
  Narrator narrator(out);
  for (const Compiled& c : CompiledOf(form)) narrator.Run(c);
}

}  // namespace fiscal::importer
