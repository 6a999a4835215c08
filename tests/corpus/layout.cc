#include "tests/corpus/layout.h"

#include <cstdlib>

#include "tests/corpus/codes.h"

namespace fiscal::corpus {

int CodeTable::At(const std::string& code, size_t column) const {
  const auto it = cells.find(code);
  return it == cells.end() ? -1 : it->second[column];
}

CodeTable AddCodeTable(Document& document, int table, const std::string& tree_rule,
                       const std::set<std::string>& items, const std::vector<std::string>& columns,
                       const MoneyStyle& style,
                       const std::function<int64_t(const std::string&, size_t)>& amount) {
  CodeTable made;
  std::set<std::string> codes;
  for (const std::string& item : items) {
    codes.insert(item.substr(0, 3));
    codes.insert(item.substr(0, 5));
    codes.insert(item);
  }
  made.codes.assign(codes.begin(), codes.end());
  const auto add = [&](const std::string& code) {
    for (size_t column = 0; column < columns.size(); ++column) {
      made.cells[code].push_back(document.AddMoney(table, code.empty() ? "合计" : code,
                                                   columns[column], amount(code, column), style));
    }
  };
  add("");
  for (const std::string& code : made.codes) add(code);
  if (tree_rule.empty()) return made;
  for (size_t column = 0; column < columns.size(); ++column) {
    const auto relate = [&](const std::string& parent, size_t length) {
      std::vector<int> parts;
      for (const std::string& code : made.codes) {
        if (code.size() == length && StartsWith(code, parent))
          parts.push_back(made.At(code, column));
      }
      document.Relate(tree_rule + (length == 7 ? "-H5" : "-H3"), made.At(parent, column), parts);
    };
    relate("", 3);
    for (const std::string& code : made.codes) {
      if (code.size() < 7) relate(code, code.size() + 2);
    }
  }
  return made;
}

void AllowRowErrors(Document& document, int table, const CodeTable& cells,
                    const std::map<std::string, std::vector<int>>& line_of) {
  RowRun run;
  std::string parent;
  std::map<std::string, int> children;
  for (const std::string& code : cells.codes) {
    if (code.size() == 7) ++children[code.substr(0, 5)];
  }
  const auto close = [&] {
    if (run.size() > 1) document.runs.push_back(run);
    run.clear();
  };
  for (const std::string& code : cells.codes) {
    if (code.size() != 7) continue;
    if (code.substr(0, 5) != parent) close();
    parent = code.substr(0, 5);
    run.push_back(cells.cells.at(code));
    if (children[parent] > 1) {
      document.removables.push_back({table, code, line_of.at(code), cells.cells.at(code)});
    }
  }
  close();
}

int Sentence::Money(const std::string& row, const std::string& column, int64_t fen) {
  const int cell = document_.AddMoney(0, row, column, fen, style_);
  pieces_.push_back({"", cell});
  return cell;
}

int Sentence::Count(const std::string& row, const std::string& column, int64_t count) {
  const int cell = document_.AddCount(row, column, count);
  pieces_.push_back({"", cell});
  return cell;
}

int Sentence::Percent(const std::string& row, const std::string& column, int64_t part,
                      int64_t whole, int64_t other) {
  const auto base = [&](int64_t fen) {
    const int64_t quantum = style_.QuantumFen();
    return from_printed_ ? (std::abs(fen) + quantum / 2) / quantum : std::abs(fen);
  };
  const auto print = [&](int64_t hundredths) -> std::string {
    if (hundredths == 0) return "0";
    if (hundredths == 10000 && whole_hundred_) return "100";
    return PrintHundredths(hundredths, false);
  };
  const int64_t hundredths = Share(base(part), base(whole));
  const int cell = document_.AddPercent(row, column, hundredths, print(hundredths));
  const int64_t wrong = Share(base(part), base(other));
  if (part != 0 && std::abs(wrong - hundredths) > 5) {
    document_.cells[size_t(cell)].wrong_base = print(wrong);
  }
  pieces_.push_back({"", cell});
  return cell;
}

void RelatePercent(Document& document, const std::string& rule, int percent,
                   const std::vector<Term>& terms, const std::vector<Term>& base) {
  Relation relation;
  relation.rule = rule;
  relation.terms = terms;
  relation.base = base;
  relation.percent = percent;
  document.relations.push_back(relation);
}

std::string Padded(int number, int width) {
  std::string text = std::to_string(number);
  while (int(text.size()) < width) text = "0" + text;
  return text;
}

}  // namespace fiscal::corpus
