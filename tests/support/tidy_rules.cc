#include "tests/support/tidy_rules.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <future>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace fiscal::tidy {
namespace {

constexpr size_t kSourceColumnsMax = 100;
constexpr size_t kProseColumnsMax = 120;
constexpr absl::string_view kSourceFolders[] = {"base",    "domain", "storage", "services",
                                                "clients", "tests",  "proto"};

bool IsCpp(absl::string_view path) {
  return absl::EndsWith(path, ".h") || absl::EndsWith(path, ".cc");
}

bool IsCmake(absl::string_view path) {
  return absl::EndsWith(path, ".cmake") || absl::EndsWith(path, "CMakeLists.txt");
}

bool IsDocument(absl::string_view path) { return absl::EndsWith(path, ".md"); }

absl::string_view FolderOf(absl::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == absl::string_view::npos ? absl::string_view() : path.substr(0, slash);
}

// Whether `path` is `place` or below it.
bool Within(absl::string_view path, absl::string_view place) {
  return absl::StartsWith(path, place) &&
         (place.empty() || path.size() == place.size() || path[place.size()] == '/');
}

bool IsWordChar(char c) { return absl::ascii_isalnum(c) || c == '_'; }

// A text's parts, each as long as the text and blank where the others are: line numbers stay.
struct Cut {
  // Without comments.
  std::string code;
  // Without comments and literals; lines of #include are whole.
  std::string bare;
  // Comments alone, without their marks.
  std::string comments;
};

class Cutter {
 public:
  explicit Cutter(absl::string_view text) : text_(text) {
    cut_.code = cut_.bare = cut_.comments = std::string(text.size(), ' ');
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') cut_.code[i] = cut_.bare[i] = cut_.comments[i] = '\n';
    }
  }

  Cut Cpp() {
    while (at_ < text_.size()) {
      const absl::string_view rest = text_.substr(at_);
      if (absl::StartsWith(rest, "//")) {
        at_ += 2;
        Take(rest.substr(2).find('\n'), kComment);
      } else if (absl::StartsWith(rest, "/*")) {
        const size_t end = rest.find("*/", 2);
        at_ += 2;
        Take(end == rest.npos ? rest.size() : end - 2, kComment);
        at_ = std::min(at_ + 2, text_.size());
      } else if (absl::StartsWith(rest, "#include")) {
        Take(rest.find('\n'), kBare);
      } else if (absl::StartsWith(rest, "R\"") && !AfterWord()) {
        const std::string end = absl::StrCat(")", rest.substr(2, rest.find('(') - 2), "\"");
        const size_t found = rest.find(end);
        Take(found == rest.npos ? rest.size() : found + end.size(), kLiteral);
      } else if (rest[0] == '"' || (rest[0] == '\'' && !AfterWord())) {
        Take(Quoted(rest), kLiteral);
      } else {
        Take(1, kBare);
      }
    }
    return std::move(cut_);
  }

  // CMake, shell, YAML: a comment begins with # at the start of a word.
  Cut Hash() {
    while (at_ < text_.size()) {
      const absl::string_view rest = text_.substr(at_);
      if (rest[0] == '#' && (at_ == 0 || absl::ascii_isspace(text_[at_ - 1]))) {
        ++at_;
        Take(rest.substr(1).find('\n'), kComment);
      } else {
        Take(1, kBare);
      }
    }
    return std::move(cut_);
  }

 private:
  enum Kind { kBare, kLiteral, kComment };

  bool AfterWord() const { return at_ > 0 && IsWordChar(text_[at_ - 1]); }

  static size_t Quoted(absl::string_view rest) {
    size_t end = 1;
    while (end < rest.size() && rest[end] != rest[0] && rest[end] != '\n') {
      end += rest[end] == '\\' ? 2 : 1;
    }
    return std::min(end + 1, rest.size());
  }

  void Take(size_t size, Kind kind) {
    const size_t end = size > text_.size() - at_ ? text_.size() : at_ + size;
    for (; at_ < end; ++at_) {
      if (kind == kComment) cut_.comments[at_] = text_[at_];
      if (kind != kComment) cut_.code[at_] = text_[at_];
      if (kind == kBare) cut_.bare[at_] = text_[at_];
    }
  }

  const absl::string_view text_;
  size_t at_ = 0;
  Cut cut_;
};

