#include "tests/support/statutory_tables.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "domain/disclosure/money.h"

namespace fiscal::testing {
namespace {

namespace d = fiscal::disclosure::v1;
using disclosure::FormColumn;
using disclosure::FormTable;
using disclosure::Layout;

std::string SideOf(const FormTable& form, const disclosure::Row& row) {
  if (form.layout == Layout::kCodePair)
    return absl::StartsWith(row.key, "revenue.") ? "left" : "right";
  if (form.layout != Layout::kBalance) return "";
  return absl::StartsWith(row.key, "income.") ? "left" : "right";
}

// Of two layouts the one with exactly these columns.
const FormTable& FormOf(const disclosure::Form& form, const disclosure::Table& table) {
  const FormTable* found = nullptr;
  for (const FormTable& f : form.tables) {
    if (f.number == table.form_number &&
        (f.columns.size() == table.columns.size() || found == nullptr))
      found = &f;
  }
  return *found;
}

// Tables whose figures stand in one row of one table.
void FillStrip(const FormTable& form, const disclosure::Disclosure& disclosure,
               d::StatutoryTable* out) {
  out->set_number(form.number);
  out->set_canonical_number(form.canonical);
  out->set_title(absl::StrCat(disclosure.fiscal_year, "年", form.title));
  out->set_unit(std::string(disclosure::UnitName(form.unit)));
  d::StatutoryRow* row = out->add_rows();
  row->set_key("total");
  for (const FormColumn& c : form.columns) {
    d::StatutoryColumn* column = out->add_columns();
    column->set_key(absl::StrCat(c.table, ".", c.row));
    column->set_label(c.labels[0]);
    d::StatutoryCell* cell = row->add_cells();
    if (const disclosure::Cell* read = disclosure.table(c.table).At(c.row, c.key)) {
      cell->set_amount_fen(read->value);
      cell->set_printed(read->printed);
    }
  }
}

}  // namespace

d::GetTablesResponse ToResponse(const disclosure::Disclosure& disclosure,
                                const disclosure::Form& form) {
  d::GetTablesResponse out;
  out.set_position("7");
  out.set_form(disclosure.form);
  out.set_name(disclosure.department_name);
  for (int n = 1; n <= disclosure::kTables; ++n) {
    const disclosure::Table& table = disclosure.table(n);
    if (!disclosure.has(n)) continue;
    const FormTable& f = FormOf(form, table);
    if (f.layout == Layout::kStrip && f.canonical != n) continue;
    d::StatutoryTable* t = out.add_tables();
    if (f.layout == Layout::kStrip) {
      // Its second table is in it.
      FillStrip(f, disclosure, t);
      continue;
    }
    t->set_number(table.form_number);
    t->set_canonical_number(n);
    t->set_title(absl::StrCat(disclosure.fiscal_year, "年", f.title));
    t->set_unit(std::string(disclosure::UnitName(table.unit)));
    if (!table.any()) t->set_note(f.empty_note);
    for (const std::string& key : table.columns) {
      d::StatutoryColumn* column = t->add_columns();
      column->set_key(key);
      for (const FormColumn& c : f.columns) {
        if (c.key != key) continue;
        column->set_label(c.labels[0]);
        column->set_side(c.side);
      }
    }
    // The reader keeps 类 behind the rows that the form fixes; lines have the printed order.
    std::vector<disclosure::Row> rows = table.rows;
    std::stable_sort(
        rows.begin(), rows.end(),
        [](const disclosure::Row& a, const disclosure::Row& b) { return a.line < b.line; });
    for (const disclosure::Row& row : rows) {
      d::StatutoryRow* r = t->add_rows();
      r->set_key(row.key);
      if (!absl::StartsWith(row.key, "class.")) r->set_code(row.code);
      r->set_label(row.label);
      r->set_other_label(row.other_label);
      r->set_side(SideOf(f, row));
      r->set_level(row.level);
      for (size_t i = 0; i < row.cells.size(); ++i) {
        d::StatutoryCell* cell = r->add_cells();
        if (t->columns(static_cast<int>(i)).side() != r->side()) continue;
        cell->set_amount_fen(row.cells[i].value);
        cell->set_printed(row.cells[i].printed);
        cell->set_query("expenditure");
      }
    }
  }
  return out;
}

}  // namespace fiscal::testing
