#include "clients/sheets/xlsx.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "clients/sheets/decimal.h"
#include "clients/sheets/number_format.h"
#include "clients/sheets/xml.h"
#include "clients/sheets/zip_parts.h"

namespace fiscal::sheets {
namespace {

// Bounds of a sheet.
constexpr int kRowsMax = 1'048'576;
constexpr int kColumnsMax = 16'384;
constexpr size_t kFormatsMax = 65'536;

absl::Status Damaged(const std::string& what) { return absl::InvalidArgumentError(what); }

bool IsTrue(absl::string_view value) { return value == "1" || value == "true"; }

// "AB12": the column from 0 and the row from 1.
std::optional<std::pair<int, int>> ParseAddress(absl::string_view text) {
  int column = 0, row = 0;
  size_t i = 0;
  for (; i < text.size() && absl::ascii_isupper(static_cast<unsigned char>(text[i])); ++i) {
    column = column * 26 + (text[i] - 'A' + 1);
    if (column > kColumnsMax) return std::nullopt;
  }
  if (i == 0 || i == text.size() || !absl::ascii_isdigit(static_cast<unsigned char>(text[i])) ||
      !absl::SimpleAtoi(text.substr(i), &row) || row < 1 || row > kRowsMax)
    return std::nullopt;
  return std::make_pair(column - 1, row);
}

// Text holds characters XML can't have as _x0007_.
std::string Unescaped(const std::string& text) {
  size_t at = text.find("_x");
  if (at == std::string::npos) return text;
  std::string out;
  size_t done = 0;
  for (; at != std::string::npos; at = text.find("_x", at + 1)) {
    unsigned code = 0;
    bool hex = at + 7 <= text.size() && text[at + 6] == '_' && at >= done;
    for (size_t i = at + 2; hex && i < at + 6; ++i) {
      const unsigned char c = static_cast<unsigned char>(text[i]);
      hex = absl::ascii_isxdigit(c);
      code =
          code * 16 + static_cast<unsigned>(absl::ascii_isdigit(c) ? c - '0' : (c | 32) - 'a' + 10);
    }
    // Only what needs the escape: controls, and the underscore that begins what would look like
    // one.
    if (!hex || (code >= 0x20 && code != '_')) continue;
    out.append(text, done, at - done);
    out += static_cast<char>(code);
    done = at + 7;
  }
  return out.append(text, done, std::string::npos);
}

// ---- the package: which part is what

struct Relationship {
  std::string type, target;
};

class RelationshipsHandler : public XmlHandler {
 public:
  explicit RelationshipsHandler(std::string folder) : folder_(std::move(folder)) {}
  std::map<std::string, Relationship> by_id;

  absl::Status Start(const Path& path, const XmlAttributes& attributes) override {
    if (path.size() != 2 || path[1] != "Relationship") return absl::OkStatus();
    if (attributes.Get("TargetMode") == "External") return absl::OkStatus();
    by_id[std::string(attributes.Get("Id"))] = {std::string(attributes.Get("Type")),
                                                Resolve(attributes.Get("Target"))};
    return absl::OkStatus();
  }
  // The target of the first relationship whose type ends so.
  std::string TargetOf(absl::string_view type) const {
    for (const auto& [id, relationship] : by_id) {
      if (absl::EndsWith(relationship.type, type)) return relationship.target;
    }
    return "";
  }

 private:
  std::string Resolve(absl::string_view target) const {
    const std::string whole =
        absl::StartsWith(target, "/") ? std::string(target) : absl::StrCat(folder_, "/", target);
    std::vector<absl::string_view> parts;
    for (absl::string_view part : absl::StrSplit(whole, '/', absl::SkipEmpty())) {
      if (part == ".") continue;
      if (part != "..") {
        parts.push_back(part);
      } else if (!parts.empty()) {
        parts.pop_back();
      }
    }
    return absl::StrJoin(parts, "/");
  }
  const std::string folder_;
};

class WorkbookHandler : public XmlHandler {
 public:
  explicit WorkbookHandler(size_t sheets_max) : sheets_max_(sheets_max) {}
  struct Entry {
    std::string name, relationship;
    bool hidden = false;
  };
  std::vector<Entry> entries;
  // The program that wrote the file did not compute its formulas.
  bool must_compute = false;

