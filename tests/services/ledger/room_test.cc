// What the rooms of services may know: the ledger neither messages nor threads nor the system's
// clock, the translation nothing but domain, base and messages.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fiscal {
namespace {

struct SourceLine {
  // "path:number"
  std::string place;
  std::string text;
};

// The lines of all sources under `folder`, without their comments.
std::vector<SourceLine> LinesOf(const std::string& folder) {
  std::vector<SourceLine> lines;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string extension = file.path().extension().string();
    if (extension != ".h" && extension != ".cc") continue;
    std::ifstream in(file.path());
    std::string text;
    for (int number = 1; std::getline(in, text); ++number)
      lines.push_back(
          {absl::StrCat(file.path().string(), ":", number), text.substr(0, text.find("//"))});
  }
  return lines;
}

TEST(RoomTest, TheLedgerHasNoTransport) {
  const std::vector<std::string> forbidden = {"grpc",      "google/protobuf", ".pb.h",
                                              "<thread>",  "std::thread",     "absl::Now(",
                                              "RealClock", "services/rpc/",   "services/wire/"};
  const std::vector<SourceLine> lines = LinesOf("services/ledger");
  EXPECT_GT(lines.size(), 1000u);
  for (const SourceLine& line : lines) {
    for (const std::string& word : forbidden)
      EXPECT_FALSE(absl::StrContains(line.text, word)) << line.place << ": " << word;
  }
}

TEST(RoomTest, TheTranslationOnlyTranslates) {
  const std::vector<std::string> known = {"services/wire/", "domain/", "base/",
                                          "fiscal/",        "google/", "absl/"};
  const std::vector<SourceLine> lines = LinesOf("services/wire");
  EXPECT_GT(lines.size(), 1000u);
  for (const SourceLine& line : lines) {
    constexpr absl::string_view kInclude = "#include \"";
    if (!absl::StartsWith(line.text, kInclude)) continue;
    const std::string path = line.text.substr(kInclude.size());
    EXPECT_TRUE(std::any_of(known.begin(), known.end(),
                            [&](const std::string& k) { return absl::StartsWith(path, k); }))
        << line.place << ": " << path;
  }
}

}  // namespace
}  // namespace fiscal
