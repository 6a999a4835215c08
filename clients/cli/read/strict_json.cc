#include "clients/cli/read/strict_json.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/text.h"
#include "clients/cli/read/nearest.h"
#include "google/protobuf/descriptor.h"
#include "nlohmann/json.hpp"

namespace fiscal::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// How far the parser has read; it reads each character once.
struct Progress {
  int64_t ends_of_line = 0;
  bool at_end_of_line = false;
};

class Characters {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Characters(const char* at, Progress* progress) : at_(at), progress_(progress) {}
  reference operator*() const { return *at_; }
  Characters& operator++() {
    progress_->at_end_of_line = *at_ == '\n';
    if (progress_->at_end_of_line) ++progress_->ends_of_line;
    ++at_;
    return *this;
  }
  Characters operator++(int) {
    Characters before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Characters& other) const { return at_ == other.at_; }
  bool operator!=(const Characters& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  Progress* progress_;
};

// A value that is neither an object nor an array.
struct Scalar {
  enum class Kind { kBool, kNumber, kText };
  Kind kind;
  // As it stands in the text; of a text what is in the quotation marks.
  std::string text;
  bool truth = false;
};

// English and Chinese.
struct Words {
  std::string en, zh;
};

Words Needed(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return {"true or false", "true 或 false"};
    case FieldDescriptor::CPPTYPE_STRING:
      return {"text in quotation marks", "带引号的文本"};
    case FieldDescriptor::CPPTYPE_ENUM:
      return {"one of its names, in quotation marks", "带引号的枚举名称"};
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return {"an object", "对象"};
    default:
      return {"a whole number", "整数"};
  }
}

// "-12": a whole number as JSON has it.
bool IsWhole(absl::string_view text) {
  if (absl::StartsWith(text, "-")) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == absl::string_view::npos &&
         (text.size() == 1 || text[0] != '0');
}

// The name by which a key means the field.
const FieldDescriptor* FieldOf(const Descriptor& message, const std::string& key) {
  const FieldDescriptor* field = message.FindFieldByName(key);
  if (field != nullptr) return field;
  field = message.FindFieldByCamelcaseName(key);
  return field != nullptr && field->json_name() == key ? field : nullptr;
}

class Reader : public nlohmann::json_sax<nlohmann::json> {
 public:
  Reader(absl::string_view text, const JsonOptions& options,
         const std::function<JsonTarget(int64_t)>& begin)
      : text_(text), options_(options), begin_(begin) {}

  std::vector<JsonProblem> Read() {
    // The parser takes this byte for the end of the text.
    const size_t nul = text_.find('\0');
    if (nul != absl::string_view::npos) {
      const auto lines = std::count(text_.begin(), text_.begin() + static_cast<long>(nul), '\n');
      AddAt(options_.first_line + lines, "", "MESSAGE_MALFORMED",
            {"a NUL byte stands in the text", "文本中有空字节"});
      return std::move(problems_);
    }
    nlohmann::json::sax_parse(Characters(text_.data(), &progress_),
                              Characters(text_.data() + text_.size(), &progress_), this);
    return std::move(problems_);
  }

  bool null() override {
    const Slot slot = Enter();
    const bool element = !frames_.empty() && frames_.back().array;
    if (slot == Slot::kRoot) AddNoObject();
    if (slot == Slot::kWrapped || (slot == Slot::kField && element))
      Add("MESSAGE_MALFORMED", {"null is no value here", "此处不能为 null"});
    return true;
  }
  bool boolean(bool value) override {
    return Take({Scalar::Kind::kBool, value ? "true" : "false", value});
  }
  bool number_integer(number_integer_t value) override { return TakeNumber(absl::StrCat(value)); }
  bool number_unsigned(number_unsigned_t value) override { return TakeNumber(absl::StrCat(value)); }
  bool number_float(number_float_t, const string_t& text) override { return TakeNumber(text); }
  bool string(string_t& value) override { return Take({Scalar::Kind::kText, std::move(value)}); }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override {
    Frame frame;
    switch (Enter()) {
      case Slot::kRoot: {
        frame.target = begin_(Line());
        frame.message = frame.target.message;
        break;
      }
      case Slot::kWrapped:
        frame.message = frames_.back().target.wrapped;
        break;
      case Slot::kField:
        frame.message = Child();
        break;
      case Slot::kSkip:
        break;
    }
    frames_.push_back(std::move(frame));
    return true;
  }

