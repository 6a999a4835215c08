#include "services/rpc/gate.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "domain/authority/principal.h"
#include "domain/reason.h"
#include "domain/shapes.h"
#include "domain/types.h"
#include "fiscal/method/v1/method.pb.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/server_context.h"
#include "services/ledger/compare/visible.h"
#include "services/wire/text_wire.h"
#include "storage/record_codec.h"

namespace fiscal::services::rpc {
namespace {

namespace pb = fiscal::method::v1;
using authority::Asked;
using authority::Verb;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

static_assert(static_cast<int>(Verb::kReadGrants) == pb::VERB_READ_GRANTS &&
              authority::kVerbs == pb::Verb_MAX + 1);

// The way to a field: "filters.division_code".
using Path = std::vector<const FieldDescriptor*>;

Path PathOf(const Descriptor& request, const std::string& text) {
  Path path;
  const Descriptor* at = &request;
  for (const std::string& name :
       std::vector<std::string>(absl::StrSplit(text, '.', absl::SkipEmpty()))) {
    FISCAL_CHECK(at != nullptr, "the path of a method's option goes through messages");
    path.push_back(at->FindFieldByName(name));
    FISCAL_CHECK(path.back() != nullptr, "the path of a method's option is of its request");
    at = path.back()->message_type();
  }
  return path;
}

// Where on its way a value is: the indices of repeated fields, as text.
using Leaf = std::function<void(const Message& message, const FieldDescriptor& field, int index,
                                const std::string& where)>;

// `where` is null where nobody asks for it, which is nearly always.
void Walk(const Message& message, const Path& path, size_t depth, const std::string* where,
          const Leaf& leaf) {
  const FieldDescriptor& field = *path[depth];
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const bool last = depth + 1 == path.size();
  std::string here;
  if (where != nullptr) here = absl::StrCat(*where, where->empty() ? "" : ".", field.name());
  if (!field.is_repeated()) {
    if (last) {
      leaf(message, field, -1, here);
    } else {
      Walk(reflection.GetMessage(message, &field), path, depth + 1,
           where == nullptr ? nullptr : &here, leaf);
    }
    return;
  }
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    std::string element;
    if (where != nullptr) element = absl::StrCat(here, "[", i, "]");
    if (last) {
      leaf(message, field, i, element);
    } else {
      Walk(reflection.GetRepeatedMessage(message, &field, i), path, depth + 1,
           where == nullptr ? nullptr : &element, leaf);
    }
  }
}

struct Value {
  std::string text;
  int64_t number = 0;
  std::string where;
};

// The values of a field, one for each element of the repeated field on the way; none without path.
// `named`: with where they are.
std::vector<Value> ValuesOf(const Message& request, const Path& path, bool named = false) {
  std::vector<Value> values;
  if (path.empty()) return values;
  const std::string root;
  Walk(request, path, 0, named ? &root : nullptr,
       [&](const Message& message, const FieldDescriptor& field, int index,
           const std::string& where) {
         const google::protobuf::Reflection& r = *message.GetReflection();
         Value value;
         value.where = where;
         switch (field.cpp_type()) {
           case FieldDescriptor::CPPTYPE_STRING:
             value.text = index < 0 ? r.GetString(message, &field)
                                    : r.GetRepeatedString(message, &field, index);
             break;
           case FieldDescriptor::CPPTYPE_BOOL:
             value.number =
                 index < 0 ? r.GetBool(message, &field) : r.GetRepeatedBool(message, &field, index);
             break;
           case FieldDescriptor::CPPTYPE_INT32:
             value.number = index < 0 ? r.GetInt32(message, &field)
                                      : r.GetRepeatedInt32(message, &field, index);
             break;
           case FieldDescriptor::CPPTYPE_ENUM:
             value.number = index < 0 ? r.GetEnumValue(message, &field)
                                      : r.GetRepeatedEnumValue(message, &field, index);
             break;
           default:
             FISCAL_CHECK(false, "an option's path ends at a text, a bool, a year or an enum");
         }
         values.push_back(std::move(value));
       });
  return values;
}

// Of the k-th element; one value is for all.
const Value* At(const std::vector<Value>& values, size_t k) {
  if (values.empty()) return nullptr;
  return &values[values.size() == 1 ? 0 : k];
}

struct ScopeRule {
  Path division, own_level, children, department, agency, year, stage, position;
  bool narrowed = false;
};

struct FurtherRule {
  Path field;
  // Of an enum: the numbers that ask for it.
  std::vector<int64_t> numbers;
  Verb verb;
};

// The parts that one scope names. `named` becomes true when it names a division.
absl::Status PartsOf(const ScopeRule& rule, const Message& request, std::vector<Asked>* parts,
                     bool* named) {
  const std::vector<Value> divisions = ValuesOf(request, rule.division),
                           own = ValuesOf(request, rule.own_level),
                           children = ValuesOf(request, rule.children),
                           departments = ValuesOf(request, rule.department),
                           agencies = ValuesOf(request, rule.agency),
                           years = ValuesOf(request, rule.year),
                           stages = ValuesOf(request, rule.stage);
  for (size_t k = 0; k < divisions.size(); ++k) {
    Asked part;
    if (!divisions[k].text.empty()) {
      part.division = wire::ParseDivision(divisions[k].text);
      if (part.division == 0) {
        return domain::Refuse({{domain::Reason::kCodeMalformed,
                                ValuesOf(request, rule.division, /*named=*/true)[k].where, "",
                                domain::kDivisionShape}});
      }
      *named = true;
    }
    if (const Value* v = At(own, k)) part.own_level = v->number != 0;
    if (const Value* v = At(departments, k)) part.department = v->text;
    if (const Value* v = At(children, k)) {
      part.own_level = v->number == 0;
      // The same code is another department below.
      if (!part.own_level) part.department.clear();
    }
    if (const Value* v = At(agencies, k)) part.agency = v->text;
    // What no year or stage is, the handler says.
    if (const Value* v = At(years, k)) {
      part.year = static_cast<uint16_t>(
          std::clamp<int64_t>(v->number, 0, std::numeric_limits<uint16_t>::max()));
    }
    if (const Value* v = At(stages, k);
        v != nullptr && v->number >= 0 && v->number <= static_cast<int>(domain::Stage::kCurrent)) {
      part.stage = static_cast<domain::Stage>(v->number);
    }
    parts->push_back(std::move(part));
  }
  return absl::OkStatus();
}

bool Asks(const FurtherRule& rule, const Message& request) {
  const std::vector<Value> values = ValuesOf(request, rule.field);
  return std::any_of(values.begin(), values.end(), [&](const Value& value) {
    if (rule.numbers.empty()) return value.number != 0 || !value.text.empty();
    return std::find(rule.numbers.begin(), rule.numbers.end(), value.number) != rule.numbers.end();
  });
}

// What an event is about, for requests that name one by its position; everything, where there is no
// event yet.
absl::Status PartAt(const storage::EventLog& log, const std::string& text,
                    std::vector<Asked>* parts) {
  const absl::StatusOr<domain::Moment> moment = wire::ParsePosition(text, "position");
  if (!moment.ok()) return moment.status();
  const absl::StatusOr<storage::LogEntry> entry = log.Read(moment->position());
  if (!entry.ok()) {
    // It may be there by the time of the answer.
    parts->emplace_back();
    return absl::OkStatus();
  }
  absl::string_view payload;
  FISCAL_ASSIGN_OR_RETURN(const domain::EventHeader header,
                          storage::DecodeHeader(*entry->record, &payload));
  parts->push_back(AboutEvent(header, payload).part);
  return absl::OkStatus();
}

}  // namespace