Cut CutText(const File& file) {
  const bool slashes =
      IsCpp(file.path) || absl::EndsWith(file.path, ".proto") || absl::EndsWith(file.path, ".go");
  return slashes ? Cutter(file.text).Cpp() : Cutter(file.text).Hash();
}

size_t Characters(absl::string_view line) {
  return std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; });
}

// At least a quarter of what it says; a Chinese character has three bytes.
bool MostlyChinese(absl::string_view line) {
  const size_t characters = Characters(line);
  return (line.size() - characters) / 2 * 4 >= characters;
}

bool BeginsListItem(absl::string_view line) {
  line = absl::StripLeadingAsciiWhitespace(line);
  if (line.size() < 2) return false;
  if ((line[0] == '-' || line[0] == '*' || line[0] == '+') && line[1] == ' ') return true;
  size_t digits = 0;
  while (digits < line.size() && absl::ascii_isdigit(line[digits])) ++digits;
  return digits > 0 && digits + 1 < line.size() && line[digits] == '.' && line[digits + 1] == ' ';
}

// The lines of a document, blank where a block of code is.
std::vector<absl::string_view> ProseLines(absl::string_view text) {
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  bool fenced = false, in_list = false, in_block = false, after_blank = true;
  for (absl::string_view& line : lines) {
    if (absl::StartsWith(absl::StripLeadingAsciiWhitespace(line), "```")) {
      fenced = !fenced;
      line = "";
    } else if (fenced) {
      line = "";
    } else if (line.empty()) {
      after_blank = true;
      continue;
    } else if (absl::StartsWith(line, "    ") && !in_list && (after_blank || in_block)) {
      in_block = true;
      line = "";
    } else {
      in_block = false;
      if (BeginsListItem(line)) in_list = true;
      if (line[0] != ' ' && !BeginsListItem(line) && after_blank) in_list = false;
    }
    after_blank = false;
  }
  return lines;
}

constexpr absl::string_view kNamedEndings[] = {".h",  ".cc", ".proto", ".cmake",
                                               ".md", ".sh", ".go",    ".awk"};
constexpr absl::string_view kNamedFolders[] = {"base",  "domain",  "storage", "services",
                                               "docs",  "clients", "tests",   "proto",
                                               "cmake", "k8s",     "scripts"};

// Whether a word is meant as a file of the tree.
bool LooksLikePath(absl::string_view word) {
  for (absl::string_view ending : kNamedEndings) {
    if (absl::EndsWith(word, ending) && word.size() > ending.size()) return true;
  }
  const size_t slash = word.find('/');
  if (slash == word.npos || slash + 1 == word.size()) return false;
  return std::find(std::begin(kNamedFolders), std::end(kNamedFolders), word.substr(0, slash)) !=
         std::end(kNamedFolders);
}

// Whether a word is a name of code and no word of English: WatchHub, kMoney, request_id.
bool LooksLikeName(absl::string_view word) {
  for (size_t i = 1; i < word.size(); ++i) {
    if (absl::ascii_isupper(word[i]) && absl::ascii_islower(word[i - 1])) return true;
    if (word[i] == '_' && i + 1 < word.size()) return true;
  }
  return false;
}

bool IsName(absl::string_view word) {
  return !word.empty() && !absl::ascii_isdigit(word[0]) &&
         std::all_of(word.begin(), word.end(), IsWordChar);
}

class NameCheck {
 public:
  NameCheck(const File& file, const Names& names, const std::vector<Exception>& foreign, Used* used)
      : file_(file), names_(names), foreign_(foreign), used_(used) {}

  // A line of prose: words in backticks are code whatever they look like, others only when they
  // look like it. What stands in quotation marks is not looked at.
  void Line(int number, absl::string_view line, bool plain_names) {
    line_ = number;
    std::string plain;
    char open = 0;
    std::string quoted;
    for (char c : line) {
      if (open != 0) {
        if (c == open) {
          if (open == '`' && quoted.find(' ') == quoted.npos) Code(quoted);
          open = 0;
          plain += ' ';
        } else {
          quoted += c;
        }
      } else if (c == '`' || c == '"') {
        open = c;
        quoted.clear();
      } else {
        plain += c;
      }
    }
    for (absl::string_view word :
         absl::StrSplit(plain, absl::ByAnyChar(" \t()[];'|?!&#"), absl::SkipEmpty())) {
      Plain(word, plain_names);
    }
  }

