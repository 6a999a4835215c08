#include "clients/cli/print/sheet_writer.h"

#include <xlsxwriter.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cli/print/statutory_grid.h"
#include "clients/cli/print/text.h"
#include "clients/cli/print/workbook_file.h"
#include "domain/disclosure/money.h"

namespace fiscal::cli {
namespace {

namespace d = fiscal::disclosure::v1;

constexpr char kFont[] = "宋体";
// Widths are in characters of the default font, heights in points.
constexpr double kPortraitWidth = 92, kLandscapeWidth = 136;
constexpr double kAmountWidth = 13, kCodeWidth = 12, kCodePartWidth = 6, kNameWidthMax = 44;
constexpr double kLine = 18, kTitleLine = 32;

// How a cell looks.
struct Look {
  bool border = false, bold = false, wrap = false;
  uint8_t align = LXW_ALIGN_LEFT;
  int indent = 0, size = 10;
  // Empty for text.
  std::string number;

  bool operator<(const Look& other) const {
    return std::tie(border, bold, wrap, align, indent, size, number) <
           std::tie(other.border, other.bold, other.wrap, other.align, other.indent, other.size,
                    other.number);
  }
};

// The number that shows as `printed` and is the amount exactly; nullopt where no double is.
std::optional<double> NumberOf(const d::StatutoryCell& cell, disclosure::MoneyUnit unit) {
  const auto figure = disclosure::ParseFigure(cell.printed(), unit);
  if (!figure || disclosure::PrintFigure(cell.amount_fen(), unit, figure->decimals) !=
                     disclosure::PrintFigure(figure->fen, unit, figure->decimals))
    return std::nullopt;
  const double scale = unit == disclosure::MoneyUnit::kYuan ? 1e2 : 1e6;
  const double value = static_cast<double>(cell.amount_fen()) / scale;
  // As the file writes it.
  char text[40];
  std::snprintf(text, sizeof text, "%.16G", value);
  const double back = std::strtod(text, nullptr) * scale;
  // Up to here doubles hold every fen.
  if (std::fabs(back) > 9e15 || std::llround(back) != cell.amount_fen()) return std::nullopt;
  return value;
}

std::string NumberFormat(const std::string& printed) {
  const size_t point = printed.find('.');
  const size_t decimals = point == std::string::npos ? 0 : printed.size() - point - 1;
  std::string format = printed.find(',') != std::string::npos ? "#,##0" : "0";
  if (decimals > 0) format += "." + std::string(decimals, '0');
  return format;
}

class Book {
 public:
  Book(lxw_workbook* book, const d::GetTablesResponse& response, const disclosure::Form& form,
       const WorkbookOptions& options)
      : book_(book), response_(response), form_(form), options_(options) {}

  lxw_error Write(const std::vector<Grid>& grids) {
    for (const Grid& grid : grids) Sheet(grid);
    if (response_.narrative().sentences_size() > 0) Narrative();
    return error_;
  }

 private:
  void Check(lxw_error error) {
    if (error_ == LXW_NO_ERROR) error_ = error;
  }

  lxw_format* Format(const Look& look) {
    lxw_format*& format = formats_[look];
    if (format != nullptr) return format;
    format = workbook_add_format(book_);
    format_set_font_name(format, kFont);
    format_set_font_size(format, look.size);
    format_set_align(format, look.align);
    format_set_align(format, LXW_ALIGN_VERTICAL_CENTER);
    if (look.border) format_set_border(format, LXW_BORDER_THIN);
    if (look.bold) format_set_bold(format);
    if (look.wrap) format_set_text_wrap(format);
    if (look.indent > 0) format_set_indent(format, static_cast<uint8_t>(look.indent));
    if (!look.number.empty()) format_set_num_format(format, look.number.c_str());
    return format;
  }

  // Text over `rows` by `columns` cells.
  void Text(lxw_worksheet* sheet, int row, int column, int rows, int columns,
            const std::string& text, const Look& look) {
    lxw_format* format = Format(look);
    const auto r = static_cast<lxw_row_t>(row);
    const auto c = static_cast<lxw_col_t>(column);
    if (rows > 1 || columns > 1) {
      Check(worksheet_merge_range(sheet, r, c, static_cast<lxw_row_t>(row + rows - 1),
                                  static_cast<lxw_col_t>(column + columns - 1),
                                  WorkbookText(text).c_str(), format));
    } else if (text.empty()) {
      Check(worksheet_write_blank(sheet, r, c, format));
    } else {
      Check(worksheet_write_string(sheet, r, c, WorkbookText(text).c_str(), format));
    }
  }

