// Files of a data directory: copies of it that share bytes, and what each file is.
#ifndef FISCAL_TESTS_CRASH_DAMAGE_FILES_H_
#define FISCAL_TESTS_CRASH_DAMAGE_FILES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/sha256.h"

namespace fiscal::damage {

// Relative paths of all files below `directory`, sorted.
std::vector<std::string> FilesBelow(const std::string& directory);

// The store a file belongs to and its kind there: "log/wal", "totals/sst", "anchor",
// "log/MANIFEST".
std::string ClassOf(absl::string_view file);

// Copies every byte; also of a directory that a process works in.
void CopyTree(const std::string& from, const std::string& to);
// Files that are never changed where they stand are shared (hard links), small ones copied.
void LinkTree(const std::string& from, const std::string& to);
void LinkFile(const std::string& from, const std::string& to);

std::string ReadBytes(const std::string& path);
// A file of its own with the permissions of `like`.
void WriteBytes(const std::string& path, absl::string_view bytes, const std::string& like);

// Of every file, to see later that none has changed.
std::map<std::string, Digest> DigestsBelow(const std::string& directory);

}  // namespace fiscal::damage

#endif  // FISCAL_TESTS_CRASH_DAMAGE_FILES_H_