  Offences offences;

 private:
  void Code(absl::string_view word) {
    if (LooksLikePath(word)) return Path(word);
    absl::ConsumeSuffix(&word, "()");
    absl::ConsumePrefix(&word, "~");
    for (absl::string_view part : Parts(word)) {
      if (!IsName(part)) return;
    }
    for (absl::string_view part : Parts(word)) Name(part);
  }

  void Plain(absl::string_view word, bool names) {
    // The name of an argument in a call.
    if (absl::EndsWith(word, "=")) return;
    for (absl::string_view part : absl::StrSplit(word, absl::ByString("->"))) {
      while (!part.empty() && !IsWordChar(part[0]) &&
             !absl::StrContains("*/.", part.substr(0, 1))) {
        part.remove_prefix(1);
      }
      while (!part.empty() && !IsWordChar(part.back()) && part.back() != '}' &&
             part.back() != '*') {
        part.remove_suffix(1);
      }
      if (LooksLikePath(part)) {
        Path(part);
        continue;
      }
      if (!names) continue;
      const std::vector<absl::string_view> pieces = Parts(part);
      if (!std::all_of(pieces.begin(), pieces.end(), IsName)) continue;
      for (absl::string_view piece : pieces) {
        if (LooksLikeName(piece) || absl::StrContains(part, "::")) Name(piece);
      }
    }
  }

  static std::vector<absl::string_view> Parts(absl::string_view word) {
    std::vector<absl::string_view> parts;
    for (absl::string_view piece : absl::StrSplit(word, absl::ByString("::"))) {
      for (absl::string_view part : absl::StrSplit(piece, '.')) parts.push_back(part);
    }
    return parts;
  }

  void Path(absl::string_view word) {
    if (word.find_first_of("<>$:") != word.npos) return;
    if (names_.HasPath(word, FolderOf(file_.path)) || IsForeign(word)) return;
    Add("there is no file ", word);
  }

  void Name(absl::string_view name) {
    if (names_.HasWord(name) || IsForeign(name)) return;
    // More than one: request_ids.
    if (names_.HasWord(absl::StripSuffix(name, "s"))) return;
    Add("the code has no ", name);
  }

  bool IsForeign(absl::string_view name) {
    for (const Exception& e : foreign_) {
      if (fnmatch(e.name.c_str(), std::string(name).c_str(), 0) != 0) continue;
      used_->insert(e.name);
      return true;
    }
    return false;
  }

  void Add(absl::string_view what, absl::string_view name) {
    offences.push_back(
        {file_.path, line_, absl::StrCat(what, name, ": name what there is, or take it out")});
  }

  const File& file_;
  const Names& names_;
  const std::vector<Exception>& foreign_;
  Used* const used_;
  int line_ = 0;
};

// The row with the longest path that holds `path`.
template <typename Row>
const Row* RowOf(absl::string_view path, const std::vector<Row>& rows, std::string Row::*place) {
  const Row* best = nullptr;
  for (const Row& row : rows) {
    if (!Within(path, row.*place)) continue;
    if (best == nullptr || (row.*place).size() > (best->*place).size()) best = &row;
  }
  return best;
}

struct Include {
  int line = 0;
  std::string header;
};

std::vector<Include> IncludesOf(const File& file) {
  std::vector<Include> includes;
  int number = 0;
  const Cut cut = CutText(file);
  for (absl::string_view line : absl::StrSplit(cut.bare, '\n')) {
    ++number;
    if (!absl::ConsumePrefix(&line, "#include ")) continue;
    const size_t end = line.find_first_of("\">", 1);
    if (end != line.npos) includes.push_back({number, std::string(line.substr(1, end - 1))});
  }
  return includes;
}

// Finds the functions of code that clang-format laid out.
class FunctionFinder {
 public:
  struct Function {
    std::string name;
    int line = 0;
    int lines = 0;
  };

  std::vector<Function> Find(absl::string_view bare) {
    int number = 0;
    for (absl::string_view line : absl::StrSplit(bare, '\n')) {
      ++number;
      if (absl::StartsWith(absl::StripLeadingAsciiWhitespace(line), "#")) continue;
      for (char c : line) Char(c, number);
      statement_ += ' ';
    }
    return std::move(found_);
  }

