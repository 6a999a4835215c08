#include "clients/importer/layout.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "domain/disclosure/code_lists.h"
#include "domain/disclosure/names.h"

namespace fiscal::importer {
namespace {

using disclosure::FoldName;
using disclosure::FormColumn;
using disclosure::FormTable;
using disclosure::Layout;

// Characters between the right ends of figures that still stand in one column.
constexpr int kColumnGapMin = 3;
// Codes stand at the left of their line.
constexpr int kCodeGapMax = 10;
// Blanks between "1." and what it counts.
constexpr int kOrdinalGapMax = 6;
// The distance that counts for a column without a heading, and how much worse than the best
// placement another may be and still be tried; twice characters.
constexpr int kUnknownHeading = 20;
constexpr int kDistanceSlack = 8;
// Characters that a name put together from lines may have before another is added.
constexpr size_t kNameMax = 100;
// How many ways to place figures are tried at most.
constexpr size_t kPlacementsMax = 20000;

absl::Status At(const TextTable& t, int line, const std::string& what) {
  return absl::InvalidArgumentError(
      absl::StrCat("table ", t.form->number, ", line ", line, ": ", what));
}

bool AllDigits(absl::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) {
    return absl::ascii_isdigit(static_cast<unsigned char>(c));
  });
}

bool IsCode(absl::string_view s) {
  return (s.size() == 3 || s.size() == 5 || s.size() == 7 || s.size() == 9) && AllDigits(s) &&
         s[0] != '0';
}

// "2024年合计", "2024预算数", "2024年财政拨款" without the year.
absl::string_view WithoutYear(absl::string_view f) {
  if (f.size() <= 4 || !AllDigits(f.substr(0, 4))) return f;
  f.remove_prefix(4);
  if (absl::StartsWith(f, "年度")) {
    f.remove_prefix(6);
  } else if (absl::StartsWith(f, "年")) {
    f.remove_prefix(3);
  }
  return f.empty() ? absl::string_view("预算数") : f;
}

// The words of a table's headings, and whether a run of text belongs to them. Headings are broken
// over lines.
class Headings {
 public:
  explicit Headings(const FormTable& form) {
    for (const std::string& word : form.heading_words) words_.insert(word);
    for (const FormColumn& c : form.columns) words_.insert(c.labels.begin(), c.labels.end());
  }
  bool Has(absl::string_view folded, bool parts) const {
    const std::string f(WithoutYear(folded));
    if (words_.count(f) > 0) return true;
    if (!parts) return false;
    return std::any_of(words_.begin(), words_.end(), [&](const std::string& word) {
      return f.size() >= 3 && (absl::StartsWith(word, f) || absl::EndsWith(word, f));
    });
  }

 private:
  std::set<std::string> words_;
};

// Numbers of columns: 1 2 3.
bool CountsColumns(const std::vector<std::string>& cells) {
  int expected = 1;
  for (const std::string& cell : cells) {
    if (cell.empty()) continue;
    if (cell != absl::StrCat(expected++)) return false;
  }
  return expected > 2;
}

size_t TextColumns(const FormTable& form) {
  switch (form.layout) {
    case Layout::kCodes:
    case Layout::kEconomic:
      return 2;
    case Layout::kStrip:
      return 0;
    default:
      return 1;
  }
}

// Cells of a row as they are handed on.
size_t Width(const FormTable& form) {
  switch (form.layout) {
    case Layout::kBalance:
      return 2 + form.columns.size();
    case Layout::kCodePair:
      return 4 + form.columns.size();
    default:
      return TextColumns(form) + form.columns.size();
  }
}

// ---- Lines with tabs ----

class Tabbed {
 public:
  explicit Tabbed(const TextTable& t) : t_(t), form_(*t.form), headings_(form_) {}