  bool key(string_t& name) override {
    Frame& frame = frames_.back();
    const bool alone = !frame.target.key.empty() && name == frame.target.key;
    const bool first = frame.key.empty() && frame.others.empty();
    const bool wrapped_before = frame.wrapped;
    frame.key = name;
    frame.field = nullptr;
    frame.wrapped = alone && first;
    if (frame.wrapped) *frame.target.is_wrapped = true;
    if (frame.message == nullptr) return true;
    if (wrapped_before || (alone && !first)) {
      Add("MESSAGE_MALFORMED", {absl::StrCat(Shown(wrapped_before ? frame.target.key : name),
                                             " stands alone in its object"),
                                "该对象中不能有其他字段"});
      // What follows the first is not read either.
      frame.wrapped = false;
      frame.message = nullptr;
      return true;
    }
    if (!alone) FindField(&frame);
    return true;
  }

  bool end_object() override {
    frames_.pop_back();
    return true;
  }

  bool start_array(std::size_t) override {
    Frame frame;
    frame.array = true;
    switch (Enter()) {
      case Slot::kRoot:
        if (!options_.array || !frames_.empty()) {
          AddNoObject();
        } else {
          frame.root = true;
        }
        break;
      case Slot::kWrapped:
        Add("MESSAGE_MALFORMED", {"must be an object", "应为对象"});
        break;
      case Slot::kField: {
        const Frame& above = frames_.back();
        if (above.field->is_repeated() && !above.array) {
          frame.message = above.message;
          frame.field = above.field;
        } else {
          AddNeeded();
        }
        break;
      }
      case Slot::kSkip:
        break;
    }
    frames_.push_back(std::move(frame));
    return true;
  }

  bool end_array() override {
    frames_.pop_back();
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    AddAt(Line(/*number=*/false, /*behind=*/true), frames_.empty() ? "" : Path(),
          "MESSAGE_MALFORMED", Syntax(position, error.what()));
    return false;
  }

 private:
  // An object or an array that is open.
  struct Frame {
    bool array = false;
    // An array of the objects to read.
    bool root = false;
    // Null where nothing is read, since something is wrong with it.
    Message* message = nullptr;
    // The field of the key last seen, or of the array. Null for an unknown one.
    const FieldDescriptor* field = nullptr;
    std::string key;
    int64_t index = -1;
    // Of objects to read only.
    JsonTarget target;
    bool wrapped = false;
    std::vector<const FieldDescriptor*> seen;
    absl::flat_hash_set<std::string> others;
  };

  // What the value that begins is.
  enum class Slot { kRoot, kWrapped, kField, kSkip };

  Slot Enter() {
    if (frames_.empty()) return Slot::kRoot;
    Frame& frame = frames_.back();
    if (frame.array) ++frame.index;
    if (frame.root) return Slot::kRoot;
    if (frame.message == nullptr) return Slot::kSkip;
    if (frame.wrapped) return Slot::kWrapped;
    return frame.field == nullptr ? Slot::kSkip : Slot::kField;
  }

  void FindField(Frame* frame) {
    const Descriptor& descriptor = *frame->message->GetDescriptor();
    const FieldDescriptor* field = FieldOf(descriptor, frame->key);
    if (field == nullptr) {
      if (!frame->others.insert(frame->key).second) {
        AddTwice();
        return;
      }
      std::vector<std::string> names;
      for (int i = 0; i < descriptor.field_count(); ++i)
        names.push_back(descriptor.field(i)->name());
      Add("FIELD_UNKNOWN",
          {absl::StrCat("there is no such field", DidYouMean(frame->key, names)), "没有这个字段"});
    } else if (std::find(frame->seen.begin(), frame->seen.end(), field) != frame->seen.end()) {
      AddTwice();
    } else {
      frame->seen.push_back(field);
      frame->field = field;
    }
  }

  // The message of the field or element that begins; null, having said so, where it is none.
  Message* Child() {
    const Frame& frame = frames_.back();
    if (frame.field->is_repeated() != frame.array ||
        frame.field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      AddNeeded();
      return nullptr;
    }
    const Reflection& reflection = *frame.message->GetReflection();
    return frame.array ? reflection.AddMessage(frame.message, frame.field)
                       : reflection.MutableMessage(frame.message, frame.field);
  }

