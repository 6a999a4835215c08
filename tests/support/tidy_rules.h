// Rules that the source tree keeps, each a function from text to what offends.
//
//   files of the tree, tables of tests/tidy_test.cc --> Check... --> offences: where, what, and
//     what to do
//
// Text is handed in, so that a test plants an offence without a file. Pure, except CheckFormat,
// which runs clang-format.
#ifndef FISCAL_TESTS_SUPPORT_TIDY_RULES_H_
#define FISCAL_TESTS_SUPPORT_TIDY_RULES_H_

#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

namespace fiscal::tidy {

struct File {
  // From the root of the tree, with slashes.
  std::string path;
  std::string text;
};

struct Offence {
  std::string path;
  int line = 0;
  // What is wrong and what to do.
  std::string what;
};
using Offences = std::vector<Offence>;
// A line for each: path:line: what.
std::string Printed(const Offences& offences);

// A row of a table of exceptions, and why it is one.
struct Exception {
  std::string name;
  std::string reason;
};
// Names of exceptions that a rule made use of.
using Used = std::set<std::string>;

// At most 100 characters in sources, 120 in the prose of documents. Lines with an address, tables,
// blocks and mostly Chinese lines of documents may be longer.
Offences CheckWidth(const File& file);

// What a name in a comment or a document can stand for: the tree's paths, and the words of its
// code outside comments.
class Names {
 public:
  explicit Names(const std::vector<File>& files);
  // `name` is a path, the end of one, the beginning of one up to a dot, dash or slash, or a pattern
  // of one with * and {a,b}; from the root or from `folder`.
  bool HasPath(absl::string_view name, absl::string_view folder) const;
  bool HasWord(absl::string_view word) const { return words_.contains(word); }

 private:
  std::vector<std::string> paths_;
  absl::flat_hash_set<std::string> words_;
};
// Files and identifiers that comments and documents name exist. Names of `foreign` are those of
// other programs; they may have a * .
Offences CheckNames(const File& file, const Names& names, const std::vector<Exception>& foreign,
                    Used* used);

// A folder (or one file of it) and the folders that it may include besides itself. The row with
// the longest path counts, for the including file and for the included one alike.
struct Room {
  std::string path;
  std::vector<std::string> includes;  // "*" is all
};
Offences CheckIncludes(const File& file, const std::vector<Room>& rooms);

// Headers that only some places include.
struct KeptApart {
  // The beginning of the header's name, or its end where it starts with a dot.
  std::string header;
  std::vector<std::string> places;
  std::string instead;
};
Offences CheckKeptApart(const File& file, const std::vector<KeptApart>& rows);

// Text that the code of a folder does not contain, but in the places named.
struct Banned {
  std::string folder;
  std::string text;
  std::string instead;
  std::vector<std::string> places;
};
Offences CheckBanned(const File& file, const std::vector<Banned>& rows);

// A README.md in every folder that has sources, which begins with the folder's path and says what
// belongs there.
Offences CheckReadmes(const std::vector<File>& files);

// Every .cc file is named by the CMakeLists.txt of its folder or of one above.
Offences CheckBuilt(const std::vector<File>& files);

// Every header of `folder` is included by a test that has its name, in whatever folder of tests.
// Names of `untested` are headers that no such test includes, and why.
Offences CheckTested(const std::vector<File>& files, const std::string& folder,
                     const std::vector<Exception>& untested, Used* used);

// The guard of a header is its path.
Offences CheckGuard(const File& file);

struct LengthBound {
  std::string folder;
  int lines_max = 0;
};
// Functions have at most as many lines between their braces as the bound of the longest folder
// says. Names of `long_ones` are qualified: "Intake::Apply", "ConfigTest.TlsFilesAreRead".
Offences CheckFunctions(const File& file, const std::vector<LengthBound>& bounds,
                        const std::vector<Exception>& long_ones, Used* used);

// Sources are as clang-format-14 writes them, by the .clang-format above them.
Offences CheckFormat(const std::string& root, const std::vector<std::string>& paths);

}  // namespace fiscal::tidy

#endif  // FISCAL_TESTS_SUPPORT_TIDY_RULES_H_