  absl::StatusOr<std::vector<TextRow>> Run() {
    const size_t width = Width(form_);
    // Codes in several columns make the rows longer.
    size_t codes = 1;
    if (form_.layout == Layout::kCodes && form_.code_columns > 1) {
      for (const TextLine& line : t_.lines) {
        if (line.tabbed && Filled(line) >= width) codes = static_cast<size_t>(form_.code_columns);
      }
      for (const TextLine& line : t_.lines) {
        if (line.tabbed && IsCode(line.cells[0]) && line.cells[0].size() > 3) codes = 1;
      }
    }
    std::vector<TextRow> rows;
    for (const TextLine& line : t_.lines) {
      if (!line.tabbed) {
        const bool amount = std::any_of(line.pieces.begin(), line.pieces.end(), [](const Piece& p) {
          return p.figure && absl::StrContains(p.folded, '.');
        });
        if (!amount && (rows.empty() || headings_.Has(line.folded, true))) continue;
        // A row of which nothing but its label is left.
        if (disclosure::FoldName(line.folded) == "合计") {
          TextRow row{line.number, std::vector<std::string>(width), {}};
          row.cells[0] = line.folded;
          rows.push_back(std::move(row));
          continue;
        }
        return At(t_, line.number,
                  absl::StrCat("text between its rows: \"", Excerpt(line.folded), "\""));
      }
      if (IsHeading(line)) continue;
      std::vector<std::string> cells = line.cells;
      if (codes > 1) Join(codes, &cells);
      while (cells.size() > width && cells.back().empty()) cells.pop_back();
      if (cells.size() > width)
        return At(t_, line.number,
                  absl::StrCat(cells.size(), " cells in a table of ", width, " columns"));
      cells.resize(width);
      rows.push_back({line.number, std::move(cells), {}});
    }
    return rows;
  }

  static std::string Excerpt(absl::string_view text) {
    size_t n = std::min<size_t>(text.size(), 60);
    while (n > 0 && n < text.size() && (static_cast<unsigned char>(text[n]) & 0xc0) == 0x80) --n;
    return absl::StrCat(text.substr(0, n), n < text.size() ? "…" : "");
  }

 private:
  static size_t Filled(const TextLine& line) {
    size_t n = line.cells.size();
    while (n > 0 && line.cells[n - 1].empty()) --n;
    return n;
  }

  static void Join(size_t codes, std::vector<std::string>* cells) {
    std::string code;
    for (size_t i = 0; i < codes && i < cells->size(); ++i) code += (*cells)[i];
    cells->erase(cells->begin(),
                 cells->begin() + static_cast<std::ptrdiff_t>(std::min(codes, cells->size())));
    cells->insert(cells->begin(), code);
  }

  bool IsHeading(const TextLine& line) const {
    if (CountsColumns(line.cells)) return true;
    bool any = false;
    for (const std::string& cell : line.cells) {
      const std::string f = FoldName(cell);
      if (f.empty()) continue;
      if (disclosure::LooksLikeFigure(f)) return false;
      if (!headings_.Has(f, false)) return false;
      any = true;
    }
    // "合计" alone is a row of an empty table.
    return any && FoldName(line.cells[0]) != "合计";
  }

  const TextTable& t_;
  const FormTable& form_;
  const Headings headings_;
};

// ---- Lines laid out by blanks ----

// A row while its figures are still at their places.
struct PlacedRow {
  int line = 0;
  // Texts: code and name; label; left and right label.
  std::string texts[4];
  std::vector<Piece> left, figures;
  // Of each figure, its column among those the page shows.
  std::vector<size_t> clusters;
  std::vector<int> figure_lines;
};

// The part of a table on one page.
struct Segment {
  std::vector<PlacedRow> rows;
  std::vector<Piece> heading;
};

// The rows of a segment with figures put into columns in one of several ways.
struct Placement {
  // Column of each cluster.
  std::vector<size_t> columns;
  int distance = 0;
};

class LaidOut {
 public:
  explicit LaidOut(const TextTable& t)
      : t_(t), form_(*t.form), headings_(form_), lists_(disclosure::ShippedLists()) {
    for (const FormColumn& c : form_.columns) {
      if (c.side != "left") columns_.push_back(&c);
    }
    for (const disclosure::FormRow& row : form_.rows) {
      auto& labels = row.side == "left" ? left_labels_ : right_labels_;
      for (size_t i = 1; i < row.labels.size(); ++i) labels.insert(row.labels[i]);
      labels.insert(std::string(disclosure::WithoutOrdinal(FoldName(row.labels[0]))));
    }
  }