  void Amount(lxw_worksheet* sheet, int row, int column, const d::StatutoryCell& cell,
              disclosure::MoneyUnit unit) {
    Look look;
    look.border = true;
    look.align = LXW_ALIGN_RIGHT;
    const std::optional<double> value =
        cell.printed().empty() ? std::nullopt : NumberOf(cell, unit);
    if (!value) return Text(sheet, row, column, 1, 1, cell.printed(), look);
    look.number = NumberFormat(cell.printed());
    Check(worksheet_write_number(sheet, static_cast<lxw_row_t>(row), static_cast<lxw_col_t>(column),
                                 *value, Format(look)));
  }

  // Wide enough for what stands in them, and then for the page.
  std::vector<double> Widths(const Grid& grid) const {
    std::vector<double> widths;
    double sum = 0;
    for (size_t i = 0; i < grid.columns.size(); ++i) {
      const GridColumn& column = grid.columns[i];
      double width = column.kind == GridColumn::Kind::kAmount ? kAmountWidth
                     : column.kind == GridColumn::Kind::kCode
                         ? (CodeParts(grid) > 1 ? kCodePartWidth : kCodeWidth)
                         : 16;
      for (const std::vector<GridCell>& row : grid.rows) {
        const GridCell& cell = row[i];
        if (cell.columns > 1) continue;
        const double need =
            2 + 2 * cell.indent +
            DisplayWidth(cell.figure != nullptr ? cell.figure->printed() : cell.text);
        width = std::max(width, cell.figure != nullptr ? need : std::min(need, kNameWidthMax));
      }
      widths.push_back(width);
      sum += width;
    }
    const double page = grid.landscape ? kLandscapeWidth : kPortraitWidth;
    const double grow = std::min(page / sum, 1.6);
    for (double& width : widths) width *= std::max(1.0, grow);
    return widths;
  }

  static int CodeParts(const Grid& grid) {
    return static_cast<int>(std::count_if(
        grid.columns.begin(), grid.columns.end(),
        [](const GridColumn& c) { return c.kind == GridColumn::Kind::kCode && !c.right_side; }));
  }

  static int Lines(const std::string& text, double width) {
    return std::max(1, static_cast<int>(std::ceil(DisplayWidth(text) / std::max(1.0, width - 1))));
  }

  void Height(lxw_worksheet* sheet, int row, double height) {
    Check(worksheet_set_row(sheet, static_cast<lxw_row_t>(row), height, nullptr));
  }

  void Page(lxw_worksheet* sheet, bool landscape) {
    worksheet_set_paper(sheet, 9);  // A4
    landscape ? worksheet_set_landscape(sheet) : worksheet_set_portrait(sheet);
    worksheet_set_margins(sheet, 0.6, 0.6, 0.7, 0.7);
    worksheet_fit_to_pages(sheet, 1, 0);
    worksheet_center_horizontally(sheet);
    Check(worksheet_set_footer(sheet, "&C第 &P 页，共 &N 页"));
  }

  std::string WhoseLabel() const {
    const std::vector<std::string>& labels = form_.department_labels;
    const size_t which = options_.of_unit ? 1 : 0;
    return which < labels.size() ? labels[which] : options_.of_unit ? "单位名称" : "部门名称";
  }

  void Sheet(const Grid& grid) {
    lxw_worksheet* sheet = workbook_add_worksheet(book_, absl::StrCat("表", grid.number).c_str());
    if (sheet == nullptr) return Check(LXW_ERROR_SHEETNAME_ALREADY_USED);
    const std::vector<double> widths = Widths(grid);
    const int columns = static_cast<int>(widths.size());
    for (int i = 0; i < columns; ++i) {
      const auto c = static_cast<lxw_col_t>(i);
      Check(worksheet_set_column(sheet, c, c, widths[static_cast<size_t>(i)], nullptr));
    }
    int row = 0;
    if (!form_.table_label.empty())
      Text(sheet, row++, 0, 1, 1, absl::StrCat(form_.table_label, grid.number), Look());
    Look title;
    title.bold = true;
    title.align = LXW_ALIGN_CENTER;
    title.size = 16;
    Text(sheet, row, 0, 1, columns, grid.title, title);
    Height(sheet, row++, kTitleLine);
    Look right;
    right.align = LXW_ALIGN_RIGHT;
    Text(sheet, row, 0, 1, columns - 1, absl::StrCat(WhoseLabel(), "：", response_.name()), Look());
    Text(sheet, row, columns - 1, 1, 1,
         absl::StrCat("单位：", std::string(disclosure::UnitName(grid.unit))), right);
    Height(sheet, row++, kLine + 4);
    const int first_heading = row;
    Headings(sheet, grid, widths, row);
    row += grid.heading_lines;
    worksheet_freeze_panes(sheet, static_cast<lxw_row_t>(row), 0);
    Check(worksheet_repeat_rows(sheet, static_cast<lxw_row_t>(first_heading),
                                static_cast<lxw_row_t>(row - 1)));
    for (const std::vector<GridCell>& cells : grid.rows) Row(sheet, grid, cells, widths, row++);
    if (!grid.note.empty()) {
      Text(sheet, row, 0, 1, columns, grid.note, Look());
      Height(sheet, row++, kLine + 4);
    }
    Check(worksheet_print_area(sheet, 0, 0, static_cast<lxw_row_t>(row - 1),
                               static_cast<lxw_col_t>(columns - 1)));
    Page(sheet, grid.landscape);
  }