 private:
  struct Scope {
    bool function = false;
    std::string name;
    int line = 0;
  };

  void Char(char c, int number) {
    if (c == '{') {
      const bool inside =
          std::any_of(scopes_.begin(), scopes_.end(), [](const Scope& s) { return s.function; });
      Scope scope{false, "", number};
      const std::string head(absl::StripAsciiWhitespace(statement_));
      const std::string type = TypeOf(head);
      if (!inside && type.empty() && head.find('(') != head.npos && !absl::EndsWith(head, "=")) {
        scope.function = true;
        scope.name = NameOf(head);
      } else {
        scope.name = type;
      }
      scopes_.push_back(scope);
      statement_.clear();
    } else if (c == '}') {
      statement_.clear();
      if (scopes_.empty()) return;
      const Scope scope = scopes_.back();
      scopes_.pop_back();
      if (!scope.function) return;
      std::string name = scope.name;
      for (auto it = scopes_.rbegin(); it != scopes_.rend() && !it->name.empty(); ++it) {
        name = absl::StrCat(it->name, "::", name);
      }
      found_.push_back({name, scope.line, std::max(number - scope.line - 1, 0)});
    } else if (c == ';') {
      statement_.clear();
    } else {
      statement_ += c;
    }
  }

  // The class that `head` begins; empty for anything else, a function that returns one included.
  static std::string TypeOf(absl::string_view head) {
    for (absl::string_view keyword : {"class ", "struct ", "union "}) {
      size_t at = head.rfind(keyword);
      if (at == head.npos || (at > 0 && IsWordChar(head[at - 1]))) continue;
      absl::string_view rest = head.substr(at + keyword.size());
      if (rest.find(')') != rest.npos) continue;
      size_t end = 0;
      while (end < rest.size() && (IsWordChar(rest[end]) || rest[end] == ':')) ++end;
      absl::string_view name = rest.substr(0, end);
      while (absl::ConsumeSuffix(&name, ":")) {
      }
      return std::string(name);
    }
    return "";
  }

  // The qualified name before the parameters; "Suite.Test" of a test.
  static std::string NameOf(absl::string_view head) {
    int angles = 0;
    size_t open = 0;
    for (; open < head.size(); ++open) {
      if (head[open] == '<') ++angles;
      if (head[open] == '>') --angles;
      if (head[open] == '(' && angles <= 0) break;
    }
    size_t begin = open;
    while (begin > 0 &&
           (IsWordChar(head[begin - 1]) || head[begin - 1] == ':' || head[begin - 1] == '~')) {
      --begin;
    }
    const absl::string_view name = head.substr(begin, open - begin);
    if (!absl::StartsWith(name, "TEST")) return std::string(name);
    const absl::string_view rest = head.substr(open + 1);
    std::vector<std::string> arguments = absl::StrSplit(rest.substr(0, rest.find(')')), ',');
    for (std::string& argument : arguments) absl::StripAsciiWhitespace(&argument);
    return absl::StrJoin(arguments, ".");
  }

  std::string statement_;
  std::vector<Scope> scopes_;
  std::vector<Function> found_;
};

// What clang-format says of files, one offence a file.
Offences RunFormatter(const std::string& root, absl::string_view paths) {
  Offences offences;
  const std::string command =
      absl::StrCat("cd '", root, "' && clang-format-14 --dry-run -Werror ", paths, " 2>&1");
  FILE* pipe = popen(command.c_str(), "r");
  std::string said;
  std::array<char, 4096> buffer;
  for (size_t n; pipe != nullptr && (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    said.append(buffer.data(), n);
  }
  const int status = pipe == nullptr ? -1 : pclose(pipe);
  for (absl::string_view line : absl::StrSplit(said, '\n')) {
    // PATH:LINE:COLUMN: error: ...
    const std::vector<absl::string_view> parts = absl::StrSplit(line, absl::MaxSplits(':', 3));
    int number = 0;
    if (parts.size() < 4 || !absl::SimpleAtoi(parts[1], &number)) continue;
    if (!offences.empty() && offences.back().path == parts[0]) continue;
    offences.push_back(
        {std::string(parts[0]), number,
         absl::StrCat("not as clang-format-14 writes it: clang-format-14 -i ", parts[0])});
  }
  if (status != 0 && offences.empty()) {
    offences.push_back(
        {".clang-format", 1, absl::StrCat("clang-format-14 can't be run, install it: ", said)});
  }
  return offences;
}

}  // namespace

