#include "tests/proto/method_rules.h"

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "fiscal/method/v1/method.pb.h"
#include "google/protobuf/descriptor.pb.h"

namespace fiscal::testing {
namespace {

namespace pb = fiscal::method::v1;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MethodDescriptor;

// The field of Scope that has the paths of a field of this name.
const std::map<std::string, std::string>& ScopeFields() {
  static const auto* fields =
      new std::map<std::string, std::string>{{"division_code", "division"},
                                             {"division_codes", "division"},
                                             {"own_level", "own_level"},
                                             {"include_children", "children"},
                                             {"department_code", "department"},
                                             {"agency_code", "agency"},
                                             {"fiscal_year", "fiscal_year"},
                                             {"stage", "stage"},
                                             {"list", "list"},
                                             {"position", "position"},
                                             {"upstream", "upstream"}};
  return *fields;
}

// Null where the request has no such field.
const FieldDescriptor* Find(const Descriptor& request, const std::string& path) {
  const Descriptor* at = &request;
  const FieldDescriptor* field = nullptr;
  for (const absl::string_view name : absl::StrSplit(path, '.')) {
    field = at == nullptr ? nullptr : at->FindFieldByName(std::string(name));
    if (field == nullptr) return nullptr;
    at = field->message_type();
  }
  return field;
}

// The content of a statement or list, which is within the scope that is named beside it; and where
// a read stands, which narrows nothing.
bool IsContent(const Descriptor& message) {
  static const std::set<std::string> content = {
      "fiscal.aggregation.v1.Consistency", "fiscal.budget.v1.LineItem", "fiscal.budget.v1.Project",
      "fiscal.catalog.v1.CatalogEntry"};
  return content.contains(message.full_name());
}

// Paths of the fields by whose names a request says what it is about. A position may also be where
// a read stands: it is not asked for.
void AddNamed(const Descriptor& message, const std::string& prefix, std::set<std::string>* paths) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    const std::string path = prefix + field.name();
    if (field.name() != "position" && ScopeFields().contains(field.name())) {
      paths->insert(path);
    } else if (field.message_type() != nullptr && !IsContent(*field.message_type())) {
      AddNamed(*field.message_type(), path + ".", paths);
    }
  }
}

class Rules {
 public:
  explicit Rules(const MethodDescriptor& method)
      : method_(method),
        request_(*method.input_type()),
        option_(method.options().GetExtension(pb::method)) {}

  std::vector<std::string> Check() {
    if (!method_.options().HasExtension(pb::method)) {
      Say("it has no option fiscal.method.v1.method");
      return std::move(offences_);
    }
    if (!pb::Verb_IsValid(option_.verb()) || option_.verb() == pb::VERB_UNSPECIFIED)
      Say("it has no verb");
    if ((option_.verb() == pb::VERB_WRITE || option_.verb() == pb::VERB_WRITE_CATALOG) &&
        option_.read_only())
      Say("it writes and is read_only");
    Kind();
    if (option_.read_only() !=
        (method_.options().idempotency_level() == google::protobuf::MethodOptions::NO_SIDE_EFFECTS))
      Say("read_only and idempotency_level contradict each other");
    for (const pb::FurtherVerb& further : option_.further_verbs()) Further(further);
    Scopes();
    return std::move(offences_);
  }

 private:
  void Say(const std::string& offence) {
    offences_.push_back(absl::StrCat(method_.full_name(), ": ", offence));
  }

  void Kind() {
    const pb::CallKind kind = option_.kind();
    if (!pb::CallKind_IsValid(kind) || kind == pb::CALL_KIND_UNSPECIFIED)
      return Say("it has no kind");
    const bool stream = kind == pb::CALL_KIND_STREAM || kind == pb::CALL_KIND_WATCH;
    if (stream != method_.server_streaming())
      Say(stream ? "it is of the kind of streams and is none" : "it is a stream of another kind");
    const bool read = kind == pb::CALL_KIND_POINT_READ || kind == pb::CALL_KIND_HEAVY_READ ||
                      kind == pb::CALL_KIND_SLOW_READ || kind == pb::CALL_KIND_WATCH;
    if (read && !option_.read_only()) Say("it is of a kind of reads and not read_only");
  }

  void Further(const pb::FurtherVerb& further) {
    if (!pb::Verb_IsValid(further.verb()) || further.verb() == pb::VERB_UNSPECIFIED)
      Say(absl::StrCat("a further verb, by ", further.field(), ", is none"));
    const FieldDescriptor* field = Find(request_, further.field());
    if (field == nullptr) return Say(absl::StrCat("the request has no ", further.field()));
    const bool asks_by_itself = field->type() == FieldDescriptor::TYPE_BOOL ||
                                field->type() == FieldDescriptor::TYPE_STRING;
    if (asks_by_itself && further.values().empty()) return;
    if (field->enum_type() == nullptr || further.values().empty())
      return Say(absl::StrCat(further.field(), " is no bool, text or enum with values"));
    for (const std::string& value : further.values()) {
      if (field->enum_type()->FindValueByName(value) == nullptr)
        Say(absl::StrCat(field->enum_type()->full_name(), " has no ", value));
    }
  }

  void Scopes() {
    std::set<std::string> unnamed;
    AddNamed(request_, "", &unnamed);
    for (const pb::Scope& scope : option_.scopes()) {
      std::vector<const FieldDescriptor*> set;
      scope.GetReflection()->ListFields(scope, &set);
      if (set.empty()) Say("a scope names nothing");
      for (const FieldDescriptor* role : set) {
        // Says how the fields are read, and is none.
        if (role->name() == "narrowed") continue;
        const std::string path = scope.GetReflection()->GetString(scope, role);
        unnamed.erase(path);
        const FieldDescriptor* field = Find(request_, path);
        if (field == nullptr) {
          Say(absl::StrCat("the request has no ", path));
          continue;
        }
        const auto meant = ScopeFields().find(field->name());
        if (meant == ScopeFields().end() || meant->second != role->name())
          Say(absl::StrCat(path, " is no ", role->name()));
      }
    }
    // Grants are about the system: what they would cover narrows nobody's right to make them.
    if (option_.verb() == pb::VERB_GRANT || option_.verb() == pb::VERB_READ_GRANTS) return;
    for (const std::string& path : unnamed) Say(absl::StrCat(path, " is in no scope"));
  }

  const MethodDescriptor& method_;
  const Descriptor& request_;
  const pb::Method& option_;
  std::vector<std::string> offences_;
};

}  // namespace

std::vector<std::string> MethodOffences(const MethodDescriptor& method) {
  return Rules(method).Check();
}

}  // namespace fiscal::testing