  absl::StatusOr<std::vector<TextRow>> Run() {
    segments_.emplace_back();
    for (const TextLine& line : t_.lines) {
      if (line.page_start && !segments_.back().rows.empty()) {
        // A name may end at the foot of its page.
        FISCAL_RETURN_IF_ERROR(FlushPending());
        segments_.emplace_back();
      }
      FISCAL_RETURN_IF_ERROR(Take(line));
    }
    FISCAL_RETURN_IF_ERROR(FlushPending());
    FISCAL_RETURN_IF_ERROR(Place());
    std::vector<TextRow> rows;
    for (size_t s = 0; s < segments_.size(); ++s) {
      for (const PlacedRow& row : segments_[s].rows) rows.push_back(ToCells(row, chosen_[s]));
    }
    return rows;
  }

 private:
  absl::Status Take(const TextLine& line) {
    if (line.tabbed) return At(t_, line.number, "a line with tabs among lines without");
    std::vector<std::string> texts;
    bool figures = false;
    for (const Piece& p : line.pieces) {
      texts.push_back(p.folded);
      figures = figures || p.figure;
    }
    if (CountsColumns(texts)) return absl::OkStatus();
    if (!figures && IsHeading(line)) {
      segments_.back().heading.insert(segments_.back().heading.end(), line.pieces.begin(),
                                      line.pieces.end());
      return absl::OkStatus();
    }
    switch (form_.layout) {
      case Layout::kBalance:
        return TakeBalance(line);
      case Layout::kStrip:
        return TakeStrip(line);
      default:
        return TakeList(line);
    }
  }

  bool IsHeading(const TextLine& line) const {
    if (form_.layout != Layout::kBalance && line.folded == "合计") return false;
    // The names of funds head columns and rows; a row has two labels at most.
    if (form_.layout == Layout::kBalance && line.pieces.size() < 3) {
      for (const Piece& p : line.pieces) {
        if (SideOf(p.folded) != 0) return false;
      }
    }
    // Below a row, a part of a heading's word is a part of a name.
    const bool parts = segments_.back().rows.empty();
    for (const Piece& p : line.pieces) {
      if (!headings_.Has(p.folded, parts)) return false;
    }
    return true;
  }

  // ---- Lists: codes, fixed labels, units, projects ----

  absl::Status TakeList(const TextLine& line) {
    PlacedRow row;
    row.line = line.number;
    size_t i = 0;
    const std::vector<Piece>& p = line.pieces;
    const bool codes = form_.layout == Layout::kCodes;
    if (codes && IsCode(p[0].folded) && p[0].x0 <= 40) {
      row.texts[0] = p[0].folded;
      i = 1;
      while (row.texts[0].size() < 7 && i < p.size() && p[i].folded.size() == 2 &&
             AllDigits(p[i].folded) && p[i].x0 - p[i - 1].x1 <= kCodeGapMax) {
        row.texts[0] += p[i++].folded;
      }
    }
    const size_t name = codes ? 1 : 0;
    size_t names = 0;
    for (; i < p.size() && !p[i].figure; ++i) {
      if (form_.layout == Layout::kEconomic && names > 0) {
        row.texts[1] += p[i].text;
      } else {
        row.texts[name] += p[i].text;
      }
      ++names;
    }
    // A dash or a number may belong to a name: "12.01" in a project's. Figures are at the end of
    // the line.
    size_t last_text = i;
    for (size_t k = i; k < p.size(); ++k) {
      if (!p[k].figure) last_text = k + 1;
    }
    if (last_text != i) {
      for (; i < last_text; ++i) row.texts[name] += p[i].text;
    }
    bool dashes = false;
    for (; i < p.size(); ++i) {
      if (IsDash(p[i])) {
        dashes = true;
      } else {
        row.figures.push_back(p[i]);
      }
    }
    const bool total = FoldName(row.texts[name]) == "合计";
    if (codes && row.figures.empty() && row.texts[0].empty() && !total) {
      // A part of a name.
      return TakeNamePart(row.texts[name], line.number);
    }
    if (!codes && row.figures.empty() && !dashes && form_.layout != Layout::kFixed && !total) {
      return TakeNamePart(row.texts[0], line.number);
    }
    if (codes && row.texts[0].empty() && !total) {
      return At(t_, line.number, "figures without a code");
    }
    if (row.texts[name].empty()) {
      row.texts[name] = pending_;
      pending_.clear();
      last_was_name_ = true;
      tail_wanted_ = !row.texts[name].empty();
    } else {
      FISCAL_RETURN_IF_ERROR(FlushPending());
      last_was_name_ = true;
      tail_wanted_ = false;
    }
    segments_.back().rows.push_back(std::move(row));
    return absl::OkStatus();
  }

