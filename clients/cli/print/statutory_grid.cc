#include "clients/cli/print/statutory_grid.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace fiscal::cli {
namespace {

namespace d = fiscal::disclosure::v1;
using disclosure::Form;
using disclosure::FormColumn;
using disclosure::FormGroup;
using disclosure::FormStub;
using disclosure::FormTable;
using disclosure::Layout;

// In a strip each column is a figure of some table.
std::string KeyOf(const FormTable& form, const FormColumn& column) {
  return form.layout == Layout::kStrip ? absl::StrCat(column.table, ".", column.row) : column.key;
}

// The layout that has the columns of the table, where the form has two.
const FormTable* FormOf(const Form& form, const d::StatutoryTable& table) {
  for (const FormTable& f : form.tables) {
    if (f.number != table.number() || static_cast<int>(f.columns.size()) != table.columns_size())
      continue;
    const bool all =
        std::all_of(table.columns().begin(), table.columns().end(), [&](const auto& c) {
          return std::any_of(f.columns.begin(), f.columns.end(), [&](const FormColumn& k) {
            return KeyOf(f, k) == c.key() && k.side == c.side();
          });
        });
    if (all) return &f;
  }
  return nullptr;
}

// "2024" of "2024年预算收支总表".
std::string YearOf(const std::string& title) {
  const size_t end = title.find("年");
  return end == std::string::npos ? "" : title.substr(0, end);
}

bool IsTotal(const d::StatutoryRow& row) {
  return row.key() == "total" || absl::EndsWith(row.key(), ".total") ||
         row.key() == "income.year" || row.key() == "expenditure.year";
}

class Layer {
 public:
  Layer(const FormTable& form, const d::StatutoryTable& table) : form_(form), table_(table) {
    grid_.number = table.number();
    grid_.title = table.title();
    grid_.note = table.note();
    grid_.unit =
        table.unit() == "元" ? disclosure::MoneyUnit::kYuan : disclosure::MoneyUnit::kWanyuan;
    grid_.landscape = form.landscape;
  }

  absl::StatusOr<Grid> Run() {
    const bool two_sided = form_.layout == Layout::kBalance || form_.layout == Layout::kCodePair;
    const std::vector<std::string> sides =
        two_sided ? std::vector<std::string>{"left", "right"} : std::vector<std::string>{""};
    for (const std::string& side : sides) {
      Stubs(side);
      for (int i = 0; i < table_.columns_size(); ++i) {
        const d::StatutoryColumn& c = table_.columns(i);
        if (c.side() == side) Column(side, c.key(), {GridColumn::Kind::kAmount, c.label()}, i);
      }
    }
    Headings();
    for (const d::StatutoryRow& row : table_.rows()) {
      if (row.cells_size() != table_.columns_size())
        return absl::FailedPreconditionError(absl::StrCat(
            "table ", table_.number(), ", row ", row.key(), ": not a cell for each column"));
    }
    two_sided ? PairRows() : PlainRows();
    return std::move(grid_);
  }

 private:
  // A column of the grid as the form knows it: side and key; `at` its place in the response.
  struct Source {
    std::string side, key;
    int at;
  };

  void Column(const std::string& side, const std::string& key, GridColumn column, int at) {
    column.right_side = side == "right";
    sources_.push_back({side, key, at});
    grid_.columns.push_back(std::move(column));
  }

  std::vector<std::string> StubLabels(const std::string& side, const std::string& key) const {
    for (const FormStub& s : form_.stubs) {
      if (s.side == side && s.key == key) return s.labels;
    }
    return {key == "code" ? "编码" : "项目"};
  }

  void Stubs(const std::string& side) {
    if (form_.layout == Layout::kStrip) return;
    if (form_.layout == Layout::kCodes || form_.layout == Layout::kCodePair) {
      std::vector<std::string> labels = StubLabels(side, "code");
      labels.resize(static_cast<size_t>(form_.code_columns));
      for (std::string& label : labels)
        Column(side, "code", {GridColumn::Kind::kCode, std::move(label)}, -1);
    }
    Column(side, "name", {GridColumn::Kind::kName, StubLabels(side, "name")[0]}, -1);
    if (form_.layout == Layout::kEconomic)
      Column(side, "other", {GridColumn::Kind::kName, StubLabels(side, "other")[0]}, -1);
  }

  static bool Holds(const FormGroup& group, const Source& source) {
    return group.side == source.side &&
           std::find(group.columns.begin(), group.columns.end(), source.key) != group.columns.end();
  }

  // Groups over each column from the widest down, then the column's own heading, down to the last
  // line.
  void Headings() {
    std::vector<const FormGroup*> groups;
    for (const FormGroup& g : form_.groups) groups.push_back(&g);
    auto width = [this](const FormGroup* g) {
      return std::count_if(sources_.begin(), sources_.end(),
                           [g](const Source& s) { return Holds(*g, s); });
    };
    std::stable_sort(groups.begin(), groups.end(),
                     [&](const FormGroup* a, const FormGroup* b) { return width(a) > width(b); });
    std::vector<std::vector<const FormGroup*>> above(sources_.size());
    size_t deepest = 0;
    for (size_t i = 0; i < sources_.size(); ++i) {
      for (const FormGroup* g : groups) {
        if (Holds(*g, sources_[i])) above[i].push_back(g);
      }
      deepest = std::max(deepest, above[i].size());
    }
    const std::string year = YearOf(table_.title());
    for (size_t line = 0; line < deepest; ++line) {
      for (size_t i = 0; i < sources_.size();) {
        size_t end = i + 1;
        if (line >= above[i].size()) {
          i = end;
          continue;
        }
        const FormGroup* g = above[i][line];
        while (end < sources_.size() && line < above[end].size() && above[end][line] == g) ++end;
        grid_.headings.push_back({static_cast<int>(line), static_cast<int>(i), 1,
                                  static_cast<int>(end - i),
                                  absl::StrReplaceAll(g->label, {{"{year}", year}})});
        i = end;
      }
    }
    for (size_t i = 0; i < sources_.size(); ++i) {
      grid_.headings.push_back({static_cast<int>(above[i].size()), static_cast<int>(i),
                                static_cast<int>(deepest - above[i].size()) + 1, 1,
                                grid_.columns[i].label});
    }
    grid_.heading_lines = static_cast<int>(deepest) + 1;
    if (!form_.numbered) return;
    for (size_t i = 0; i < sources_.size(); ++i)
      grid_.headings.push_back(
          {grid_.heading_lines, static_cast<int>(i), 1, 1, absl::StrCat(i + 1)});
    ++grid_.heading_lines;
  }