  absl::Status Start(const Path& path, const XmlAttributes& attributes) override {
    if (path.size() == 3 && path[1] == "sheets" && path[2] == "sheet") {
      if (entries.size() == sheets_max_)
        return Damaged(absl::StrCat("more than ", sheets_max_, " sheets"));
      const absl::string_view state = attributes.Get("state");
      entries.push_back({std::string(attributes.Get("name")),
                         std::string(attributes.RelationshipId()),
                         !state.empty() && state != "visible"});
    } else if (path.size() == 2 && path[1] == "calcPr") {
      must_compute = IsTrue(attributes.Get("fullCalcOnLoad"));
    }
    return absl::OkStatus();
  }

 private:
  const size_t sheets_max_;
};

// ---- shared strings and formats

// Text as cells and shared strings have it: runs (r) and their text (t), beside readings (rPh) that
// are not part of it.
bool IsStringText(const XmlHandler::Path& path, size_t depth) {
  if (path.back() != "t") return false;
  return path.size() == depth + 1 || (path.size() == depth + 2 && path[depth] == "r");
}

class SharedStringsHandler : public XmlHandler {
 public:
  explicit SharedStringsHandler(int64_t count_max) : count_max_(count_max) {}
  std::vector<std::string> strings;

  absl::Status Start(const Path& path, const XmlAttributes&) override {
    if (path.size() == 2 && path[1] == "si") {
      if (static_cast<int64_t>(strings.size()) == count_max_)
        return Damaged(absl::StrCat("more than ", count_max_, " shared strings"));
      strings.emplace_back();
    }
    return absl::OkStatus();
  }
  void Text(const Path& path, absl::string_view text) override {
    if (path.size() > 2 && path[1] == "si" && IsStringText(path, 2))
      strings.back().append(text.data(), text.size());
  }
  absl::Status End(const Path& path) override {
    if (path.size() == 2 && path[1] == "si") strings.back() = Unescaped(strings.back());
    return absl::OkStatus();
  }

 private:
  const int64_t count_max_;
};

class StylesHandler : public XmlHandler {
 public:
  // By the index a cell has.
  std::vector<NumberFormat> formats;

  absl::Status Start(const Path& path, const XmlAttributes& attributes) override {
    if (path.size() != 3) return absl::OkStatus();
    int id = 0;
    const bool known = absl::SimpleAtoi(attributes.Get("numFmtId"), &id);
    if (path[1] == "numFmts" && path[2] == "numFmt" && known) {
      codes_[id] = ReadFormat(attributes.Get("formatCode"));
    } else if (path[1] == "cellXfs" && path[2] == "xf") {
      const auto code = codes_.find(id);
      formats.push_back(code != codes_.end() ? code->second : BuiltInFormat(id));
    }
    return codes_.size() > kFormatsMax || formats.size() > kFormatsMax
               ? Damaged(absl::StrCat("more than ", kFormatsMax, " formats"))
               : absl::OkStatus();
  }

 private:
  std::map<int, NumberFormat> codes_;
};

// ---- one sheet

// The parts that all sheets of a workbook share, and how much may still be read.
struct Shared {
  std::vector<std::string> strings;
  std::vector<NumberFormat> formats;
  bool must_compute = false;
  int64_t cells_left = 0;
  int64_t text_bytes_left = 0;
  int64_t merged_left = 0;
};

class SheetHandler : public XmlHandler {
 public:
  SheetHandler(Shared& shared, Sheet& sheet) : shared_(shared), sheet_(sheet) {}

  absl::Status Start(const Path& path, const XmlAttributes& attributes) override {
    const std::string& name = path.back();
    if (path.size() == 3 && name == "row" && path[1] == "sheetData") return StartRow(attributes);
    if (path.size() == 4 && name == "c" && path[2] == "row") return StartCell(attributes);
    if (path.size() == 5 && path[3] == "c") {
      if (name == "f") formula_ = true;
      if (name == "v") valued_ = true;
    }
    if (path.size() == 3 && name == "mergeCell" && path[1] == "mergeCells")
      return Merge(attributes.Get("ref"));
    return absl::OkStatus();
  }

  void Text(const Path& path, absl::string_view text) override {
    if (path.size() < 5 || path[3] != "c") return;
    const bool value = path.size() == 5 && path[4] == "v";
    const bool in_line = path.size() > 5 && path[4] == "is" && IsStringText(path, 5);
    if (value || in_line) text_.append(text.data(), text.size());
  }

  absl::Status End(const Path& path) override {
    if (path.size() == 4 && path.back() == "c" && path[2] == "row") return EndCell();
    return absl::OkStatus();
  }

