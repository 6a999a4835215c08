#include "clients/sheets/csv.h"

#include <iconv.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/text.h"

namespace fiscal::sheets {
namespace {

constexpr char kByteOrderMark[] = "\xef\xbb\xbf";

int LineAt(absl::string_view bytes, size_t at) {
  return 1 +
         static_cast<int>(std::count(bytes.begin(), bytes.begin() + static_cast<long>(at), '\n'));
}

absl::StatusOr<std::string> FromGb18030(absl::string_view bytes) {
  const iconv_t converter = iconv_open("UTF-8", "GB18030");
  if (converter == reinterpret_cast<iconv_t>(-1))
    return absl::UnimplementedError("the C library has no GB18030; save the file as UTF-8");
  std::string text;
  char buffer[16384];
  // iconv takes the input as char*, and does not write to it.
  char* in = const_cast<char*>(bytes.data());
  size_t left = bytes.size();
  absl::Status status;
  while (left > 0 && status.ok()) {
    char* out = buffer;
    size_t room = sizeof(buffer);
    const size_t converted = iconv(converter, &in, &left, &out, &room);
    const int failure = errno;
    text.append(buffer, sizeof(buffer) - room);
    if (converted == static_cast<size_t>(-1) && failure != E2BIG) {
      status = absl::InvalidArgumentError(absl::StrCat("line ", LineAt(bytes, bytes.size() - left),
                                                       ": the text is neither UTF-8 nor GB18030"));
    }
  }
  iconv_close(converter);
  if (!status.ok()) return status;
  return text;
}

// Reads one cell after another; `at` and `line` say where it is.
class Reader {
 public:
  Reader(absl::string_view text, const CsvLimits& limits) : text_(text), limits_(limits) {}

  absl::StatusOr<Sheet> Read() {
    Sheet sheet;
    int64_t cells = 0;
    while (at_ < text_.size()) {
      Row row;
      row.number = line_;
      bool more = true;
      while (more) {
        if (++cells > limits_.cells_max)
          return absl::InvalidArgumentError(
              absl::StrCat("line ", line_, ": more than ", limits_.cells_max, " cells"));
        Cell cell;
        cell.column = static_cast<int>(row.cells.size());
        const absl::Status read = ReadCell(row.number, &cell.text);
        if (!read.ok()) return read;
        row.cells.push_back(std::move(cell));
        more = at_ < text_.size() && text_[at_] == ',';
        if (more) ++at_;
      }
      if (at_ < text_.size() && text_[at_] == '\r') ++at_;
      if (at_ < text_.size() && text_[at_] == '\n') ++at_;
      ++line_;
      if (row.cells.size() > 1 || !row.cells[0].text.empty()) sheet.rows.push_back(std::move(row));
    }
    return sheet;
  }

 private:
  bool EndsCell() const {
    return at_ == text_.size() || text_[at_] == ',' || text_[at_] == '\n' || text_[at_] == '\r';
  }

  absl::Status ReadCell(int row_line, std::string* cell) {
    if (at_ == text_.size() || text_[at_] != '"') {
      const size_t start = at_;
      while (!EndsCell()) ++at_;
      *cell = std::string(text_.substr(start, at_ - start));
      return absl::OkStatus();
    }
    ++at_;
    while (true) {
      if (at_ == text_.size())
        return absl::InvalidArgumentError(
            absl::StrCat("line ", row_line, ": a quote is not closed"));
      const char c = text_[at_++];
      if (c == '"') {
        if (at_ == text_.size() || text_[at_] != '"') break;
        ++at_;  // two quotes are one
      }
      if (c == '\n') ++line_;
      *cell += c;
    }
    if (EndsCell()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("line ", line_, ": text follows a closing quote"));
  }

  const absl::string_view text_;
  const CsvLimits limits_;
  size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

absl::StatusOr<std::string> DecodeText(absl::string_view bytes) {
  if (absl::StartsWith(bytes, "\xff\xfe") || absl::StartsWith(bytes, "\xfe\xff"))
    return absl::InvalidArgumentError("line 1: the text is UTF-16; save it as CSV in UTF-8");
  const size_t nul = bytes.find('\0');
  if (nul != absl::string_view::npos)
    return absl::InvalidArgumentError(
        absl::StrCat("line ", LineAt(bytes, nul), ": a zero byte; this is no text"));
  const bool marked = absl::ConsumePrefix(&bytes, kByteOrderMark);
  if (IsUtf8(bytes)) return std::string(bytes);
  if (!marked) return FromGb18030(bytes);
  // The mark says UTF-8, so the first bad line is named and nothing else is tried.
  for (size_t start = 0;;) {
    const size_t end = std::min(bytes.find('\n', start), bytes.size());
    if (!IsUtf8(bytes.substr(start, end - start)))
      return absl::InvalidArgumentError(
          absl::StrCat("line ", LineAt(bytes, start), ": the text is not UTF-8, as its mark says"));
    start = end + 1;
  }
}

absl::StatusOr<Sheet> ReadCsv(absl::string_view bytes, const CsvLimits& limits) {
  if (bytes.size() > limits.bytes_max)
    return absl::InvalidArgumentError(
        absl::StrCat("larger than ", limits.bytes_max >> 20, " MB; cut it into several files"));
  const absl::StatusOr<std::string> text = DecodeText(bytes);
  if (!text.ok()) return text.status();
  return Reader(*text, limits).Read();
}

}  // namespace fiscal::sheets
