// The reasons of refusal stand in three places: domain/reason.cc, which answers them, and for
// callers fiscal/error/v1/reason.proto and docs/errors.md. Here they are held equal.
#include "domain/reason.h"

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"

namespace fiscal {
namespace {

constexpr char kPrefix[] = "REASON_";

struct Registered {
  // Each value but the first, without its prefix, with its comment as one line.
  std::map<std::string, std::string> comments;
  std::set<int> numbers;
};

Registered ReadRegistry() {
  std::ifstream in(FISCAL_DESCRIPTORS, std::ios::binary);
  google::protobuf::FileDescriptorSet set;
  if (!set.ParseFromIstream(&in)) std::abort();
  google::protobuf::DescriptorPool pool;
  for (const auto& file : set.file()) pool.BuildFile(file);
  const auto* reasons = pool.FindEnumTypeByName("fiscal.error.v1.Reason");
  if (reasons == nullptr) std::abort();
  Registered out;
  for (int i = 1; i < reasons->value_count(); ++i) {
    const auto& value = *reasons->value(i);
    google::protobuf::SourceLocation location;
    EXPECT_TRUE(value.GetSourceLocation(&location)) << value.name();
    std::string comment = absl::StrReplaceAll(location.leading_comments, {{"\n", " "}});
    absl::RemoveExtraAsciiWhitespace(&comment);
    out.comments[std::string(absl::StripPrefix(value.name(), kPrefix))] = comment;
    out.numbers.insert(value.number());
  }
  return out;
}

std::vector<std::string> ReadRows() {
  std::ifstream file("docs/errors.md");
  std::vector<std::string> rows;
  for (std::string line; std::getline(file, line);) {
    if (absl::StartsWith(line, "| `")) rows.push_back(line);
  }
  return rows;
}

TEST(ReasonTest, TheRegistryHasThemAll) {
  const Registered registered = ReadRegistry();
  std::set<std::string> ids;
  for (const domain::ReasonInfo& info : domain::AllReasons()) {
    EXPECT_EQ(domain::InfoOf(info.reason).id, info.id);
    ids.insert(std::string(info.id));
    const auto it = registered.comments.find(std::string(info.id));
    ASSERT_NE(it, registered.comments.end()) << info.id << " is not in reason.proto";
    const std::string begin = absl::StrCat(absl::StatusCodeToString(info.code), ". ");
    EXPECT_TRUE(absl::StartsWith(it->second, begin))
        << info.id << ": its comment begins with " << begin;
    EXPECT_GT(it->second.size(), begin.size()) << info.id << " does not say what to do";
  }
  for (const auto& [id, comment] : registered.comments)
    EXPECT_TRUE(ids.contains(id)) << id << " is answered nowhere: reserve its number instead";
  // No number twice, by an alias.
  EXPECT_EQ(registered.numbers.size(), ids.size());
}

TEST(ReasonTest, TheDocumentSaysTheSame) {
  const Registered registered = ReadRegistry();
  const std::vector<std::string> rows = ReadRows();
  const std::set<std::string> set(rows.begin(), rows.end());
  for (const domain::ReasonInfo& info : domain::AllReasons()) {
    const std::string code = absl::StatusCodeToString(info.code);
    const auto it = registered.comments.find(std::string(info.id));
    if (it == registered.comments.end()) continue;
    const std::string row =
        absl::StrCat("| `", info.id, "` | ", code, " | ", info.zh, " | ",
                     absl::StripPrefix(it->second, absl::StrCat(code, ". ")), " |");
    EXPECT_TRUE(set.contains(row)) << "docs/errors.md lacks the row\n" << row;
  }
  EXPECT_EQ(rows.size(), domain::AllReasons().size());
}

}  // namespace
}  // namespace fiscal
