#include "services/wire/catalog_wire.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "base/text.h"
#include "domain/reason.h"
#include "domain/shapes.h"
#include "domain/types.h"

namespace fiscal::services::wire {
namespace {

namespace pb = fiscal::catalog::v1;
using domain::CatalogEntry;
using domain::Reason;

static_assert(static_cast<int>(domain::CatalogList::kAgency) == pb::CATALOG_LIST_AGENCY &&
              pb::CatalogList_MAX == 7);
static_assert(static_cast<int>(domain::AgencyKind::kInstitution) == pb::AGENCY_KIND_INSTITUTION &&
              pb::AgencyKind_MAX == 3);

constexpr int kEntriesMax = 100000;

}  // namespace

domain::CatalogImport ToImport(const pb::ImportCatalogRequest& request, absl::string_view bytes,
                               absl::string_view principal) {
  domain::CatalogImport import;
  import.principal = std::string(principal);
  import.request_id = request.request_id();
  // However another runtime orders its fields: ours writes equal messages as equal bytes.
  import.body = Sha256({request.SerializeAsString()});
  import.sent = Sha256({bytes});
  auto add = [&](Reason reason, std::string field, domain::Sentence message) {
    if (import.violations.size() < 100)
      import.violations.push_back({reason, std::move(field), "", std::move(message)});
  };
  if (request.request_id().empty()) {
    add(Reason::kRequiredFieldMissing, "request_id", {"a request_id is required", "请求编号必填"});
  } else if (!domain::IsRequestId(request.request_id())) {
    add(Reason::kTextInvalid, "request_id", domain::kRequestIdShape.Not(request.request_id()));
  }
  domain::CatalogEvent& event = import.event;
  event.division = domain::ParseDivision(request.division_code());
  if (event.division == 0) {
    add(Reason::kCodeMalformed, "division_code",
        domain::kDivisionShape.Not(request.division_code()));
  }
  if (!domain::IsFiscalYear(request.fiscal_year())) {
    add(Reason::kCodeMalformed, "fiscal_year",
        domain::kFiscalYearShape.Not(absl::StrCat(request.fiscal_year())));
  } else {
    event.year = static_cast<uint16_t>(request.fiscal_year());
  }
  if (!pb::CatalogList_IsValid(request.list()) || request.list() == 0) {
    add(Reason::kEnumUnknown, "list", {"a list is required", "列表名称必填"});
  } else {
    event.list = static_cast<domain::CatalogList>(request.list());
  }
  if (request.entries_size() < 1)
    add(Reason::kRequiredFieldMissing, "entries", {"at least one entry", "至少一条"});
  if (request.entries_size() > kEntriesMax) {
    add(Reason::kTooManyEntries, "entries",
        {absl::StrCat(request.entries_size(), " entries; at most ", kEntriesMax),
         absl::StrCat("共", request.entries_size(), "条，最多", kEntriesMax, "条")});
    return import;
  }
  for (int i = 0; i < request.entries_size(); ++i) {
    const pb::CatalogEntry& in = request.entries(i);
    CatalogEntry e;
    e.code = in.code();
    e.name = in.name();
    e.parent_code = in.parent_code();
    e.department_code = in.department_code();
    if (!pb::AgencyKind_IsValid(in.kind())) {
      add(Reason::kEnumUnknown, absl::StrCat("entries[", i, "].kind"),
          {absl::StrCat(in.kind(), " is no kind"), absl::StrCat(in.kind(), "不是单位类型")});
    } else {
      e.kind = static_cast<domain::AgencyKind>(in.kind());
    }
    e.valid_from = in.valid_from();
    e.valid_to = in.valid_to();
    e.must_report = in.must_report();
    e.aliases.assign(in.aliases().begin(), in.aliases().end());
    auto text = [&](absl::string_view field, const std::string& value) {
      if (domain::IsText(value, domain::kNameCharactersMax, /*multiline=*/false)) return;
      add(Reason::kTextInvalid, absl::StrCat("entries[", i, "].", field),
          domain::TextFaultOf(value, domain::kNameCharactersMax, /*multiline=*/false));
    };
    text("name", e.name);
    for (const std::string& alias : e.aliases) text("aliases", alias);
    event.entries.push_back(std::move(e));
  }
  return import;
}

void ToProto(const CatalogEntry& e, pb::CatalogEntry* out) {
  out->set_code(e.code);
  out->set_name(e.name);
  out->set_parent_code(e.parent_code);
  out->set_department_code(e.department_code);
  out->set_kind(static_cast<pb::AgencyKind>(e.kind));
  out->set_valid_from(e.valid_from);
  out->set_valid_to(e.valid_to);
  out->set_must_report(e.must_report);
  for (const std::string& alias : e.aliases) out->add_aliases(alias);
}

}  // namespace fiscal::services::wire