  // A line that is but a part of a name: the end of the row's before it, or the start of the one's
  // after it.
  absl::Status TakeNamePart(const std::string& part, int line) {
    if (tail_wanted_) {
      LastRow()->texts[form_.layout == Layout::kCodes ? 1 : 0] += part;
      tail_wanted_ = false;
      return absl::OkStatus();
    }
    if (!pending_.empty()) FISCAL_RETURN_IF_ERROR(FlushPending());
    pending_ = part;
    pending_line_ = line;
    return absl::OkStatus();
  }

  PlacedRow* LastRow() {
    for (auto s = segments_.rbegin(); s != segments_.rend(); ++s) {
      if (!s->rows.empty()) return &s->rows.back();
    }
    return nullptr;
  }

  // A part that no row after it asked for ends the name of the row before it.
  absl::Status FlushPending() {
    if (pending_.empty()) return absl::OkStatus();
    PlacedRow* row = LastRow();
    if (row == nullptr || !last_was_name_)
      return At(t_, pending_line_,
                absl::StrCat("text between its rows: \"", Tabbed::Excerpt(pending_), "\""));
    std::string& name = row->texts[form_.layout == Layout::kCodes ? 1 : 0];
    if (FoldName(name) == "合计" || CountCharacters(name) < 4 || CountCharacters(name) > kNameMax ||
        CountCharacters(pending_) > 24)
      return At(t_, pending_line_,
                absl::StrCat("text between its rows: \"", Tabbed::Excerpt(pending_), "\""));
    name += pending_;
    pending_.clear();
    return absl::OkStatus();
  }

  static size_t CountCharacters(absl::string_view text) {
    return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
  }

  // ---- One row of figures ----

  absl::Status TakeStrip(const TextLine& line) {
    PlacedRow row;
    row.line = line.number;
    for (const Piece& p : line.pieces) {
      if (!p.figure) {
        return At(t_, line.number, absl::StrCat("text between its rows: \"", p.text, "\""));
      }
      if (!IsDash(p)) row.figures.push_back(p);
    }
    segments_.back().rows.push_back(std::move(row));
    return absl::OkStatus();
  }

  // A mark for no money tells nothing, and is not always printed where figures are.
  static bool IsDash(const Piece& p) { return disclosure::IsBlank(p.folded); }

  // ---- Two sides ----

  // -1 for a label of the left side, 1 of the right, 2 of a 类 that may stand at either, 0 for
  // neither.
  int SideOf(const std::string& folded) const {
    const std::string name(disclosure::WithoutOrdinal(folded));
    const bool left = left_labels_.count(folded) + left_labels_.count(name) > 0;
    const bool right = right_labels_.count(folded) + right_labels_.count(name) > 0;
    if (left && !right) return -1;
    if (right && !left) return 1;
    if (!lists_.functional.Named(name, 3).empty()) return 1;
    if (disclosure::HasChineseOrdinal(folded)) return 2;
    return 0;
  }

