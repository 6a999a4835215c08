#include "clients/cli/print/statutory_text.h"

#include "absl/strings/str_cat.h"
#include "clients/cli/print/json.h"
#include "clients/cli/print/text.h"
#include "clients/sheets/csv.h"

namespace fiscal::cli {
namespace {

namespace d = fiscal::disclosure::v1;

std::string Exactly(const d::StatutoryCell& figure, disclosure::MoneyUnit unit) {
  if (figure.printed().empty()) return "";
  return FormatExact(figure.amount_fen(),
                     unit == disclosure::MoneyUnit::kYuan ? Unit::kYuan : Unit::kWanyuan);
}

// For people as the form prints it; else exact, and trees without indents.
Table ToTable(const Grid& grid, bool for_people) {
  std::vector<bool> right;
  std::vector<std::string> heading;
  for (const GridColumn& c : grid.columns) {
    right.push_back(c.kind == GridColumn::Kind::kAmount);
    heading.push_back(c.label);
  }
  Table table(right);
  table.Row(std::move(heading));
  for (const std::vector<GridCell>& row : grid.rows) {
    std::vector<std::string> cells;
    for (const GridCell& cell : row) {
      if (cell.figure != nullptr) {
        cells.push_back(for_people ? cell.figure->printed() : Exactly(*cell.figure, grid.unit));
      } else {
        const int indent = for_people ? 2 * cell.indent : 0;
        cells.push_back(std::string(static_cast<size_t>(indent), ' ') + cell.text);
      }
    }
    table.Row(std::move(cells));
  }
  return table;
}

std::string UnitLine(const Grid& grid) {
  return absl::StrCat("单位：", std::string(disclosure::UnitName(grid.unit)));
}

Json SharesJson(const google::protobuf::RepeatedPtrField<d::NarrativeShare>& shares) {
  return JsonList(shares, [](const d::NarrativeShare& s) {
    return Json{{"name", s.name()},
                {"amount_fen", absl::StrCat(s.amount_fen())},
                {"share_hundredths", s.share_hundredths()}};
  });
}

Json NarrativeJson(const d::Narrative& n) {
  Json object = {{"income_fen", absl::StrCat(n.income_fen())},
                 {"expenditure_fen", absl::StrCat(n.expenditure_fen())},
                 {"shares", SharesJson(n.shares())}};
  if (n.has_prior_expenditure_fen())
    object["prior_expenditure_fen"] = absl::StrCat(n.prior_expenditure_fen());
  if (n.has_change_percent_hundredths())
    object["change_percent_hundredths"] = n.change_percent_hundredths();
  object["three_public"] = SharesJson(n.three_public_expenses());
  object["operating_fen"] = absl::StrCat(n.operating_fen());
  object["procurement"] = SharesJson(n.procurements());
  object["sentences"] = JsonList(n.sentences());
  return object;
}

Json RowJson(const d::StatutoryTable& table, const d::StatutoryRow& row) {
  Json object = {{"key", row.key()}};
  AddIfAny("code", row.code(), &object);
  object["label"] = row.label();
  AddIfAny("other_label", row.other_label(), &object);
  AddIfAny("side", row.side(), &object);
  object["level"] = row.level();
  Json cells = Json::array();
  for (int i = 0; i < row.cells_size() && i < table.columns_size(); ++i) {
    const d::StatutoryColumn& column = table.columns(i);
    if (column.side() != row.side()) continue;
    cells.push_back(Json{{"column", column.key()},
                         {"amount_fen", absl::StrCat(row.cells(i).amount_fen())},
                         {"printed", row.cells(i).printed()},
                         {"query", row.cells(i).query()}});
  }
  object["cells"] = std::move(cells);
  return object;
}

Json ColumnJson(const d::StatutoryColumn& column) {
  Json object = {{"key", column.key()}, {"label", column.label()}};
  AddIfAny("side", column.side(), &object);
  return object;
}

Json TableJson(const d::StatutoryTable& table) {
  Json object = {{"number", table.number()},
                 {"canonical_number", table.canonical_number()},
                 {"title", table.title()},
                 {"unit", table.unit()}};
  AddIfAny("note", table.note(), &object);
  object["columns"] = JsonList(table.columns(), ColumnJson);
  object["rows"] =
      JsonList(table.rows(), [&table](const d::StatutoryRow& row) { return RowJson(table, row); });
  return object;
}

}  // namespace

void PrintTables(const d::GetTablesResponse& response, const std::vector<Grid>& grids,
                 std::ostream& out) {
  for (const Grid& grid : grids) {
    out << grid.title << "\n" << response.name() << "  " << UnitLine(grid) << "\n";
    ToTable(grid, true).Print(out);
    if (!grid.note.empty()) out << grid.note << "\n";
    out << "\n";
  }
  for (const std::string& sentence : response.narrative().sentences()) out << sentence << "\n";
}

void PrintTablesCsv(const d::GetTablesResponse& response, const std::vector<Grid>& grids,
                    std::ostream& out) {
  out << sheets::kByteOrderMark;
  const bool several = grids.size() > 1;
  for (const Grid& grid : grids) {
    if (several) {
      Table title({false, false, false});
      title.Row({grid.title, response.name(), UnitLine(grid)});
      title.PrintCsvRows(out);
    }
    ToTable(grid, false).PrintCsvRows(out);
    if (several) out << "\r\n";
  }
  Table sentences({false});
  for (const std::string& sentence : response.narrative().sentences()) sentences.Row({sentence});
  sentences.PrintCsvRows(out);
}

void PrintTablesJson(const d::GetTablesResponse& response, std::ostream& out) {
  Json object = {{"position", response.position()},
                 {"form", response.form()},
                 {"name", response.name()},
                 {"tables", JsonList(response.tables(), TableJson)}};
  if (response.has_narrative()) object["narrative"] = NarrativeJson(response.narrative());
  out << OneLine(object) << "\n";
}

}  // namespace fiscal::cli
