#include "services/config/yaml.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "services/config/setting.h"
#include "yaml-cpp/eventhandler.h"
#include "yaml-cpp/exceptions.h"
#include "yaml-cpp/mark.h"
#include "yaml-cpp/parser.h"

namespace fiscal::services::settings {
namespace {

absl::Status Wrong(absl::string_view name, int line, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(name, ":", line, ": ", what));
}

int LineOf(const YAML::Mark& mark) { return std::max(mark.line, 0) + 1; }

// Keeps the first thing that is wrong and takes no notice of what follows it.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(absl::string_view name) : name_(name) {}

  const absl::Status& status() const { return status_; }
  YamlNode& root() { return root_; }
  // Where the last scalar began.
  int last_line() const { return last_line_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) Fail(mark, "a second document: a configuration is one");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (Refused(mark, "", anchor)) return;
    if (AtKey()) return Fail(mark, "a key must be a word");
    Put({YamlNode::Kind::kNone, LineOf(mark), "", {}, {}});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Fail(mark, "an alias (*): write the values out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    last_line_ = LineOf(mark);
    if (Refused(mark, tag, anchor)) return;
    if (AtKey()) return Key(mark, value);
    Put({YamlNode::Kind::kScalar, LineOf(mark), value, {}, {}});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    Start(mark, tag, anchor, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { End(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    Start(mark, tag, anchor, YamlNode::Kind::kMapping);
  }
  void OnMapEnd() override { End(); }

 private:
  // A list or mapping that has begun and not ended.
  struct Open {
    YamlNode node;
    std::set<std::string> keys;
    std::string key;
    int key_line = 0;
    bool at_key = false;
  };

  void Fail(const YAML::Mark& mark, absl::string_view what) {
    if (status_.ok()) status_ = Wrong(name_, LineOf(mark), what);
  }

  bool AtKey() const { return !open_.empty() && open_.back().at_key; }

  // "?" and "!" are what the parser gives values without a tag, plain and quoted.
  bool Refused(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) Fail(mark, "an anchor (&): write the values out");
    if (!tag.empty() && tag != "?" && tag != "!")
      Fail(mark, "a tag (!): a setting has the type it has");
    return !status_.ok();
  }

  // `submission.upstreams[0].name`.
  std::string PathTo(const std::string& key) const {
    std::string path;
    for (size_t i = 0; i + 1 < open_.size(); ++i) {
      const bool list = open_[i].node.kind == YamlNode::Kind::kList;
      absl::StrAppend(&path, list ? absl::StrCat("[", open_[i].node.items.size(), "]")
                                  : absl::StrCat(i == 0 ? "" : ".", open_[i].key));
    }
    return absl::StrCat(path, path.empty() ? "" : ".", key);
  }

  void Key(const YAML::Mark& mark, const std::string& key) {
    Open& open = open_.back();
    if (key == "<<") return Fail(mark, "a merge key (<<): write the values out");
    if (!open.keys.insert(key).second)
      return Fail(mark, absl::StrCat(Shown(PathTo(key)), ": set twice"));
    open.key = key;
    open.key_line = LineOf(mark);
    open.at_key = false;
  }

  void Put(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& open = open_.back();
    if (open.node.kind == YamlNode::Kind::kList) {
      open.node.items.push_back(std::move(node));
      return;
    }
    open.node.entries.push_back({std::move(open.key), open.key_line, std::move(node)});
    open.at_key = true;
  }

  void Start(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
             YamlNode::Kind kind) {
    if (Refused(mark, tag, anchor)) return;
    if (AtKey()) return Fail(mark, "a key must be a word");
    open_.emplace_back();
    open_.back().node.kind = kind;
    open_.back().node.line = LineOf(mark);
    open_.back().at_key = kind == YamlNode::Kind::kMapping;
  }

  void End() {
    if (!status_.ok()) return;
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    Put(std::move(node));
  }

  const absl::string_view name_;
  absl::Status status_;
  int documents_ = 0;
  int last_line_ = 1;
  YamlNode root_;
  std::vector<Open> open_;
};

// The parser takes bytes that are no text for what they are not.
absl::Status CheckLines(absl::string_view name, absl::string_view bytes) {
  int number = 0;
  for (absl::string_view line : absl::StrSplit(bytes, '\n')) {
    ++number;
    const TextFault fault = CheckText(line, /*multiline=*/true);
    if (fault != TextFault::kNone) return Wrong(name, number, Describe(fault));
  }
  return absl::OkStatus();
}

absl::Status Parse(absl::string_view name, absl::string_view bytes, TreeBuilder* builder) {
  std::istringstream in{std::string(bytes)};
  try {
    YAML::Parser parser(in);
    while (builder->status().ok() && parser.HandleNextDocument(*builder)) {
    }
  } catch (const YAML::Exception& e) {
    // A setting refused earlier in the file is reported instead.
    if (builder->status().ok())
      return Wrong(name, LineOf(e.mark), absl::StrCat("YAML: ", Shown(e.msg)));
  }
  return builder->status();
}

}  // namespace

absl::StatusOr<YamlNode> ParseYaml(absl::string_view name, absl::string_view bytes) {
  FISCAL_RETURN_IF_ERROR(CheckLines(name, bytes));
  TreeBuilder builder(name);
  FISCAL_RETURN_IF_ERROR(Parse(name, bytes, &builder));
  // The parser takes a quote that is never closed for one that ends with the file. The end of a
  // document inside one it does refuse; then it was the last value.
  TreeBuilder again(name);
  if (!Parse(name, absl::StrCat(bytes, "\n...\n"), &again).ok())
    return Wrong(name, builder.last_line(), "YAML: a quote is never closed");
  return std::move(builder.root());
}

}  // namespace fiscal::services::settings