  // The pieces of a line of two sides. Pieces of text with one blank between them are one label,
  // unless the second starts a label itself. What counts a label may stand further off:
  // "1.   一般公共预算资金".
  std::vector<Piece> Labels(const TextLine& line) const {
    std::vector<Piece> items;
    for (const Piece& p : line.pieces) {
      const bool after_text = !p.figure && !items.empty() && !items.back().figure;
      const int gap = after_text ? p.x0 - items.back().x1 : 0;
      const bool after_ordinal =
          after_text && disclosure::WithoutOrdinal(items.back().folded).empty();
      if (after_text &&
          ((gap <= 1 && SideOf(p.folded) == 0) || (gap <= kOrdinalGapMax && after_ordinal))) {
        items.back().text += p.text;
        items.back().folded += p.folded;
        items.back().x1 = p.x1;
      } else {
        items.push_back(p);
      }
    }
    return items;
  }

  absl::Status TakeBalance(const TextLine& line) {
    const std::vector<Piece> items = Labels(line);
    PlacedRow row;
    row.line = line.number;
    int right_at = right_start_;
    bool have_right = false;
    size_t texts = 0;
    for (const Piece& p : items) texts += !p.figure;
    size_t nth = 0;
    for (const Piece& p : items) {
      if (p.figure) continue;
      ++nth;
      const int side = SideOf(p.folded);
      bool right = side == 1;
      if (side == 2 || side == 0) right = texts == 2 ? nth == 2 : p.x0 >= NearRight();
      if (!right && row.texts[0].empty() && !have_right) {
        row.texts[0] = p.text;
      } else if (right && row.texts[2].empty()) {
        row.texts[2] = p.text;
        have_right = true;
        right_at = p.x0;
        if (side != 0) right_start_ = right_start_ < 0 ? p.x0 : std::min(right_start_, p.x0);
      } else {
        return At(t_, line.number, absl::StrCat("\"", p.text, "\" is no label of this table"));
      }
    }
    for (const Piece& p : items) {
      if (!p.figure || IsDash(p)) continue;
      if (right_at >= 0 ? p.x1 <= right_at : !row.texts[0].empty()) {
        row.left.push_back(p);
      } else {
        row.figures.push_back(p);
      }
    }
    if (row.left.size() > 1) return At(t_, line.number, "two income figures in one row");
    if (!row.left.empty() && row.texts[0].empty())
      return At(t_, line.number, "an income figure has no label");
    // A label broken around its figures: "四、文化旅游体育与传媒", the figures, "支出".
    std::vector<PlacedRow>& rows = segments_.back().rows;
    const bool known_right = !row.texts[2].empty() && SideOf(FoldName(row.texts[2])) != 0;
    if (!row.figures.empty() && row.texts[2].empty()) {
      if (rows.empty() || !rows.back().figures.empty() || rows.back().texts[2].empty())
        return At(t_, line.number, "an expenditure figure has no label");
      rows.back().figures = row.figures;
      rows.back().figure_lines.assign(row.figures.size(), line.number);
      row.figures.clear();
    }
    if (!row.texts[2].empty() && !known_right && row.figures.empty()) {
      if (rows.empty() || rows.back().texts[2].empty())
        return At(t_, line.number,
                  absl::StrCat("\"", row.texts[2], "\" is no label of this table"));
      rows.back().texts[2] += row.texts[2];
      row.texts[2].clear();
    }
    if (row.texts[0].empty() && row.texts[2].empty()) return absl::OkStatus();
    rows.push_back(std::move(row));
    return absl::OkStatus();
  }

  // Where the right side starts, less a little.
  int NearRight() const { return right_start_ < 0 ? 1 << 20 : right_start_ - 6; }

  // ---- Columns ----