 private:
  absl::Status StartRow(const XmlAttributes& attributes) {
    const absl::string_view number = attributes.Get("r");
    int row = row_ + 1;
    if (!number.empty() && !absl::SimpleAtoi(number, &row))
      return Damaged(absl::StrCat("row \"", number, "\" has no number"));
    if (row <= row_ || row > kRowsMax)
      return Damaged(absl::StrCat("row ", row, " stands behind row ", row_));
    row_ = row;
    column_ = -1;
    return absl::OkStatus();
  }

  absl::Status StartCell(const XmlAttributes& attributes) {
    const absl::string_view address = attributes.Get("r");
    int column = column_ + 1;
    if (!address.empty()) {
      const auto parsed = ParseAddress(address);
      if (!parsed || parsed->second != row_)
        return Damaged(absl::StrCat("cell \"", address, "\" is not one of row ", row_));
      column = parsed->first;
    }
    if (column <= column_ || column >= kColumnsMax)
      return Damaged(
          absl::StrCat("cell ", ColumnName(column), row_, " is not behind the one before it"));
    column_ = column;
    type_ = std::string(attributes.Get("t"));
    if (!absl::SimpleAtoi(attributes.Get("s"), &style_)) style_ = 0;
    formula_ = valued_ = false;
    text_.clear();
    return absl::OkStatus();
  }

  absl::Status EndCell() {
    Cell cell;
    cell.column = column_;
    const bool is_text = type_ == "str" || type_ == "inlineStr" || type_ == "s";
    if (formula_ && (shared_.must_compute || !valued_ || (!is_text && text_.empty()))) {
      cell.kind = CellKind::kUncached;
    } else if (text_.empty()) {
      return absl::OkStatus();  // formatted, and nothing in it
    } else if (type_ == "s") {
      uint32_t index = 0;
      if (!absl::SimpleAtoi(text_, &index) || index >= shared_.strings.size())
        return Damaged(absl::StrCat("cell ", ColumnName(column_), row_,
                                    " refers to a shared string that is missing"));
      cell.text = shared_.strings[index];
    } else if (type_ == "str" || type_ == "inlineStr") {
      cell.text = Unescaped(text_);
    } else if (type_ == "b") {
      cell.kind = CellKind::kBoolean;
      cell.text = IsTrue(text_) ? "TRUE" : "FALSE";
    } else if (type_ == "e") {
      cell.kind = CellKind::kError;
      cell.text = text_;
    } else if (type_ == "d") {
      cell.kind = CellKind::kDate;
      cell.text = text_;
    } else if (type_.empty() || type_ == "n") {
      cell.kind = KindOfNumber();
      cell.text = text_;
    } else {
      return Damaged(
          absl::StrCat("cell ", ColumnName(column_), row_, " is of unknown type \"", type_, "\""));
    }
    if (cell.kind == CellKind::kText && cell.text.empty()) return absl::OkStatus();
    shared_.text_bytes_left -= static_cast<int64_t>(cell.text.size());
    if (--shared_.cells_left < 0 || shared_.text_bytes_left < 0)
      return Damaged("more cells or text than a workbook to submit may have; cut it into several");
    if (sheet_.rows.empty() || sheet_.rows.back().number != row_) {
      sheet_.rows.emplace_back();
      sheet_.rows.back().number = row_;
    }
    sheet_.rows.back().cells.push_back(std::move(cell));
    return absl::OkStatus();
  }

  CellKind KindOfNumber() const {
    if (style_ < 0 || static_cast<size_t>(style_) >= shared_.formats.size())
      return CellKind::kNumber;
    const NumberFormat& format = shared_.formats[static_cast<size_t>(style_)];
    if (format.date) return CellKind::kDate;
    if (format.scaled) return CellKind::kDisguised;
    if (format.whole_digits_min > 1) {
      const std::optional<Decimal> value = ParseDecimal(text_);
      const int whole =
          value ? static_cast<int>(value->digits.size()) + value->exponent : kNumberCellDigits;
      if (whole < format.whole_digits_min) return CellKind::kDisguised;
    }
    return CellKind::kNumber;
  }

