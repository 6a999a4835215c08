// Descriptions of forms and rules: any text is parsed or refused, and what is parsed can be
// applied, without a crash. The first byte says which: a form when even, rules when odd. A seed:
// domain/data.
#include <cstdint>

#include "domain/articulation/check.h"
#include "domain/articulation/rule_pack.h"
#include "domain/disclosure/form.h"

namespace {

// A few rows of two tables and a sentence, for rules to be applied to.
fiscal::disclosure::Disclosure Small() {
  fiscal::disclosure::Disclosure d;
  d.document = true;
  for (int n : {0, 3, 5, 12}) {
    fiscal::disclosure::Table& t = d.table(n);
    t.number = n;
    t.columns = {"total", "basic", "project"};
    for (const char* key : {"total", "201", "20101", "2010101", "unit.1", "project.a"}) {
      fiscal::disclosure::Row row;
      row.key = row.label = key;
      if (key[0] == '2') {
        row.code = key;
        row.level = static_cast<int>(row.code.size() - 1) / 2;
      }
      row.cells.resize(3);
      for (int i = 0; i < 3; ++i) {
        fiscal::disclosure::Cell& cell = row.cells[static_cast<size_t>(i)];
        cell.value = 10000 * (n + i);
        cell.printed = i == 2 ? "" : "1.00";
        if (i == 2) cell.value = 0;
        fiscal::disclosure::SetInterval(10000, &cell);
      }
      t.rows.push_back(row);
    }
  }
  return d;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    const auto form = fiscal::disclosure::ParseForm(text);
    if (!form.ok()) return 0;
    for (const auto& table : form->tables) {
      for (const auto& column : table.columns) column.query.Text();
      form->TableOf(table.canonical, true);
    }
    return 0;
  }
  static const auto* const small = new fiscal::disclosure::Disclosure(Small());
  const auto rules = fiscal::articulation::ParseRules(text);
  if (rules.ok()) fiscal::articulation::Check(*small, *rules);
  return 0;
}