  // Puts the figures of a page together by their right ends. Returns the number of columns it
  // shows, 0 when two figures of a row would share one.
  static size_t Cluster(int gap, Segment* segment) {
    std::vector<int> all;
    for (const PlacedRow& row : segment->rows) {
      for (const Piece& p : row.figures) all.push_back(p.x1);
    }
    std::sort(all.begin(), all.end());
    // The last end of each column.
    std::vector<int> ends;
    for (int x : all) {
      if (ends.empty() || x - ends.back() >= gap) {
        ends.push_back(x);
      } else {
        ends.back() = x;
      }
    }
    for (PlacedRow& row : segment->rows) {
      row.clusters.clear();
      for (const Piece& p : row.figures) {
        const size_t at =
            static_cast<size_t>(std::lower_bound(ends.begin(), ends.end(), p.x1) - ends.begin());
        if (!row.clusters.empty() && row.clusters.back() == at) return 0;
        row.clusters.push_back(at);
      }
    }
    return ends.size();
  }

  // The figures of every row, where each row has as many and they stand below each other: they are
  // in as many columns, though lines may begin a little further left or right. 0 otherwise.
  static size_t ClusterByOrder(Segment* segment) {
    size_t count = 0;
    for (const PlacedRow& row : segment->rows) {
      if (row.figures.empty()) continue;
      if (count != 0 && row.figures.size() != count) return 0;
      count = row.figures.size();
    }
    for (size_t i = 0; i < count; ++i) {
      int latest = 0, earliest = 1 << 20;
      for (const PlacedRow& row : segment->rows) {
        if (row.figures.empty()) continue;
        latest = std::max(latest, row.figures[i].x0);
        earliest = std::min(earliest, row.figures[i].x1);
      }
      if (latest >= earliest) return 0;
    }
    for (PlacedRow& row : segment->rows) {
      row.clusters.clear();
      for (size_t i = 0; i < row.figures.size(); ++i) row.clusters.push_back(i);
    }
    return count;
  }

  // Where a column's heading stands; nullopt where it can't be found.
  std::optional<std::pair<int, int>> HeadingOf(const Segment& segment, size_t column) const {
    std::optional<std::pair<int, int>> found;
    for (const Piece& p : segment.heading) {
      const std::string f(WithoutYear(p.folded));
      for (const std::string& label : columns_[column]->labels) {
        if (f == label) {
          // The last line of a heading is the column's own.
          found = {p.x0, p.x1};
        }
      }
    }
    return found;
  }

  absl::Status Place() {
    chosen_.resize(segments_.size());
    shown_.resize(segments_.size());
    std::vector<std::vector<Placement>> ways(segments_.size());
    size_t product = 1;
    for (size_t s = 0; s < segments_.size(); ++s) {
      const bool any = std::any_of(segments_[s].rows.begin(), segments_[s].rows.end(),
                                   [](const PlacedRow& row) { return !row.figures.empty(); });
      size_t& shown = shown_[s];
      shown = ClusterByOrder(&segments_[s]);
      for (int gap = kColumnGapMin; gap >= 1 && shown == 0 && any; --gap)
        shown = Cluster(gap, &segments_[s]);
      const int line = segments_[s].rows.empty() ? t_.title_line : segments_[s].rows[0].line;
      if ((any && shown == 0) || shown > columns_.size())
        return At(t_, line,
                  absl::StrCat("its figures stand in more than ", columns_.size(),
                               " columns, or on top of each other"));
      Enumerate(s, &ways[s]);
      if (ways[s].empty()) return At(t_, line, "its figures stand in no column");
      // Headings on the page decide.
      int best = ways[s][0].distance;
      for (const Placement& w : ways[s]) best = std::min(best, w.distance);
      ways[s].erase(
          std::remove_if(ways[s].begin(), ways[s].end(),
                         [best](const Placement& w) { return w.distance > best + kDistanceSlack; }),
          ways[s].end());
      product *= ways[s].size();
      if (product > kPlacementsMax) return At(t_, line, "its columns can't be told apart");
    }
    // Columns that are still open are decided by the sums that must hold, then by the page before,
    // then by the headings.
    std::vector<size_t> pick(segments_.size(), 0), best_pick;
    std::tuple<int, int, int> best{1 << 30, 0, 0};
    bool tie = false;
    for (size_t n = 0; n < product; ++n) {
      size_t rest = n;
      for (size_t s = 0; s < segments_.size(); ++s) {
        pick[s] = rest % ways[s].size();
        rest /= ways[s].size();
        chosen_[s] = ways[s][pick[s]].columns;
      }
      int distance = 0;
      for (size_t s = 0; s < segments_.size(); ++s) distance += ways[s][pick[s]].distance;
      const std::tuple<int, int, int> cost =
          product == 1 ? std::tuple<int, int, int>{0, 0, 0}
                       : std::tuple<int, int, int>{Broken(), Changes(), distance};
      if (cost < best) {
        best = cost;
        best_pick = pick;
        tie = false;
      } else if (cost == best) {
        tie = true;
      }
    }
    if (tie) return At(t_, t_.title_line, "its figures fit more than one way into its columns");
    for (size_t s = 0; s < segments_.size(); ++s) chosen_[s] = ways[s][best_pick[s]].columns;
    return absl::OkStatus();
  }