  absl::Status Merge(absl::string_view reference) {
    const std::vector<absl::string_view> corners = absl::StrSplit(reference, ':');
    const auto first = ParseAddress(corners.front()), last = ParseAddress(corners.back());
    if (corners.size() > 2 || !first || !last || first->first > last->first ||
        first->second > last->second)
      return Damaged(absl::StrCat("merged cells \"", reference, "\" are no area"));
    if (--shared_.merged_left < 0) return Damaged("too many merged cells");
    sheet_.merged.push_back({first->second, last->second, first->first, last->first});
    return absl::OkStatus();
  }

  Shared& shared_;
  Sheet& sheet_;
  int row_ = 0;
  // Of the cell that was started last.
  int column_ = -1;
  std::string type_, text_;
  int style_ = 0;
  bool formula_ = false, valued_ = false;
};

// ---- the workbook

absl::Status ReadPart(ZipParts& parts, const std::string& name, XmlHandler& handler) {
  const absl::StatusOr<std::string> xml = parts.Read(name);
  if (!xml.ok()) return absl::InvalidArgumentError(xml.status().message());
  const absl::Status parsed = ParseXml(*xml, handler);
  if (parsed.ok()) return parsed;
  return absl::InvalidArgumentError(
      absl::StrCat("part ", name, ", ", std::string(parsed.message())));
}

// "xl" and "workbook.xml" of "xl/workbook.xml".
std::pair<std::string, std::string> FolderAndFile(const std::string& part) {
  const size_t slash = part.rfind('/');
  if (slash == std::string::npos) return {"", part};
  return {part.substr(0, slash), part.substr(slash + 1)};
}

}  // namespace

absl::StatusOr<std::vector<Sheet>> ReadXlsx(absl::string_view bytes, const XlsxLimits& limits) {
  if (bytes.size() > limits.bytes_max)
    return Damaged(
        absl::StrCat("larger than ", limits.bytes_max >> 20, " MB; cut it into several files"));
  // The container of Excel 97, and of workbooks with a password.
  if (absl::StartsWith(bytes, "\xd0\xcf\x11\xe0"))
    return Damaged("an .xls workbook or one with a password; save it as .xlsx without one");
  absl::StatusOr<ZipParts> opened =
      ZipParts::Open(bytes, limits.entries_max, limits.inflated_bytes_max);
  if (!opened.ok()) return opened.status();
  ZipParts& parts = *opened;

  RelationshipsHandler package("");
  absl::Status status = ReadPart(parts, "_rels/.rels", package);
  if (!status.ok()) return status;
  const std::string workbook_part = package.TargetOf("/officeDocument");
  if (workbook_part.empty()) return Damaged("the archive is no workbook");
  WorkbookHandler workbook(static_cast<size_t>(limits.entries_max));
  status = ReadPart(parts, workbook_part, workbook);
  if (!status.ok()) return status;
  const auto [folder, file] = FolderAndFile(workbook_part);
  RelationshipsHandler related(folder);
  status = ReadPart(parts, absl::StrCat(folder, folder.empty() ? "" : "/", "_rels/", file, ".rels"),
                    related);
  if (!status.ok()) return status;

  Shared shared;
  shared.must_compute = workbook.must_compute;
  shared.cells_left = limits.cells_max;
  shared.text_bytes_left = limits.text_bytes_max;
  shared.merged_left = limits.merged_max;
  const std::string strings_part = related.TargetOf("/sharedStrings");
  if (!strings_part.empty()) {
    SharedStringsHandler strings(limits.cells_max);
    status = ReadPart(parts, strings_part, strings);
    if (!status.ok()) return status;
    shared.strings = std::move(strings.strings);
  }
  const std::string styles_part = related.TargetOf("/styles");
  if (!styles_part.empty()) {
    StylesHandler styles;
    status = ReadPart(parts, styles_part, styles);
    if (!status.ok()) return status;
    shared.formats = std::move(styles.formats);
  }
  std::vector<Sheet> sheets;
  for (const WorkbookHandler::Entry& entry : workbook.entries) {
    const auto target = related.by_id.find(entry.relationship);
    if (target == related.by_id.end())
      return Damaged(absl::StrCat("sheet ", entry.name, " has no part"));
    if (!absl::EndsWith(target->second.type, "/worksheet")) continue;  // a chart
    sheets.emplace_back();
    sheets.back().name = entry.name;
    sheets.back().hidden = entry.hidden;
    SheetHandler handler(shared, sheets.back());
    status = ReadPart(parts, target->second.target, handler);
    if (!status.ok()) return status;
  }
  return sheets;
}

}  // namespace fiscal::sheets