struct Gate::Rule {
  Verb verb = Verb::kNone;
  // Where a write is decided its parts are looked at; here only its rights.
  bool decided_later = false;
  std::vector<ScopeRule> scopes;
  std::vector<FurtherRule> further;
};

Gate::Gate() {
  for (const Method& method : Methods()) {
    auto rule = std::make_unique<Rule>();
    const pb::Method& option = method.option;
    const Descriptor* request =
        google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(method.request);
    FISCAL_CHECK(request != nullptr && option.verb() != pb::VERB_UNSPECIFIED,
                 "a method's option says which right it needs");
    rule->verb = static_cast<Verb>(option.verb());
    rule->decided_later = rule->verb == Verb::kWrite || rule->verb == Verb::kValidate ||
                          rule->verb == Verb::kWriteCatalog;
    if (!authority::IsSystemWide(rule->verb)) {
      for (const pb::Scope& scope : option.scopes()) {
        rule->scopes.push_back(
            {PathOf(*request, scope.division()), PathOf(*request, scope.own_level()),
             PathOf(*request, scope.children()), PathOf(*request, scope.department()),
             PathOf(*request, scope.agency()), PathOf(*request, scope.fiscal_year()),
             PathOf(*request, scope.stage()), PathOf(*request, scope.position()),
             scope.narrowed()});
      }
    }
    for (const pb::FurtherVerb& further : option.further_verbs()) {
      FurtherRule more{PathOf(*request, further.field()), {}, static_cast<Verb>(further.verb())};
      for (const std::string& name : further.values()) {
        const auto* value = more.field.back()->enum_type()->FindValueByName(name);
        FISCAL_CHECK(value != nullptr, "an option names values that the enum has");
        more.numbers.push_back(value->number());
      }
      rule->further.push_back(std::move(more));
    }
    rules_.emplace(&method, std::move(rule));
  }
}

