#include "services/wire/bounds.h"

#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "domain/submission.h"
#include "google/protobuf/wire_format.h"
#include "services/wire/varint.h"

namespace fiscal::services::wire {
namespace {

using domain::Reason;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// Deeper than any request of ours; protobuf itself gives up at 100.
constexpr int kDepthMax = 100;

// A field of one type of message by its number: found once, looked up by number afterwards.
struct Field {
  const FieldDescriptor* field = nullptr;
  // How it is written; a packable one may be of wire type 2 too.
  uint32_t wire_type = 0;
  bool packable = false;
  // Of a repeated field.
  const FieldBound* bound = nullptr;
  // The type of its content, which is walked; null when nothing in it is counted.
  const Descriptor* content = nullptr;
};

class Fields {
 public:
  explicit Fields(const Descriptor& type) {
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor* f = type.field(i);
      if (static_cast<size_t>(f->number()) >= by_number_.size())
        by_number_.resize(static_cast<size_t>(f->number()) + 1);
      Field& out = by_number_[static_cast<size_t>(f->number())];
      out.field = f;
      out.wire_type = google::protobuf::internal::WireFormat::WireTypeForFieldType(f->type());
      out.packable = f->is_packable();
      // Line items are read from their bytes (line_reader.h): nothing in them costs more than it is
      // long.
      const bool line = f->type() == FieldDescriptor::TYPE_MESSAGE &&
                        f->message_type()->full_name() == "fiscal.budget.v1.LineItem";
      if (f->type() == FieldDescriptor::TYPE_MESSAGE && !line) out.content = f->message_type();
      if (!f->is_repeated()) continue;
      for (const FieldBound& bound : FieldBounds()) {
        if (bound.field == f->full_name()) out.bound = &bound;
      }
    }
  }
  // Null when protobuf would keep it as unknown.
  const Field* Find(uint64_t tag) const {
    const uint64_t number = tag >> 3;
    if (number >= by_number_.size() || by_number_[number].field == nullptr) return nullptr;
    const Field& f = by_number_[number];
    return (tag & 7) == f.wire_type || (f.packable && (tag & 7) == 2) ? &f : nullptr;
  }

 private:
  std::vector<Field> by_number_;
};

const Fields& FieldsOf(const Descriptor& type) {
  static absl::Mutex mu;
  static auto& known = *new absl::flat_hash_map<const Descriptor*, std::unique_ptr<const Fields>>();
  absl::MutexLock lock(&mu);
  std::unique_ptr<const Fields>& fields = known[&type];
  if (fields == nullptr) fields = std::make_unique<const Fields>(type);
  return *fields;
}

// Values of a packed field, which ends where its last number does.
int64_t PackedValues(const FieldDescriptor& field, absl::string_view content) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_DOUBLE:
    case FieldDescriptor::TYPE_FIXED64:
    case FieldDescriptor::TYPE_SFIXED64:
      return static_cast<int64_t>(content.size() / 8);
    case FieldDescriptor::TYPE_FLOAT:
    case FieldDescriptor::TYPE_FIXED32:
    case FieldDescriptor::TYPE_SFIXED32:
      return static_cast<int64_t>(content.size() / 4);
    default: {
      int64_t values = 0;
      for (char c : content) values += static_cast<uint8_t>(c) < 0x80;
      return values;
    }
  }
}

}  // namespace

const std::vector<FieldBound>& FieldBounds() {
  constexpr int64_t kLines = static_cast<int64_t>(domain::kStatementLinesMax);
  constexpr int64_t kProjects = static_cast<int64_t>(domain::kStatementProjectsMax);
  static const auto& bounds = *new std::vector<FieldBound>{
      {"fiscal.submission.v1.SubmitBudgetRequest.line_items", kLines, Reason::kTooManyLines},
      {"fiscal.submission.v1.SubmitBudgetRequest.projects", kProjects, Reason::kTooManyProjects},
      {"fiscal.submission.v1.SubmitBudgetRequest.removed_line_ids", kLines, Reason::kTooManyLines},
      {"fiscal.submission.v1.SubmitBudgetRequest.removed_project_codes", kProjects,
       Reason::kTooManyProjects},
      {"fiscal.submission.v1.SubmitReallocationRequest.budgets", 100},
      {"fiscal.budget.v1.Project.indicators", 200000},
      {"fiscal.catalog.v1.ImportCatalogRequest.entries", 100000, Reason::kTooManyEntries},
      {"fiscal.catalog.v1.CatalogEntry.aliases", 200000, Reason::kTooManyEntries},
      {"fiscal.aggregation.v1.BatchGetTotalsRequest.filters", 1000},
      {"fiscal.aggregation.v1.ListTotalsRequest.group_by", 100},
      {"fiscal.aggregation.v1.CompareTotalsRequest.group_by", 100},
      {"fiscal.aggregation.v1.WatchTotalsRequest.filters", 100},
      {"fiscal.aggregation.v1.WatchFilter.group_by", 1000},
      {"fiscal.disclosure.v1.GetTablesRequest.table_numbers", 100},
      {"fiscal.federation.v1.GetDigestsRequest.division_codes", 10000},
  };
  return bounds;
}

absl::Status BoundedFields::Count(const Descriptor& type, absl::string_view bytes) {
  counts_.resize(FieldBounds().size());
  if (refused_.ok()) Walk(type, &bytes, /*group=*/0, /*depth=*/0);
  return refused_;
}

bool BoundedFields::CountUnknown() {
  if (++unknown_ <= kUnknownFieldsMax) return true;
  refused_ = domain::Refuse(
      {{Reason::kFieldUnknown, "", "",
        absl::StrCat("more than ", kUnknownFieldsMax, " fields this version does not know")}});
  return false;
}

// `group`: the number of the group of an unknown field that is walked, which its end tag ends; 0
// for none. False at the first thing that is not counted on.
bool BoundedFields::Walk(const Descriptor& type, absl::string_view* bytes, uint32_t group,
                         int depth) {
  if (depth > kDepthMax) return false;
  const Fields& fields = FieldsOf(type);
  WireField f;
  while (!bytes->empty()) {
    if (!ReadField(bytes, &f)) return false;
    if (f.wire_type() == 4) return f.tag >> 3 == group;
    const Field* const known = group == 0 ? fields.Find(f.tag) : nullptr;
    if (known == nullptr) {
      if (!CountUnknown()) return false;
      if (f.wire_type() == 3 && !Walk(type, bytes, static_cast<uint32_t>(f.tag >> 3), depth + 1))
        return false;
      continue;
    }
    if (known->bound != nullptr) {
      int64_t& count = counts_[static_cast<size_t>(known->bound - FieldBounds().data())];
      count += known->packable && f.wire_type() == 2 ? PackedValues(*known->field, f.content) : 1;
      if (count > known->bound->count_max) {
        refused_ = domain::Refuse(
            {{known->bound->reason, known->field->name(), "",
              absl::StrCat("a request has at most ", known->bound->count_max, " in all")}});
        return false;
      }
    }
    if (known->content != nullptr && !Walk(*known->content, &f.content, /*group=*/0, depth + 1))
      return false;
  }
  return group == 0;
}

}  // namespace fiscal::services::wire