std::string Printed(const Offences& offences) {
  std::string out;
  for (const Offence& o : offences) absl::StrAppend(&out, o.path, ":", o.line, ": ", o.what, "\n");
  return out;
}

Offences CheckWidth(const File& file) {
  const bool document = IsDocument(file.path);
  if (!document && !IsCpp(file.path) && !IsCmake(file.path) &&
      !absl::EndsWith(file.path, ".proto")) {
    return {};
  }
  const size_t most = document ? kProseColumnsMax : kSourceColumnsMax;
  std::vector<absl::string_view> lines = absl::StrSplit(file.text, '\n');
  if (document) lines = ProseLines(file.text);
  Offences offences;
  bool raw = false;
  for (size_t i = 0; i < lines.size(); ++i) {
    // A row of a script is one line, however long: raw strings stay as they are.
    const bool was_raw = raw;
    const size_t begin = lines[i].rfind("R\"("), end = lines[i].rfind(")\"");
    if (begin != absl::string_view::npos && !document) raw = true;
    if (raw && end != absl::string_view::npos && (was_raw ? true : end > begin)) raw = false;
    if (was_raw) continue;
    const size_t characters = Characters(lines[i]);
    if (characters <= most || absl::StrContains(lines[i], "://")) continue;
    if (document && (lines[i][0] == '|' || MostlyChinese(lines[i]))) continue;
    offences.push_back({file.path, static_cast<int>(i) + 1,
                        absl::StrCat(characters, " characters: break it at ", most)});
  }
  return offences;
}

Names::Names(const std::vector<File>& files) {
  for (const File& file : files) {
    paths_.push_back(absl::StrCat("/", file.path));
    if (IsDocument(file.path)) continue;
    const std::string code = CutText(file).code;
    for (size_t i = 0; i < code.size();) {
      size_t end = i;
      while (end < code.size() && IsWordChar(code[end])) ++end;
      if (end > i) words_.emplace(code, i, end - i);
      // A field of a message is named in JSON as in the proto, without underscores.
      if (end > i && absl::EndsWith(file.path, ".proto")) {
        std::string json;
        for (size_t k = i; k < end; ++k) {
          if (code[k] == '_' && k + 1 < end) {
            json += absl::ascii_toupper(code[++k]);
          } else {
            json += code[k];
          }
        }
        words_.insert(json);
      }
      i = end + 1;
    }
  }
}

bool Names::HasPath(absl::string_view name, absl::string_view folder) const {
  if (absl::StartsWith(name, "./") || absl::StartsWith(name, "../")) {
    const auto from = std::filesystem::path(std::string(folder)) / std::string(name);
    return HasPath(from.lexically_normal().generic_string(), "");
  }
  absl::ConsumePrefix(&name, "/");
  absl::ConsumeSuffix(&name, "/");
  const size_t open = name.find('{'), close = name.find('}');
  if (open != name.npos && close != name.npos && open < close) {
    for (absl::string_view choice : absl::StrSplit(name.substr(open + 1, close - open - 1), ',')) {
      if (!HasPath(absl::StrCat(name.substr(0, open), choice, name.substr(close + 1)), folder)) {
        return false;
      }
    }
    return true;
  }
  const std::string end = absl::StrCat("/", name);
  const std::string below = absl::StrCat("/", folder, folder.empty() ? "" : "/", name);
  const bool pattern = name.find('*') != name.npos;
  const std::string glob = absl::StrCat("*/", name), glob_within = absl::StrCat(glob, "/*");
  for (const std::string& path : paths_) {
    if (pattern) {
      if (fnmatch(glob.c_str(), path.c_str(), 0) == 0) return true;
      if (fnmatch(glob_within.c_str(), path.c_str(), 0) == 0) return true;
      continue;
    }
    if (absl::EndsWith(path, end)) return true;
    for (const std::string& begin : {end, below}) {
      if (absl::StartsWith(path, begin) && absl::StrContains("/.-", path.substr(begin.size(), 1))) {
        return true;
      }
    }
  }
  return false;
}