  bool TakeNumber(std::string text) {
    number_ = true;
    Take({Scalar::Kind::kNumber, std::move(text)});
    number_ = false;
    return true;
  }

  bool Take(const Scalar& value) {
    switch (Enter()) {
      case Slot::kRoot:
        AddNoObject();
        break;
      case Slot::kWrapped:
        Add("MESSAGE_MALFORMED", {"must be an object", "应为对象"});
        break;
      case Slot::kField:
        if (frames_.back().field->is_repeated() != frames_.back().array) {
          AddNeeded();
        } else {
          Set(frames_.back(), value);
        }
        break;
      case Slot::kSkip:
        break;
    }
    return true;
  }

  void Set(const Frame& frame, const Scalar& value) {
    Message* message = frame.message;
    const FieldDescriptor* field = frame.field;
    const Reflection& r = *message->GetReflection();
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_BOOL:
        if (value.kind != Scalar::Kind::kBool) return AddNeeded();
        return frame.array ? r.AddBool(message, field, value.truth)
                           : r.SetBool(message, field, value.truth);
      case FieldDescriptor::CPPTYPE_STRING:
        if (value.kind != Scalar::Kind::kText || field->type() == FieldDescriptor::TYPE_BYTES)
          return AddNeeded();
        return frame.array ? r.AddString(message, field, value.text)
                           : r.SetString(message, field, value.text);
      case FieldDescriptor::CPPTYPE_ENUM:
        return SetEnum(frame, value);
      case FieldDescriptor::CPPTYPE_INT32: {
        int32_t number = 0;
        if (!Whole(value, &number)) return;
        return frame.array ? r.AddInt32(message, field, number)
                           : r.SetInt32(message, field, number);
      }
      case FieldDescriptor::CPPTYPE_INT64: {
        int64_t number = 0;
        if (!Whole(value, &number)) return;
        return frame.array ? r.AddInt64(message, field, number)
                           : r.SetInt64(message, field, number);
      }
      default:
        // An object; requests have no other kinds of numbers.
        return AddNeeded();
    }
  }

  void SetEnum(const Frame& frame, const Scalar& value) {
    const FieldDescriptor* field = frame.field;
    const Reflection& r = *frame.message->GetReflection();
    int32_t number = 0;
    if (value.kind == Scalar::Kind::kBool) return AddNeeded();
    if (value.kind == Scalar::Kind::kNumber) {
      if (!Whole(value, &number)) return;
    } else {
      const EnumValueDescriptor* named = field->enum_type()->FindValueByName(value.text);
      if (named == nullptr) {
        std::vector<std::string> names;
        for (int i = 0; i < field->enum_type()->value_count(); ++i)
          names.push_back(field->enum_type()->value(i)->name());
        return Add("ENUM_UNKNOWN", {absl::StrCat(Shown(value.text), " is none of its values",
                                                 DidYouMean(value.text, names)),
                                    absl::StrCat(Shown(value.text), " 不在允许的取值中")});
      }
      number = named->number();
    }
    frame.array ? r.AddEnumValue(frame.message, field, number)
                : r.SetEnumValue(frame.message, field, number);
  }

  // False, having said why, unless it is a whole number that fits.
  template <typename Int>
  bool Whole(const Scalar& value, Int* number) {
    const std::string& text = value.text;
    const std::string shown = Shown(text);
    if (value.kind == Scalar::Kind::kBool) {
      AddNeeded();
    } else if (IsWhole(text)) {
      if (absl::SimpleAtoi(text, number)) return true;
      Add("MESSAGE_MALFORMED", {absl::StrCat(shown, " is beyond ", std::numeric_limits<Int>::min(),
                                             " to ", std::numeric_limits<Int>::max()),
                                absl::StrCat(shown, " 超出整数范围")});
    } else if (value.kind == Scalar::Kind::kText) {
      Add("MESSAGE_MALFORMED", {absl::StrCat("\"", shown, "\" is no whole number"),
                                absl::StrCat("“", shown, "”不是整数")});
    } else {
      const bool exponent = absl::StrContains(text, "e") || absl::StrContains(text, "E");
      Add("MESSAGE_MALFORMED",
          {absl::StrCat(shown, " has ", exponent ? "an exponent" : "a fraction",
                        "; write a whole number"),
           absl::StrCat(shown, " 不是整数，请写成整数")});
    }
    return false;
  }

  // In the voice of the other messages; what the parser says where it says more.
  Words Syntax(std::size_t position, const std::string& what) const {
    // "[json.exception.parse_error.101] parse error at line 3, column 5: syntax error ..."
    const size_t column = what.find("column ");
    const size_t start = what.find(": ", column == std::string::npos ? 0 : column);
    const std::string said = start == std::string::npos ? what : what.substr(start + 2);
    const std::string zh = "不是正确的 JSON";
    if (text_.find_first_not_of(" \t\r\n") == absl::string_view::npos)
      return {"there is nothing in it", "内容为空"};
    const size_t end = std::min(position, text_.size());
    const char last_read = end == 0 ? ' ' : text_[end - 1];
    if (last_read == '/' && absl::StrContains(said, "invalid literal"))
      return {"JSON has no comments", "JSON 中不能有注释"};
    if (absl::StrContains(said, "; expected end of input")) {
      return {"more follows after the end; several budgets are an array, or one a line of .ndjson",
              "结束后还有内容；多份预算请用数组，或每行一份的 .ndjson"};
    }
    const size_t last =
        end < 2 ? absl::string_view::npos : text_.substr(0, end - 1).find_last_not_of(" \t\r\n");
    if ((last_read == '}' || last_read == ']') && last != absl::string_view::npos &&
        text_[last] == ',') {
      return {absl::StrCat("a comma stands before ", text_.substr(end - 1, 1)),
              absl::StrCat(text_.substr(end - 1, 1), " 前多了一个逗号")};
    }
    return {said, zh};
  }

  void AddNoObject() {
    Add("MESSAGE_MALFORMED", options_.array
                                 ? Words{"a budget is an object, several are an array of objects",
                                         "一份预算应为一个对象，多份应为对象的数组"}
                                 : Words{"must be an object", "应为对象"});
  }
  void AddNeeded() {
    const Frame& frame = frames_.back();
    const Words needed = frame.field->is_repeated() && !frame.array ? Words{"an array", "数组"}
                                                                    : Needed(*frame.field);
    Add("MESSAGE_MALFORMED",
        {absl::StrCat("must be ", needed.en), absl::StrCat("应为", needed.zh)});
  }
  void AddTwice() {
    Add("MESSAGE_MALFORMED", {"is given twice in its object", "在同一对象中重复出现"});
  }
  void Add(const char* reason, Words words) {
    AddAt(Line(number_), Path(), reason, std::move(words));
  }
  void AddAt(int64_t line, std::string field, const char* reason, Words words) {
    if (problems_.size() == kJsonProblemsMax) return;
    problems_.push_back({line, std::move(field), reason, std::move(words.en), std::move(words.zh)});
  }

  // The line of the token last read. The parser knows the end of a number, or a fault, by the
  // character behind it.
  int64_t Line(bool number = false, bool behind = false) const {
    return options_.first_line + progress_.ends_of_line -
           ((number || behind) && progress_.at_end_of_line ? 1 : 0);
  }

  std::string Path() const {
    std::string path;
    for (const Frame& frame : frames_) {
      if (frame.array) {
        if (frame.index >= 0) absl::StrAppend(&path, "[", frame.index, "]");
      } else if (!frame.key.empty()) {
        absl::StrAppend(&path, path.empty() ? "" : ".", Shown(frame.key));
      }
    }
    return path;
  }

  const absl::string_view text_;
  const JsonOptions options_;
  const std::function<JsonTarget(int64_t)>& begin_;
  Progress progress_;
  bool number_ = false;
  std::vector<Frame> frames_;
  std::vector<JsonProblem> problems_;
};

}  // namespace

absl::string_view WithoutByteOrderMark(absl::string_view text) {
  if (absl::StartsWith(text, "\xef\xbb\xbf")) text.remove_prefix(3);
  return text;
}

std::vector<JsonProblem> ReadJson(absl::string_view text, const JsonOptions& options,
                                  const std::function<JsonTarget(int64_t line)>& begin) {
  return Reader(WithoutByteOrderMark(text), options, begin).Read();
}

}  // namespace fiscal::cli
