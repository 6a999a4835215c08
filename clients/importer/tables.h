// The thirteen tables as typed rows. Building them proves the reading by structure: every row is known, every printed figure
// stands in exactly one cell.
#ifndef FISCAL_CLIENTS_IMPORTER_TABLES_H_
#define FISCAL_CLIENTS_IMPORTER_TABLES_H_

#include <array>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/importer/document.h"
#include "clients/importer/importer.h"

namespace fiscal::importer {

// A cell that may hold money.
struct Cell {
  bool printed = false;
  int64_t fen = 0;
};

// A row with a name and figures; `code` where the table has codes.
struct Row {
  int line = 0;
  std::string code;
  std::string name;
  // The second name of table 6.
  std::string other_name;
  std::vector<Cell> cells;
  int64_t at(size_t i) const { return cells[i].fen; }
  bool any() const {
    for (const Cell& c : cells) {
      if (c.printed) return true;
    }
    return false;
  }
};

// Rows by code (T2, T3, T5, T7, T8 and each side of T9): the 合计 row and the rest in printed order.
struct CodeTable {
  std::optional<Row> total;
  std::vector<Row> rows;
  const Row* Find(const std::string& code) const;
  // True when no other row has a longer code starting with this one.
  bool IsLeaf(const Row& row) const;
};

// T1 and T4: a list at the left, the 类 at the right.
struct BalanceTable {
  std::array<Row, 5> income;          // by fund: G F S A U; T4 has the first three
  Row income_total;                   // 本年收入合计
  Row carry_in;                       // 上年结转; of T4: its own figure or the sum of its books
  std::array<Row, 3> carry_in_books;  // T4 only
  Row income_grand;                   // 收入总计
  std::vector<Row> classes;           // right side, printed order
  Row expenditure_total;              // 本年支出合计
  Row carry_out;                      // 年终结转
  Row expenditure_grand;              // 支出总计
};

struct ProjectTable {
  std::optional<Row> department;
  struct UnitRows {
    Row unit;
    std::vector<Row> projects;
  };
  std::vector<UnitRows> units;
};

struct Tables {
  const Document* document = nullptr;
  DocumentUnit unit = DocumentUnit::kUnknown;
  // Most digits printed after the point, over all tables.
  int decimals = 0;
  BalanceTable t1, t4;
  CodeTable t2, t3, t5, t7, t8, t9_income, t9_expenditure;
  std::optional<Row> t6_total;
  // 类 rows with the 款 rows after them.
  struct Economic {
    Row top;
    std::vector<Row> items;
  };
  std::vector<Economic> t6;
  // 因公出国, 公务接待, 公务用车, 购置, 运行, 合计.
  std::array<Row, 6> t10;
  std::optional<Row> t11_total;
  std::vector<Row> t11_units;
  ProjectTable t12, t13;
  std::vector<TableReport> reports;

  const RawTable& raw(int number) const {
    return document->tables[static_cast<size_t>(number - 1)];
  }
  // One unit in the last place printed, in fen.
  int64_t grain() const;
};

// INVALID_ARGUMENT: "table 3, line 214: ...". `unit_names` are folded names of known agencies, which tell units from projects.
absl::StatusOr<Tables> ReadTables(const Document& document,
                                  const std::set<std::string>& unit_names);

}  // namespace fiscal::importer

#endif  // FISCAL_CLIENTS_IMPORTER_TABLES_H_
