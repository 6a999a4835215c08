#include "tests/crash/damage/faults.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/crash/damage/files.h"

namespace fiscal::damage {
namespace {

namespace fs = std::filesystem;

constexpr std::pair<FaultKind, absl::string_view> kNames[] = {
    {FaultKind::kDelete, "delete"}, {FaultKind::kCutByte, "cut-byte"},   {FaultKind::kCut, "cut"},
    {FaultKind::kFlip, "flip"},     {FaultKind::kZeroTail, "zero-tail"}, {FaultKind::kSwap, "swap"},
    {FaultKind::kOlder, "older"},   {FaultKind::kDuplicate, "duplicate"}};

bool HasNumber(FaultKind kind) {
  return kind == FaultKind::kCut || kind == FaultKind::kFlip || kind == FaultKind::kZeroTail;
}
bool HasOther(FaultKind kind) { return kind == FaultKind::kSwap || kind == FaultKind::kDuplicate; }

// Of the medium and not of the names on it.
bool IsOfBytes(FaultKind kind) { return HasNumber(kind) || kind == FaultKind::kCutByte; }

// How many of every class's faults come before the next round: damage of the log's own files is
// what can lose money.
int WeightOf(absl::string_view file_class) {
  if (absl::ConsumePrefix(&file_class, "log.before/"))
    return file_class == "wal" || file_class == "sst" || file_class == "MANIFEST" ? 4 : 1;
  if (file_class == "log/wal" || file_class == "log/sst" || file_class == "log/MANIFEST") return 4;
  if (file_class == "anchor" || file_class == "log/CURRENT") return 2;
  return 1;
}
int WeightOf(FaultKind kind) { return kind == FaultKind::kFlip || kind == FaultKind::kCut ? 2 : 1; }

// A place or a file for the fault; none when this file can't have it.
std::optional<Fault> Choose(const Base& base, const std::vector<std::string>& files, FaultKind kind,
                            std::mt19937_64& random) {
  Fault fault;
  fault.base = base.name;
  fault.kind = kind;
  fault.file = files[random() % files.size()];
  const uint64_t size = fs::file_size(absl::StrCat(base.data(), "/", fault.file));
  if (size == 0 && kind != FaultKind::kDelete && !HasOther(kind) && kind != FaultKind::kOlder)
    return std::nullopt;
  switch (kind) {
    case FaultKind::kCut:
      // To nothing, to a half, or to any length.
      fault.at = random() % 4 == 0 ? 0 : random() % 3 == 0 ? size / 2 : random() % size;
      break;
    case FaultKind::kFlip:
      // Headers and footers are small and would hardly ever be met.
      fault.at = random() % 4 == 0   ? random() % std::min<uint64_t>(size * 8, 512)
                 : random() % 3 == 0 ? size * 8 - 1 - random() % std::min<uint64_t>(size * 8, 4096)
                                     : random() % (size * 8);
      break;
    case FaultKind::kZeroTail:
      fault.at = 1 + random() % std::min<uint64_t>(size, random() % 2 == 0 ? 64 : 8192);
      break;
    case FaultKind::kSwap:
    case FaultKind::kDuplicate:
      if (files.size() < 2) return std::nullopt;
      do {
        fault.other = files[random() % files.size()];
      } while (fault.other == fault.file);
      break;
    case FaultKind::kOlder: {
      if (!fs::exists(absl::StrCat(base.earlier(), "/", fault.file))) return std::nullopt;
      break;
    }
    case FaultKind::kDelete:
    case FaultKind::kCutByte:
      break;
  }
  return fault;
}

// The bytes of the file after the fault; none: it is gone.
std::optional<std::string> DamagedBytes(const Base& base, const Fault& fault,
                                        const std::string& whole) {
  std::string bytes = whole;
  switch (fault.kind) {
    case FaultKind::kDelete:
      return std::nullopt;
    case FaultKind::kCutByte:
      if (!bytes.empty()) bytes.pop_back();
      break;
    case FaultKind::kCut:
      bytes.resize(std::min<size_t>(bytes.size(), fault.at));
      break;
    case FaultKind::kFlip:
      if (fault.at / 8 < bytes.size())
        bytes[fault.at / 8] = static_cast<char>(bytes[fault.at / 8] ^ (1 << fault.at % 8));
      break;
    case FaultKind::kZeroTail: {
      const size_t tail = std::min<size_t>(bytes.size(), fault.at);
      std::fill(bytes.end() - static_cast<std::ptrdiff_t>(tail), bytes.end(), '\0');
      break;
    }
    case FaultKind::kSwap:
    case FaultKind::kDuplicate:
      return ReadBytes(absl::StrCat(base.data(), "/", fault.other));
    case FaultKind::kOlder:
      return ReadBytes(absl::StrCat(base.earlier(), "/", fault.file));
  }
  return bytes;
}

}  // namespace

absl::string_view NameOf(FaultKind kind) {
  for (const auto& [known, name] : kNames) {
    if (known == kind) return name;
  }
  return "";
}

std::string Fault::Name() const {
  std::string name = absl::StrCat(base, ":", file, ":", NameOf(kind));
  if (HasNumber(kind)) absl::StrAppend(&name, ":", at);
  if (HasOther(kind)) absl::StrAppend(&name, ":", other);
  return name;
}

std::optional<Fault> ParseFault(absl::string_view name) {
  const std::vector<std::string> parts = absl::StrSplit(name, ':');
  if (parts.size() < 3) return std::nullopt;
  Fault fault;
  fault.base = parts[0];
  fault.file = parts[1];
  for (const auto& [kind, text] : kNames) {
    if (text != parts[2]) continue;
    fault.kind = kind;
    if (HasNumber(kind) && (parts.size() != 4 || !absl::SimpleAtoi(parts[3], &fault.at)))
      return std::nullopt;
    if (HasOther(kind) && parts.size() != 4) return std::nullopt;
    if (HasOther(kind)) fault.other = parts[3];
    return fault;
  }
  return std::nullopt;
}

std::vector<Fault> PlanFaults(const std::vector<Base>& bases, size_t count, uint64_t seed) {
  struct Stratum {
    const Base* base;
    std::vector<std::string> files;
    FaultKind kind;
  };
  std::vector<Stratum> strata;
  for (const Base& base : bases) {
    std::map<std::string, std::vector<std::string>> classes;
    for (const std::string& file : FilesBelow(base.data())) classes[ClassOf(file)].push_back(file);
    for (const auto& [file_class, files] : classes) {
      for (const auto& [kind, name] : kNames) {
        const Stratum stratum{&base, files, kind};
        strata.insert(strata.end(), static_cast<size_t>(WeightOf(file_class) * WeightOf(kind)),
                      stratum);
      }
    }
  }
  std::mt19937_64 random(seed);
  std::vector<Fault> faults;
  // Strata that no file of can have yield nothing; a round that yields nothing at all ends it.
  for (size_t before = 1; faults.size() < count && before != faults.size();) {
    before = faults.size();
    for (size_t i = strata.size(); i > 1; --i) std::swap(strata[i - 1], strata[random() % i]);
    for (const Stratum& stratum : strata) {
      if (faults.size() == count) break;
      std::optional<Fault> fault = Choose(*stratum.base, stratum.files, stratum.kind, random);
      if (fault.has_value()) faults.push_back(*std::move(fault));
    }
  }
  return faults;
}

bool MakeDamaged(const Base& base, const Fault& fault, const std::string& directory) {
  fs::remove_all(directory);
  fs::create_directories(directory);
  for (const std::string& file : FilesBelow(base.data())) {
    fs::create_directories((fs::path(directory) / file).parent_path());
    if (file == fault.file || (fault.kind == FaultKind::kSwap && file == fault.other)) continue;
    LinkFile(absl::StrCat(base.data(), "/", file), absl::StrCat(directory, "/", file));
  }
  const std::string path = absl::StrCat(base.data(), "/", fault.file);
  const std::string whole = ReadBytes(path);
  const std::optional<std::string> bytes = DamagedBytes(base, fault, whole);
  if (bytes.has_value()) WriteBytes(absl::StrCat(directory, "/", fault.file), *bytes, path);
  if (IsOfBytes(fault.kind)) {
    // A file with two names has its bytes once.
    for (const std::string& file : FilesBelow(base.data())) {
      if (file == fault.file || !fs::equivalent(absl::StrCat(base.data(), "/", file), path))
        continue;
      WriteBytes(absl::StrCat(directory, "/", file), *bytes, path);
    }
  }
  if (fault.kind == FaultKind::kSwap)
    WriteBytes(absl::StrCat(directory, "/", fault.other), whole, path);
  return bytes != whole;
}

void Undo(const Base& base, const Fault& fault, const std::string& directory) {
  std::vector<std::string> files = {fault.file};
  if (fault.kind == FaultKind::kSwap) files.push_back(fault.other);
  const std::string damaged = absl::StrCat(base.data(), "/", fault.file);
  for (const std::string& file : FilesBelow(base.data())) {
    if (IsOfBytes(fault.kind) && file != fault.file &&
        fs::equivalent(absl::StrCat(base.data(), "/", file), damaged))
      files.push_back(file);
  }
  for (const std::string& file : files) {
    std::string path = absl::StrCat(directory, "/", file);
    // What was set aside may be back in its place.
    if (!fs::exists(fs::path(path).parent_path()))
      path = absl::StrReplaceAll(path, {{"/log.before/", "/log/"}});
    if (!fs::exists(fs::path(path).parent_path())) continue;
    fs::remove(path);
    LinkFile(absl::StrCat(base.data(), "/", file), path);
  }
}

}  // namespace fiscal::damage