Gate::~Gate() = default;

const Gate::Rule& Gate::RuleOf(const Method& method) const {
  const auto it = rules_.find(&method);
  FISCAL_CHECK(it != rules_.end(), "a call is of a method in the table");
  return *it->second;
}

Caller Gate::Identify(const grpc::ServerContextBase& context) const {
  Caller caller{authority::kAnonymous, ConnectionOf(context), absl::OkStatus()};
  if (parts_.identities == nullptr) return caller;
  const Certificate certificate = CertificateOf(context);
  absl::StatusOr<std::string> principal = parts_.identities->Of(certificate.pem, certificate.chain);
  caller.principal = principal.ok() ? *std::move(principal) : std::string();
  caller.refused = principal.status();
  return caller;
}

absl::Status Gate::MayCall(const Caller& caller, const Method& method,
                           authority::Share* share) const {
  // Who is nobody has the share of everybody.
  if (!caller.refused.ok() && on() && share != nullptr) *share = parts_.authority->Of("")->share();
  FISCAL_RETURN_IF_ERROR(caller.refused);
  if (!on()) return absl::OkStatus();
  return parts_.authority->MayEver(caller.principal, RuleOf(method).verb, share);
}

absl::Status Gate::MayAsk(const Caller& caller, const Method& method, const Message& request,
                          std::vector<Need>* needs) const {
  if (!on()) return absl::OkStatus();
  const Rule& rule = RuleOf(method);
  if (rule.decided_later) return absl::OkStatus();
  Need need{rule.verb, {}};
  std::vector<Asked> unnamed;
  bool narrowed = false;
  for (const ScopeRule& scope : rule.scopes) {
    std::vector<Asked> parts;
    bool named = false;
    FISCAL_RETURN_IF_ERROR(PartsOf(scope, request, &parts, &named));
    for (const Value& position : ValuesOf(request, scope.position))
      FISCAL_RETURN_IF_ERROR(PartAt(*parts_.log, position.text, &need.parts));
    narrowed = narrowed || scope.narrowed;
    if (rule.verb == Verb::kReadCatalog) {
      // A list is of its division alone.
      for (Asked& part : parts) part.own_level = true;
    }
    std::vector<Asked>& into = named ? need.parts : unnamed;
    std::move(parts.begin(), parts.end(), std::back_inserter(into));
  }
  if (need.parts.empty() && !narrowed) need.parts = std::move(unnamed);
  for (const FurtherRule& further : rule.further) {
    if (Asks(further, request)) needs->push_back({further.verb, need.parts});
  }
  needs->push_back(std::move(need));
  return Check(caller, *needs);
}

bool Gate::Sees(const Caller& caller, Verb verb, const Asked& part) const {
  if (!enforced()) return true;
  return parts_.authority->Of(caller.principal)->Covers(verb, part, *parts_.catalog());
}

absl::Status Gate::Check(const Caller& caller, const std::vector<Need>& needs) const {
  const std::shared_ptr<const domain::Catalog> catalog = parts_.catalog();
  for (const Need& need : needs) {
    FISCAL_RETURN_IF_ERROR(
        parts_.authority->May(caller.principal, need.verb, need.parts, *catalog));
  }
  return absl::OkStatus();
}

absl::Status Gate::Still(const Method& method, const std::vector<Need>& needs,
                         const grpc::ServerContextBase& context) const {
  const Caller caller = Identify(context);
  FISCAL_RETURN_IF_ERROR(MayCall(caller, method));
  // What is not enforced was said when it was asked.
  return enforced() ? Check(caller, needs) : absl::OkStatus();
}

}  // namespace fiscal::services::rpc
