#include "clients/cli/print/statutory_text.h"

#include "absl/strings/str_cat.h"
#include "clients/cli/print/json.h"
#include "clients/cli/print/text.h"

namespace fiscal::cli {
namespace {

namespace d = fiscal::disclosure::v1;

Table ToTable(const Grid& grid, bool indented) {
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
      cells.push_back(cell.figure != nullptr
                          ? cell.figure->printed()
                          : std::string(indented ? static_cast<size_t>(2 * cell.indent) : 0, ' ') +
                                cell.text);
    }
    table.Row(std::move(cells));
  }
  return table;
}

std::string UnitLine(const Grid& grid) {
  return absl::StrCat("单位：", std::string(disclosure::UnitName(grid.unit)));
}

std::string SharesJson(const google::protobuf::RepeatedPtrField<d::NarrativeShare>& shares) {
  std::vector<std::string> out;
  for (const d::NarrativeShare& s : shares) {
    out.push_back(JsonObject()
                      .Text("name", s.name())
                      .Text("amount_fen", absl::StrCat(s.amount_fen()))
                      .Number("share_hundredths", s.share_hundredths())
                      .Done());
  }
  return JsonLines(out);
}

std::string NarrativeJson(const d::Narrative& n) {
  JsonObject object;
  object.Text("income_fen", absl::StrCat(n.income_fen()))
      .Text("expenditure_fen", absl::StrCat(n.expenditure_fen()))
      .Raw("shares", SharesJson(n.shares()));
  if (n.has_prior_expenditure_fen())
    object.Text("prior_expenditure_fen", absl::StrCat(n.prior_expenditure_fen()));
  if (n.has_change_percent_hundredths())
    object.Number("change_percent_hundredths", n.change_percent_hundredths());
  std::vector<std::string> sentences;
  for (const std::string& s : n.sentences()) sentences.push_back(JsonString(s));
  return object.Raw("three_public", SharesJson(n.three_public_expenses()))
      .Text("operating_fen", absl::StrCat(n.operating_fen()))
      .Raw("procurement", SharesJson(n.procurements()))
      .Raw("sentences", JsonLines(sentences))
      .Done();
}

std::string RowJson(const d::StatutoryTable& table, const d::StatutoryRow& row) {
  std::string cells;
  for (int i = 0; i < row.cells_size() && i < table.columns_size(); ++i) {
    const d::StatutoryColumn& column = table.columns(i);
    if (column.side() != row.side()) continue;
    absl::StrAppend(&cells, cells.empty() ? "" : ", ",
                    JsonObject()
                        .Text("column", column.key())
                        .Text("amount_fen", absl::StrCat(row.cells(i).amount_fen()))
                        .Text("printed", row.cells(i).printed())
                        .Text("query", row.cells(i).query())
                        .Done());
  }
  return JsonObject()
      .Text("key", row.key())
      .TextIfAny("code", row.code())
      .Text("label", row.label())
      .TextIfAny("other_label", row.other_label())
      .TextIfAny("side", row.side())
      .Number("level", row.level())
      .Raw("cells", absl::StrCat("[", cells, "]"))
      .Done();
}

std::string TableJson(const d::StatutoryTable& table) {
  std::string columns;
  for (const d::StatutoryColumn& c : table.columns()) {
    absl::StrAppend(&columns, columns.empty() ? "" : ", ",
                    JsonObject()
                        .Text("key", c.key())
                        .Text("label", c.label())
                        .TextIfAny("side", c.side())
                        .Done());
  }
  std::vector<std::string> rows;
  for (const d::StatutoryRow& row : table.rows()) rows.push_back(RowJson(table, row));
  return JsonObject()
      .Number("number", table.number())
      .Number("canonical_number", table.canonical_number())
      .Text("title", table.title())
      .Text("unit", table.unit())
      .TextIfAny("note", table.note())
      .Raw("columns", absl::StrCat("[", columns, "]"))
      .Raw("rows", JsonLines(rows))
      .Done();
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
  out << "\xef\xbb\xbf";
  const bool several = grids.size() > 1;
  for (const Grid& grid : grids) {
    if (several) {
      Table title({false, false, false});
      title.Row({grid.title, response.name(), UnitLine(grid)});
      title.PrintCsv(out);
    }
    ToTable(grid, false).PrintCsv(out);
    if (several) out << "\r\n";
  }
  Table sentences({false});
  for (const std::string& sentence : response.narrative().sentences()) sentences.Row({sentence});
  sentences.PrintCsv(out);
}

void PrintTablesJson(const d::GetTablesResponse& response, std::ostream& out) {
  std::vector<std::string> tables;
  for (const d::StatutoryTable& table : response.tables()) tables.push_back(TableJson(table));
  JsonObject object;
  object.Text("position", response.position())
      .Text("form", response.form())
      .Text("name", response.name())
      .Raw("tables", JsonLines(tables));
  if (response.has_narrative()) object.Raw("narrative", NarrativeJson(response.narrative()));
  out << object.Done() << "\n";
}

}  // namespace fiscal::cli
