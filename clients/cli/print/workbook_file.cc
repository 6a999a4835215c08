#include "clients/cli/print/workbook_file.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace fiscal::cli {
namespace {

// 2000-01-01 UTC: when a workbook was made is no part of it.
constexpr time_t kCreated = 946684800;

// A directory that is removed with what is in it.
class Scratch {
 public:
  Scratch() {
    std::error_code error;
    std::string path = (std::filesystem::temp_directory_path(error) / "fiscal-XXXXXX").string();
    if (!error && mkdtemp(path.data()) != nullptr) path_ = path;
  }
  ~Scratch() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// True for "_x000D_" at the beginning of `text`, with any four hexadecimal digits.
bool StartsEscape(absl::string_view text) {
  return absl::StartsWith(text, "_x") && text.size() > 6 && text[6] == '_' &&
         std::all_of(text.begin() + 2, text.begin() + 6,
                     [](unsigned char c) { return absl::ascii_isxdigit(c); });
}

}  // namespace

std::string WorkbookText(absl::string_view text) {
  std::string escaped;
  for (size_t i = 0; i < text.size(); ++i) {
    if (StartsEscape(text.substr(i))) escaped += "_x005F";
    escaped += text[i];
  }
  return escaped;
}

absl::StatusOr<std::string> MakeWorkbook(const std::string& title,
                                         const std::function<lxw_error(lxw_workbook*)>& fill) {
  const Scratch scratch;
  if (scratch.path().empty()) return absl::UnavailableError("no temporary directory can be made");
  const std::string path = scratch.path() + "/book.xlsx";
  std::string directory = scratch.path(), shown_title = title;
  lxw_workbook_options settings = {};
  settings.tmpdir = directory.data();
  lxw_workbook* const book = workbook_new_opt(path.c_str(), &settings);
  if (book == nullptr) return absl::UnavailableError("the workbook can't be made");
  lxw_doc_properties properties = {};
  properties.title = shown_title.data();
  properties.created = kCreated;
  const lxw_error named = workbook_set_properties(book, &properties);
  const lxw_error filled = fill(book);
  // Frees the book, whatever it returns.
  const lxw_error closed = workbook_close(book);
  for (lxw_error error : {named, filled, closed}) {
    if (error != LXW_NO_ERROR)
      return absl::UnavailableError(absl::StrCat("the workbook: ", lxw_strerror(error)));
  }
  std::ifstream file(path, std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  if (!file) return absl::UnavailableError("the workbook can't be read back");
  return bytes.str();
}

}  // namespace fiscal::cli
