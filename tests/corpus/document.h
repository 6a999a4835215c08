// A disclosure as lines of text and figures, with what must hold between its figures.
//
//   layout --> Document --> Plant (changes printed figures) --> Render
//
// A figure is a Cell: where it stands, its exact value, how it is printed. A Relation is an
// equation between cells that some published rule states; it is used to know which figures a rule
// can see, and to prove clean documents clean. A plant changes `printed` only, so all else stays as
// printed. Not thread-safe.
#ifndef FISCAL_TESTS_CORPUS_DOCUMENT_H_
#define FISCAL_TESTS_CORPUS_DOCUMENT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace fiscal::corpus {

constexpr int64_t kWan = 1000000;  // fen in 万元
constexpr int64_t kYuanFen = 100;

struct MoneyStyle {
  int64_t unit_fen = kWan;
  int decimals = 2;
  bool commas = false;
  std::string zero;  // what stands where there is no money

  int64_t QuantumFen() const;
  std::string Print(int64_t fen) const;
};

enum class CellKind { kMoney, kPercent, kCount };

struct Cell {
  int table = 0;  // 1 to 13 as in the 13-table form, 0 narrative, 14 performance forms
  std::string row, column;
  CellKind kind = CellKind::kMoney;
  MoneyStyle style;
  int64_t value = 0;  // fen, hundredths of a percent, or a count
  std::string printed;
  std::string wrong_base;  // a percentage on the base it should not have; may be empty
  int line = -1;           // index into Document::lines
  bool gone = false;       // its row was taken out
};

// A piece of a line. `left` and `right` are columns in characters, -1 where the piece follows
// directly.
struct Piece {
  std::string text;
  int cell = -1;
  int left = -1;
  int right = -1;
};

struct Line {
  std::vector<Piece> pieces;
  bool gone = false;
};

struct Term {
  int cell = -1;
  int64_t factor = 1;
};

struct Relation {
  std::string rule;
  std::vector<Term> terms;  // sum of factor x value = constant
  int64_t constant = 0;
  // For a percentage: cell `percent` = |sum of terms| / |sum of base|.
  int percent = -1;
  std::vector<Term> base;
};

// A row that may be left out and whose loss a rule sees.
struct Removable {
  int table = 0;
  std::string row;
  std::vector<int> lines;
  std::vector<int> cells;
};

// Rows whose figures may change places, in printed order: cells by column.
using RowRun = std::vector<std::vector<int>>;

struct Document {
  std::vector<Line> lines;
  std::vector<Cell> cells;
  std::vector<Relation> relations;
  std::vector<Removable> removables;
  std::vector<RowRun> runs;
  bool form_feeds = false;  // page breaks as form feeds, else as lines that say so

  int AddMoney(int table, const std::string& row, const std::string& column, int64_t fen,
               const MoneyStyle& style);
  int AddCount(const std::string& row, const std::string& column, int64_t count);
  int AddPercent(const std::string& row, const std::string& column, int64_t hundredths,
                 const std::string& printed);
  void AddLine(std::vector<Piece> pieces);
  void AddText(const std::string& text) { AddLine({{text}}); }
  void AddPageBreak();
  // `whole` = sum of `parts`. Cells of -1 are left out.
  void Relate(const std::string& rule, int whole, const std::vector<int>& parts);

  bool Blank(int cell) const;
  // The value as it is printed now.
  int64_t PrintedValue(int cell) const;
  // How far the printed figures miss the relation, over what rounding explains; 0 or less where it
  // holds.
  int64_t Excess(const Relation& relation) const;
};

// The text, and the number (from 1) of the text line on which each line of the document stands.
struct Rendered {
  std::string text;
  std::vector<int> line_numbers;
};
Rendered Render(const Document& document);

// "14.54" from hundredths.
std::string PrintHundredths(int64_t hundredths, bool commas);
// |part| / |whole| in hundredths of a percent, half up. 0 where `whole` is 0.
int64_t Share(int64_t part, int64_t whole);
int CharacterCount(const std::string& text);

}  // namespace fiscal::corpus

#endif  // FISCAL_TESTS_CORPUS_DOCUMENT_H_