Offences CheckNames(const File& file, const Names& names, const std::vector<Exception>& foreign,
                    Used* used) {
  NameCheck check(file, names, foreign, used);
  int number = 0;
  if (IsDocument(file.path)) {
    for (absl::string_view line : ProseLines(file.text)) check.Line(++number, line, false);
  } else if (IsCpp(file.path) || IsCmake(file.path) || absl::EndsWith(file.path, ".proto")) {
    const Cut cut = CutText(file);
    for (absl::string_view line : absl::StrSplit(cut.comments, '\n')) {
      check.Line(++number, line, !IsCmake(file.path));
    }
  }
  return std::move(check.offences);
}

Offences CheckIncludes(const File& file, const std::vector<Room>& rooms) {
  if (!IsCpp(file.path)) return {};
  const Room* from = RowOf(file.path, rooms, &Room::path);
  if (from == nullptr) {
    return {{file.path, 1, "its folder has no row in the table of rooms: give it one"}};
  }
  Offences offences;
  for (const Include& include : IncludesOf(file)) {
    const absl::string_view top =
        absl::string_view(include.header).substr(0, include.header.find('/'));
    if (std::find(std::begin(kSourceFolders), std::end(kSourceFolders), top) ==
        std::end(kSourceFolders)) {
      continue;
    }
    const Room* to = RowOf(include.header, rooms, &Room::path);
    if (to == from) continue;
    const std::string target = to == nullptr ? include.header : to->path;
    const auto& allowed = from->includes;
    if (std::find(allowed.begin(), allowed.end(), "*") != allowed.end() ||
        std::find(allowed.begin(), allowed.end(), target) != allowed.end()) {
      continue;
    }
    offences.push_back({file.path, include.line,
                        absl::StrCat(from->path, " must not include ", target,
                                     ": move what is needed down, or hand it in")});
  }
  return offences;
}

Offences CheckKeptApart(const File& file, const std::vector<KeptApart>& rows) {
  if (!IsCpp(file.path)) return {};
  Offences offences;
  for (const Include& include : IncludesOf(file)) {
    for (const KeptApart& row : rows) {
      const bool meant = row.header[0] == '.' ? absl::EndsWith(include.header, row.header)
                                              : absl::StartsWith(include.header, row.header);
      const bool may = std::any_of(row.places.begin(), row.places.end(),
                                   [&](const auto& place) { return Within(file.path, place); });
      if (!meant || may) continue;
      offences.push_back({file.path, include.line,
                          absl::StrCat(include.header, " is not for here: ", row.instead)});
    }
  }
  return offences;
}

Offences CheckBanned(const File& file, const std::vector<Banned>& rows) {
  if (!IsCpp(file.path)) return {};
  Offences offences;
  const std::string bare = CutText(file).bare;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(bare, '\n')) {
    ++number;
    for (const Banned& row : rows) {
      if (!Within(file.path, row.folder) || !absl::StrContains(line, row.text)) continue;
      const bool may = std::any_of(row.places.begin(), row.places.end(),
                                   [&](const auto& place) { return Within(file.path, place); });
      if (may) continue;
      offences.push_back(
          {file.path, number, absl::StrCat(row.folder, " has no ", row.text, ": ", row.instead)});
    }
  }
  return offences;
}

Offences CheckReadmes(const std::vector<File>& files) {
  std::set<std::string> folders = {"proto"};
  for (const File& file : files) {
    if (IsCpp(file.path)) folders.insert(std::string(FolderOf(file.path)));
  }
  Offences offences;
  for (const std::string& folder : folders) {
    const std::string path = absl::StrCat(folder, "/README.md");
    const auto it = std::find_if(files.begin(), files.end(),
                                 [&](const File& file) { return file.path == path; });
    if (it == files.end()) {
      offences.push_back({path, 1,
                          "missing: say in ten lines what the folder is, what belongs, what does "
                          "not, where to begin reading"});
      continue;
    }
    if (!absl::StartsWith(it->text, absl::StrCat("# ", folder, "\n"))) {
      offences.push_back({path, 1, absl::StrCat("begins otherwise: begin with # ", folder)});
    }
    if (!absl::StrContains(it->text, "ot belong")) {
      offences.push_back({path, 1, "doesn't say what does not belong: say it"});
    }
  }
  return offences;
}