  void Enumerate(size_t s, std::vector<Placement>* out) const {
    const size_t n = columns_.size(), k = shown_[s];
    std::vector<std::optional<std::pair<int, int>>> headings(n);
    for (size_t c = 0; c < n; ++c) headings[c] = HeadingOf(segments_[s], c);
    const bool any_heading =
        std::any_of(headings.begin(), headings.end(), [](const auto& h) { return h.has_value(); });
    // Where a cluster's figures reach from and to.
    std::vector<std::pair<int, int>> reach(k, {1 << 20, 0});
    for (const PlacedRow& row : segments_[s].rows) {
      for (size_t i = 0; i < row.figures.size(); ++i) {
        auto& r = reach[row.clusters[i]];
        r = {std::min(r.first, row.figures[i].x0), std::max(r.second, row.figures[i].x1)};
      }
    }
    std::vector<size_t> columns(k);
    std::vector<bool> mask(n, false);
    std::fill(mask.begin(), mask.begin() + static_cast<std::ptrdiff_t>(k), true);
    do {
      size_t i = 0;
      Placement way;
      for (size_t c = 0; c < n; ++c) {
        if (!mask[c]) continue;
        columns[i] = c;
        // Twice the distance of the middles.
        if (k < n && any_heading) {
          way.distance += headings[c].has_value()
                              ? std::abs(reach[i].first + reach[i].second - headings[c]->first -
                                         headings[c]->second)
                              : kUnknownHeading;
        }
        ++i;
      }
      way.columns = columns;
      // Where any money is, the first column, the total, has some.
      if (k == 0 || form_.layout == Layout::kStrip || columns[0] == 0) out->push_back(way);
    } while (std::prev_permutation(mask.begin(), mask.end()));
  }

  int Changes() const {
    int changes = 0;
    for (size_t s = 1; s < chosen_.size(); ++s) {
      if (!chosen_[s].empty() && !chosen_[s - 1].empty() && chosen_[s] != chosen_[s - 1]) ++changes;
    }
    return changes;
  }

