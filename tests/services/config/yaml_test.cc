// A file as a tree that knows its lines; what could mislead its reader is refused.
#include "services/config/yaml.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fiscal::services::settings {
namespace {

// The tree in one line: {key@line: value}, [items], "text"@line, ~ for nothing.
std::string Print(const YamlNode& node) {
  std::string out;
  switch (node.kind) {
    case YamlNode::Kind::kNone:
      return "~";
    case YamlNode::Kind::kScalar:
      return absl::StrCat("\"", node.text, "\"@", node.line);
    case YamlNode::Kind::kList:
      for (const YamlNode& item : node.items)
        absl::StrAppend(&out, out.empty() ? "" : ", ", Print(item));
      return absl::StrCat("[", out, "]");
    case YamlNode::Kind::kMapping:
      for (const YamlEntry& entry : node.entries)
        absl::StrAppend(&out, out.empty() ? "" : ", ", entry.key, "@", entry.line, ": ",
                        Print(entry.value));
      return absl::StrCat("{", out, "}");
  }
  return out;
}
std::string Parsed(absl::string_view bytes) {
  const auto node = ParseYaml("f.yaml", bytes);
  return node.ok() ? Print(*node) : std::string(node.status().message());
}

TEST(YamlTest, IsATreeWithLines) {
  EXPECT_EQ(Parsed(""), "~");
  EXPECT_EQ(Parsed("role: all\nserver:\n  listen: \"[::1]:0\"\n"),
            "{role@1: \"all\"@1, server@2: {listen@3: \"[::1]:0\"@3}}");
  EXPECT_EQ(Parsed("a:\n  - x\n  - b: y\n"), "{a@1: [\"x\"@2, {b@3: \"y\"@3}]}");
  EXPECT_EQ(Parsed("a:\nb: ~\nc: null\nd: ''\n"), "{a@1: ~, b@2: ~, c@3: ~, d@4: \"\"@4}");
  EXPECT_EQ(Parsed("# a comment\na: 1\n"), "{a@2: \"1\"@2}");
}

TEST(YamlTest, WhatMisleadsItsReaderIsRefusedWithItsLine) {
  for (const char* bytes : {"a: 1\na: 2\n", "x: 1\nb: &n 1\n", "a: 1\nb: *n\n",
                            "a: 1\nb: !!str 1\n", "a: 1\n---\nb: 2\n", "a: {}\n<<: {b: 1}\n"}) {
    const std::string said = Parsed(bytes);
    EXPECT_EQ(said.rfind("f.yaml:", 0), 0u) << bytes << ": " << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  }
  EXPECT_EQ(Parsed("a: 1\nb: [1\n").rfind("f.yaml:", 0), 0u);
}

}  // namespace
}  // namespace fiscal::services::settings