  void Headings(lxw_worksheet* sheet, const Grid& grid, const std::vector<double>& widths,
                int first) {
    Look look;
    look.border = look.wrap = true;
    look.align = LXW_ALIGN_CENTER;
    std::vector<double> heights(static_cast<size_t>(grid.heading_lines), kLine + 4);
    for (const GridHeading& h : grid.headings) {
      double width = 0;
      for (int i = 0; i < h.columns; ++i) width += widths[static_cast<size_t>(h.column + i)];
      Text(sheet, first + h.line, h.column, h.lines, h.columns, h.text, look);
      double& height = heights[static_cast<size_t>(h.line + h.lines - 1)];
      const double need = kLine * Lines(h.text, width) - (h.lines - 1) * (kLine + 4) + 4;
      height = std::max(height, need);
    }
    for (int i = 0; i < grid.heading_lines; ++i)
      Height(sheet, first + i, heights[static_cast<size_t>(i)]);
  }

  void Row(lxw_worksheet* sheet, const Grid& grid, const std::vector<GridCell>& cells,
           const std::vector<double>& widths, int row) {
    int lines = 1;
    for (int i = 0; i < static_cast<int>(cells.size()); ++i) {
      const GridCell& cell = cells[static_cast<size_t>(i)];
      if (cell.figure != nullptr) {
        Amount(sheet, row, i, *cell.figure, grid.unit);
        continue;
      }
      Look look;
      look.border = look.wrap = true;
      look.align = cell.centred ? LXW_ALIGN_CENTER : LXW_ALIGN_LEFT;
      look.indent = cell.indent;
      double width = 0;
      for (int k = 0; k < cell.columns; ++k) width += widths[static_cast<size_t>(i + k)];
      Text(sheet, row, i, 1, cell.columns, cell.text, look);
      lines = std::max(lines, Lines(cell.text, width - 2 * cell.indent));
      i += cell.columns - 1;
    }
    Height(sheet, row, kLine * lines + 2);
  }

  void Narrative() {
    lxw_worksheet* sheet = workbook_add_worksheet(book_, "情况说明");
    if (sheet == nullptr) return Check(LXW_ERROR_SHEETNAME_ALREADY_USED);
    Check(worksheet_set_column(sheet, 0, 0, kPortraitWidth, nullptr));
    Look title;
    title.bold = true;
    title.align = LXW_ALIGN_CENTER;
    title.size = 16;
    Text(sheet, 0, 0, 1, 1, "预算情况说明", title);
    Height(sheet, 0, kTitleLine);
    Look look;
    look.wrap = true;
    int row = 1;
    for (const std::string& sentence : response_.narrative().sentences()) {
      Text(sheet, row, 0, 1, 1, sentence, look);
      Height(sheet, row++, kLine * Lines(sentence, kPortraitWidth) + 4);
    }
    Page(sheet, false);
  }

  lxw_workbook* const book_;
  const d::GetTablesResponse& response_;
  const disclosure::Form& form_;
  const WorkbookOptions& options_;
  std::map<Look, lxw_format*> formats_;
  lxw_error error_ = LXW_NO_ERROR;
};

}  // namespace

absl::StatusOr<std::string> WriteWorkbook(const d::GetTablesResponse& response,
                                          const disclosure::Form& form,
                                          const WorkbookOptions& options) {
  FISCAL_ASSIGN_OR_RETURN(const std::vector<Grid> grids, LayOut(response, form));
  return MakeWorkbook(response.name(), [&](lxw_workbook* book) {
    return Book(book, response, form, options).Write(grids);
  });
}

}  // namespace fiscal::cli