  // The cells of one side of a row; blank ones where there is no row.
  void Cells(const d::StatutoryRow* row, const std::string& side,
             std::vector<GridCell>* out) const {
    size_t stubs = 0, code_part = 0;
    const size_t first = out->size();
    for (const Source& s : sources_) {
      if (s.side != side) continue;
      GridCell cell;
      if (s.at < 0) ++stubs;
      if (row != nullptr) {
        if (s.at >= 0) {
          cell.figure = &row->cells(s.at);
        } else if (s.key == "code") {
          cell.text = CodePart(row->code(), code_part++);
        } else if (s.key == "other") {
          cell.text = row->other_label();
        } else {
          cell.text = row->label();
          if (form_.layout == Layout::kEconomic || form_.layout == Layout::kProjects)
            cell.indent = std::max(0, row->level() - (form_.layout == Layout::kEconomic ? 1 : 0));
        }
      }
      out->push_back(std::move(cell));
    }
    if (row == nullptr || stubs == 0 || !IsTotal(*row)) return;
    // 合计 stands across codes and names.
    GridCell& head = (*out)[first];
    head.text = row->label();
    head.centred = true;
    head.columns = static_cast<int>(stubs);
    for (size_t i = 1; i < stubs; ++i) (*out)[first + i].text.clear();
  }

  std::string CodePart(const std::string& code, size_t part) const {
    if (form_.code_columns == 1) return code;
    // 类 has three digits, what is below it two each.
    const size_t from = part == 0 ? 0 : 1 + 2 * part;
    return from >= code.size() ? "" : code.substr(from, part == 0 ? 3 : 2);
  }

  void PlainRows() {
    for (const d::StatutoryRow& row : table_.rows()) {
      grid_.rows.emplace_back();
      Cells(&row, "", &grid_.rows.back());
    }
  }

  // Rows of both sides beside each other. Those with one name on both sides ("income.year",
  // "expenditure.year") share a line; the side with fewer rows before it has blanks there.
  void PairRows() {
    std::vector<const d::StatutoryRow*> left, right;
    for (const d::StatutoryRow& row : table_.rows())
      (row.side() == "right" ? right : left).push_back(&row);
    const size_t stubs_left = static_cast<size_t>(std::count_if(
        sources_.begin(), sources_.end(), [](const Source& s) { return s.side == "left"; }));
    auto put = [&](const d::StatutoryRow* l, const d::StatutoryRow* r) {
      grid_.rows.emplace_back();
      std::vector<GridCell>& row = grid_.rows.back();
      Cells(l, "left", &row);
      Cells(r, "right", &row);
      // One 合计 at the left serves both halves of a table by codes.
      if (form_.layout == Layout::kCodePair && l != nullptr && r != nullptr && IsTotal(*l) &&
          IsTotal(*r))
        row[stubs_left].text.clear();
    };
    size_t i = 0, k = 0;
    while (i < left.size() || k < right.size()) {
      size_t next_i = left.size(), next_k = right.size();
      for (size_t a = i; a < left.size() && next_i == left.size(); ++a) {
        for (size_t b = k; b < right.size(); ++b) {
          if (Partner(left[a]->key()) == right[b]->key()) {
            next_i = a;
            next_k = b;
            break;
          }
        }
      }
      for (; i < next_i || k < next_k;)
        put(i < next_i ? left[i++] : nullptr, k < next_k ? right[k++] : nullptr);
      if (i < left.size() && k < right.size()) put(left[i++], right[k++]);
    }
  }

  // The row at the right that stands beside a row at the left; empty for none.
  static std::string Partner(absl::string_view key) {
    if (absl::ConsumePrefix(&key, "income.")) return absl::StrCat("expenditure.", key);
    return key == "revenue.total" || key == "total" ? "total" : "";
  }

  const FormTable& form_;
  const d::StatutoryTable& table_;
  std::vector<Source> sources_;
  Grid grid_;
};

}  // namespace

absl::StatusOr<std::vector<Grid>> LayOut(const d::GetTablesResponse& response, const Form& form) {
  std::vector<Grid> grids;
  for (const d::StatutoryTable& table : response.tables()) {
    const FormTable* f = FormOf(form, table);
    if (f == nullptr) {
      return absl::FailedPreconditionError(absl::StrCat("table ", table.number(), " of the form ",
                                                        form.id, " has other columns here"));
    }
    FISCAL_ASSIGN_OR_RETURN(Grid grid, Layer(*f, table).Run());
    grids.push_back(std::move(grid));
  }
  return grids;
}

}  // namespace fiscal::cli