  // How many sums do not hold with what is chosen: of rows, and of codes over those below them.
  int Broken() const {
    int broken = 0;
    struct Seen {
      std::string code;
      std::vector<int64_t> values;
    };
    std::vector<Seen> rows;
    std::optional<std::vector<int64_t>> total;
    int64_t place = 1;
    for (size_t s = 0; s < segments_.size(); ++s) {
      for (const PlacedRow& row : segments_[s].rows) {
        std::vector<int64_t> values(columns_.size(), 0);
        for (size_t i = 0; i < row.figures.size(); ++i) {
          const auto figure = disclosure::ParseFigure(row.figures[i].folded, t_.unit);
          if (!figure) continue;
          values[chosen_[s][row.clusters[i]]] = figure->fen;
          place = std::max<int64_t>(place, figure->decimals >= 2 || t_.unit == MoneyUnit::kYuan
                                               ? disclosure::PlaceFen(t_.unit, figure->decimals)
                                               : 1);
        }
        if (form_.layout == Layout::kStrip) {
          broken += values[0] != values[1] + values[2] + values[3];
          broken += values.size() > 5 && values[3] != values[4] + values[5];
          continue;
        }
        int64_t parts = 0;
        for (size_t c = 1; c < values.size(); ++c) parts += values[c];
        const bool carry = columns_.back()->key == "carryover" && form_.canonical == 2;
        const int64_t slack = place * static_cast<int64_t>(columns_.size());
        if (columns_.size() > 1 && std::llabs(values[0] - parts) > slack &&
            !(carry && std::llabs(values[0] - parts + values.back()) <= slack))
          ++broken;
        if (form_.layout != Layout::kCodes) continue;
        if (row.texts[0].empty()) {
          total = values;
        } else {
          rows.push_back({row.texts[0], values});
        }
      }
    }
    if (form_.layout != Layout::kCodes) return broken;
    auto check = [&](const std::string& code, const std::vector<int64_t>& values) {
      const size_t length = code.empty() ? 3 : code.size() + 2;
      std::vector<int64_t> sums(columns_.size(), 0);
      int64_t children = 0;
      for (const Seen& r : rows) {
        if (r.code.size() != length || !absl::StartsWith(r.code, code)) continue;
        ++children;
        for (size_t c = 0; c < sums.size(); ++c) sums[c] += r.values[c];
      }
      for (size_t c = 0; children > 0 && c < sums.size(); ++c)
        broken += std::llabs(sums[c] - values[c]) > place * (children + 1);
    };
    if (total) check("", *total);
    for (const Seen& r : rows) check(r.code, r.values);
    return broken;
  }

  TextRow ToCells(const PlacedRow& row, const std::vector<size_t>& columns) const {
    TextRow out{row.line, std::vector<std::string>(Width(form_)), {}};
    out.lines.assign(out.cells.size(), row.line);
    size_t first = TextColumns(form_);
    out.cells[0] = first == 0 ? "" : row.texts[0];
    if (first > 1) out.cells[1] = row.texts[1];
    if (form_.layout == Layout::kBalance) {
      if (!row.left.empty()) out.cells[1] = row.left[0].folded;
      out.cells[2] = row.texts[2];
      first = 3;
    }
    for (size_t i = 0; i < row.figures.size(); ++i) {
      const size_t at = first + columns[row.clusters[i]];
      out.cells[at] = row.figures[i].folded;
      if (i < row.figure_lines.size()) out.lines[at] = row.figure_lines[i];
    }
    return out;
  }

  const TextTable& t_;
  const FormTable& form_;
  const Headings headings_;
  const disclosure::CodeLists& lists_;
  std::vector<const FormColumn*> columns_;
  std::set<std::string> left_labels_, right_labels_;
  std::vector<Segment> segments_;
  // Columns each segment shows.
  std::vector<size_t> shown_;
  std::vector<std::vector<size_t>> chosen_;
  // A part of a name whose row is not known yet.
  std::string pending_;
  int pending_line_ = 0;
  // The last thing taken was a row of this list, whose name may go on.
  bool last_was_name_ = false;
  // The name of the last row came from the line before it, so that the next part ends it.
  bool tail_wanted_ = false;
  int right_start_ = -1;
};

}  // namespace

absl::StatusOr<std::vector<TextRow>> CutRows(const TextTable& table) {
  const bool tabbed = std::any_of(table.lines.begin(), table.lines.end(),
                                  [](const TextLine& l) { return l.tabbed; });
  if (tabbed) return Tabbed(table).Run();
  if (table.form->layout == Layout::kCodePair && !table.lines.empty()) {
    // Laid out, only the empty one can be told: its halves stand beside each other.
    for (const TextLine& line : table.lines) {
      for (const Piece& p : line.pieces) {
        if (p.figure)
          return At(table, line.number, "figures of two lists side by side can't be told apart");
      }
    }
    TextRow row{table.title_line, std::vector<std::string>(Width(*table.form)), {}};
    row.cells[0] = "合计";
    return std::vector<TextRow>{row};
  }
  return LaidOut(table).Run();
}

}  // namespace fiscal::importer