Offences CheckBuilt(const std::vector<File>& files) {
  std::set<std::string> named;
  for (const File& file : files) {
    if (!absl::EndsWith(file.path, "CMakeLists.txt")) continue;
    const std::string folder(FolderOf(file.path));
    const std::string code = CutText(file).code;
    for (absl::string_view word : absl::StrSplit(code, absl::ByAnyChar(" \n()\""))) {
      named.insert(folder.empty() ? std::string(word) : absl::StrCat(folder, "/", word));
    }
  }
  Offences offences;
  for (const File& file : files) {
    if (!absl::EndsWith(file.path, ".cc") || named.count(file.path) > 0) continue;
    offences.push_back({file.path, 1, "in no CMakeLists.txt: build it, or delete it"});
  }
  return offences;
}

Offences CheckTested(const std::vector<File>& files, const std::string& folder,
                     const std::vector<Exception>& untested, Used* used) {
  std::set<std::string> tested;
  for (const File& file : files) {
    absl::string_view name = absl::string_view(file.path).substr(file.path.rfind('/') + 1);
    if (!Within(file.path, "tests") || !absl::ConsumeSuffix(&name, "_test.cc")) continue;
    for (const Include& include : IncludesOf(file)) {
      if (absl::EndsWith(include.header, absl::StrCat("/", name, ".h")))
        tested.insert(include.header);
    }
  }
  Offences offences;
  for (const File& file : files) {
    if (!Within(file.path, folder) || !absl::EndsWith(file.path, ".h")) continue;
    if (tested.count(file.path) > 0) continue;
    const auto it = std::find_if(untested.begin(), untested.end(),
                                 [&](const Exception& e) { return e.name == file.path; });
    if (it != untested.end()) {
      used->insert(it->name);
      continue;
    }
    offences.push_back({file.path, 1,
                        absl::StrCat("no test named after it includes it: write tests/",
                                     absl::StripSuffix(file.path, ".h"), "_test.cc")});
  }
  return offences;
}

Offences CheckGuard(const File& file) {
  if (!absl::EndsWith(file.path, ".h")) return {};
  std::string guard = absl::StrCat("FISCAL_", absl::AsciiStrToUpper(file.path), "_");
  std::replace_if(
      guard.begin(), guard.end(), [](char c) { return !IsWordChar(c); }, '_');
  const std::string expected = absl::StrCat("#ifndef ", guard, "\n#define ", guard, "\n");
  if (absl::StrContains(file.text, expected)) return {};
  return {{file.path, 1, absl::StrCat("its guard is not its path: make it ", guard)}};
}

Offences CheckFunctions(const File& file, const std::vector<LengthBound>& bounds,
                        const std::vector<Exception>& long_ones, Used* used) {
  if (!IsCpp(file.path)) return {};
  const LengthBound* bound = RowOf(file.path, bounds, &LengthBound::folder);
  if (bound == nullptr) return {};
  Offences offences;
  for (const auto& function : FunctionFinder().Find(CutText(file).bare)) {
    if (function.lines <= bound->lines_max) continue;
    const auto it = std::find_if(long_ones.begin(), long_ones.end(), [&](const Exception& e) {
      return absl::EndsWith(function.name, e.name);
    });
    if (it != long_ones.end()) {
      used->insert(it->name);
      continue;
    }
    offences.push_back({file.path, function.line,
                        absl::StrCat(function.name, " has ", function.lines,
                                     " lines: split it, at most ", bound->lines_max)});
  }
  return offences;
}

Offences CheckFormat(const std::string& root, const std::vector<std::string>& paths) {
  constexpr size_t kBatches = 4;
  std::vector<std::string> batches(std::min(kBatches, paths.size()));
  for (size_t i = 0; i < paths.size(); ++i) {
    absl::StrAppend(&batches[i % batches.size()], " ", paths[i]);
  }
  std::vector<std::future<Offences>> running;
  for (const std::string& batch : batches) {
    running.push_back(std::async(std::launch::async, [&] { return RunFormatter(root, batch); }));
  }
  Offences offences;
  for (std::future<Offences>& batch : running) {
    for (Offence& offence : batch.get()) offences.push_back(std::move(offence));
  }
  return offences;
}

}  // namespace fiscal::tidy
