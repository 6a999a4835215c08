#include "clients/sheets/csv.h"

#include <iconv.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/csv.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace fiscal::sheets {
namespace {

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
  FISCAL_ASSIGN_OR_RETURN(const std::string text, DecodeText(bytes));
  CsvReader reader(text, limits.cells_max);
  Sheet sheet;
  CsvRow read;
  while (true) {
    FISCAL_ASSIGN_OR_RETURN(const bool found, reader.Next(&read));
    if (!found) return sheet;
    Row& row = sheet.rows.emplace_back();
    row.number = read.line;
    row.cells.resize(read.cells.size());
    for (size_t i = 0; i < read.cells.size(); ++i) {
      row.cells[i].column = static_cast<int>(i);
      row.cells[i].text = std::move(read.cells[i]);
    }
  }
}

std::string CsvLine(const std::vector<std::string>& cells) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += ',';
    if (cells[i].find_first_of(",\"\r\n") == std::string::npos) {
      line += cells[i];
    } else {
      absl::StrAppend(&line, "\"", absl::StrReplaceAll(cells[i], {{"\"", "\"\""}}), "\"");
    }
  }
  return line + "\r\n";
}

}  // namespace fiscal::sheets
