#include "tests/simulation/tenants.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "services/ledger/compare/postings.h"
#include "services/log/log_view.h"
#include "storage/posting_codec.h"
#include "storage/record_codec.h"
#include "tests/simulation/model.h"

namespace fiscal::simulation {
namespace {

using authority::Asked;
using authority::Extent;
using authority::Verb;
using domain::BudgetKey;
using domain::Code;
using domain::Position;
using domain::Stage;
using services::Intake;

constexpr char kFirst[] = "spiffe://t/admin/1", kSecond[] = "spiffe://t/admin/2",
               kThird[] = "spiffe://t/security/3", kOwner[] = "spiffe://t/lists",
               kCopy[] = "spiffe://t/copy/0";
constexpr const char* kPrincipals[] = {"spiffe://t/agency/0",
                                       "spiffe://t/agency/1",
                                       "spiffe://t/agency/2",
                                       "spiffe://t/agency/3",
                                       "spiffe://t/agency/4",
                                       "spiffe://t/agency/5",
                                       "spiffe://t/consumer/0",
                                       "spiffe://t/consumer/1",
                                       kCopy,
                                       "spiffe://t/copy/1",
                                       kOwner,
                                       kThird,
                                       kFirst,
                                       kSecond};
constexpr Code kDivisions[] = {141100, 141121, 141122};
constexpr const char* kAgencies[] = {"101001", "101002", "102001", "103001"};
// Of what agencies write: amounts of one are congruent modulo this, and so are sums of them.
constexpr int64_t kModulus = 97;
constexpr char kMark[] = "mk-";
constexpr size_t kMarkBytes = 11;

Asked AboutBudget(const BudgetKey& key) {
  return {key.division, true, "", key.agency, key.year, key.stage};
}

int64_t NumberOf(const BudgetKey& key) {
  int64_t agency = 0;
  for (char c : key.agency) agency = agency * 10 + (c - '0');
  return (key.division * 31 + agency) % kModulus;
}

bool AreMarked(const BudgetKey& key, int64_t amount_fen, int64_t lines) {
  return (amount_fen - NumberOf(key) * lines) % kModulus == 0;
}

}  // namespace

Tenants::Tenants(uint64_t seed, Fail fail, TenantBug bug)
    : random_(seed * 2654435761u + 1),
      fail_(std::move(fail)),
      bug_(bug),
      oracle_({kFirst, kSecond}) {}

const char* Tenants::owner() { return kOwner; }

std::unique_ptr<services::Authority> Tenants::MakeAuthority(const storage::EventLog& log) const {
  services::Authority::Options options;
  options.mode = bug_ == TenantBug::kPermitAll ? services::Authority::Mode::kOff
                                               : services::Authority::Mode::kEnforce;
  options.admins = {kFirst, kSecond};
  return std::make_unique<services::Authority>(log, std::move(options));
}

std::vector<Intake::Request> Tenants::FirstOrders() const {
  std::vector<Intake::Request> orders;
  orders.emplace_back(domain::GrantOrder{kFirst, {kOwner, "catalog-owner", {}, ""}});
  orders.emplace_back(domain::ApprovalOrder{kSecond, {Position(1), ""}});
  return orders;
}

std::vector<Intake::Request> Tenants::FirstGrants() {
  std::vector<Intake::Request> orders;
  const auto grant = [&](const char* to, const char* role, Extent extent) {
    orders.emplace_back(
        domain::GrantOrder{kFirst, {to, role, std::move(extent), TagOf(Owner::Kind::kGrants, {})}});
  };
  grant(kPrincipals[0], "submitter", {141100, false, {}, {}, 0, 0, {}});
  grant(kPrincipals[1], "reviewer", {141100, true, {"101"}, {}, 0, 0, {}});
  grant(kPrincipals[2], "submitter", {141121, false, {}, {"102001", "103001"}, 0, 0, {}});
  grant(kPrincipals[3], "submitter", {141122, false, {}, {}, 2024, 2025, {Stage::kApproved}});
  grant(kPrincipals[4], "submitter", {141100, false, {"102"}, {"101001"}, 2023, 0, {}});
  grant(kPrincipals[6], "consumer", {141121, false, {}, {}, 0, 0, {}});
  grant(kPrincipals[7], "consumer", {141100, false, {}, {"101002"}, 0, 0, {}});
  return orders;
}

const std::string& Tenants::Anybody() {
  static const auto* const all =
      new std::vector<std::string>(std::begin(kPrincipals), std::end(kPrincipals));
  return (*all)[Below(all->size())];
}

const std::string& Tenants::TagOf(Owner::Kind kind, const BudgetKey& key) {
  const std::string name = absl::StrCat(static_cast<int>(kind), "/", key.division, "/", key.year,
                                        "/", static_cast<int>(key.stage), "/", key.agency);
  std::string& tag = tags_[name];
  if (tag.empty()) {
    const Digest digest = Sha256({name});
    tag = absl::StrCat(kMark, absl::BytesToHexString(BytesOf(digest).substr(0, 4)));
    owners_[tag] = {kind, key};
  }
  return tag;
}

int64_t Tenants::Marked(const BudgetKey& key, int64_t amount_fen, int64_t precision_fen) const {
  while (!AreMarked(key, amount_fen, 1)) amount_fen += precision_fen;
  return amount_fen;
}

void Tenants::Sign(domain::Submission* s, std::vector<std::string>* texts) {
  const std::string& tag = TagOf(Owner::Kind::kBudget, s->key);
  const auto mark = [&](absl::string_view text) {
    texts->push_back(absl::StrCat(text, ".", tag));
    return absl::string_view(texts->back());
  };
  for (domain::Line& line : s->lines.lines) {
    line.line_id = mark(line.line_id);
    if (!line.project_code.empty()) line.project_code = mark(line.project_code);
    line.note = mark("of");
    if (line.amount_fen >= 0) {
      line.amount_fen =
          Marked(s->key, line.amount_fen, domain::kPrecisionFen[line.precision_class]);
    }
  }
  for (domain::ProjectEntry& project : s->projects) {
    absl::StrAppend(&project.code, ".", tag);
    absl::StrAppend(&project.name, " ", tag);
    project.bytes = absl::StrCat(project.code, "=", project.name);
  }
  for (std::string& id : s->removed_line_ids) absl::StrAppend(&id, ".", tag);
  for (std::string& code : s->removed_project_codes) absl::StrAppend(&code, ".", tag);
  if (!s->note.empty()) absl::StrAppend(&s->note, " ", tag);
  absl::StrAppend(&s->request_id, ".", tag);
  s->principal = Anybody();
  for (int i = 0; i < 12 && Below(8) != 0 && !oracle_.Check(*s).ok(); ++i) s->principal = Anybody();
}

void Tenants::Sign(domain::Reallocation* r) {
  for (int i = 0; i < 12; ++i) {
    r->principal = Anybody();
    for (domain::Submission& part : r->parts) part.principal = r->principal;
    if (Below(8) == 0 || oracle_.Check(*r).ok()) return;
  }
}

void Tenants::Steal(domain::Submission* s) { s->principal = Anybody(); }

authority::GrantEvent Tenants::RandomGrant() {
  authority::GrantEvent grant;
  grant.note = TagOf(Owner::Kind::kGrants, {});
  const uint64_t kind = Below(20);
  if (kind < 10) {
    grant.principal = Below(10) == 0 ? "spiffe://t/agency/*" : kPrincipals[Below(6)];
    const uint64_t role = Below(6);
    grant.role = role < 4 ? "submitter" : role == 4 ? "reviewer" : "detail-reader";
  } else if (kind < 14) {
    grant.principal = kPrincipals[6 + Below(2)];
    grant.role = "consumer";
  } else if (kind < 17) {
    grant.principal = kPrincipals[8 + Below(2)];
    grant.role = "replica";
  } else if (kind < 18) {
    grant.principal = kOwner;
    grant.role = "catalog-owner";
  } else if (kind < 19) {
    grant.principal = kThird;
    grant.role = "security-admin";
  } else {
    grant.principal = Anybody();
    grant.role = Below(2) == 0 ? "submitter" : "consumer";
  }
  Extent& e = grant.extent;
  if (Below(8) != 0) {
    e.division = kDivisions[Below(3)];
    e.own_level = Below(4) == 0;
    if (Below(3) == 0) e.departments.push_back(DepartmentOfAgency(kAgencies[Below(4)]));
    for (uint64_t i = Below(3) == 0 ? 1 + Below(2) : 0; i > 0; --i)
      e.agencies.push_back(kAgencies[Below(4)]);
  }
  if (Below(5) == 0) e.year_from = static_cast<uint16_t>(2023 + Below(3));
  if (Below(5) == 0)
    e.year_to = std::max<uint16_t>(e.year_from, static_cast<uint16_t>(2023 + Below(3)));
  for (uint64_t i = Below(4) == 0 ? 1 + Below(2) : 0; i > 0; --i) {
    constexpr Stage kStages[] = {Stage::kRequested, Stage::kApproved, Stage::kAdjustment,
                                 Stage::kReallocation};
    e.stages.push_back(kStages[Below(4)]);
  }
  return grant;
}

Intake::Request Tenants::Order() {
  ++orders_;
  const uint64_t who = Below(10);
  const std::string principal = who < 4 ? kFirst : who < 8 ? kSecond : who < 9 ? kThird : Anybody();
  const uint64_t kind = Below(20);
  if (kind < 9) return domain::GrantOrder{principal, RandomGrant()};
  // One that waits, or one that is in force; else any, or none.
  const auto wanted =
      kind < 13 ? authority::Grant::State::kPending : authority::Grant::State::kActive;
  std::vector<Position> all, wished;
  for (const auto& [position, grant] : oracle_.grants()) {
    all.push_back(position);
    if (grant.StateAt(Position::Max()) == wanted) wished.push_back(position);
  }
  Position position(1 + Below(12));
  if (!wished.empty() && Below(8) != 0) {
    position = wished[Below(wished.size())];
  } else if (!all.empty() && Below(4) != 0) {
    position = all[Below(all.size())];
  }
  authority::GrantOrderEvent event{position, TagOf(Owner::Kind::kGrants, {})};
  if (kind < 13) return domain::ApprovalOrder{principal, std::move(event)};
  return domain::RevocationOrder{principal, std::move(event)};
}

Intake::Request Tenants::Import() {
  domain::CatalogImport import;
  BudgetKey list;
  list.division = kDivisions[Below(3)];
  const std::string& tag = TagOf(Owner::Kind::kList, list);
  import.principal = Below(3) == 0 ? Anybody() : kOwner;
  import.request_id = absl::StrCat("list-", ++next_, ".", tag);
  const std::string agency = kAgencies[Below(4)];
  domain::CatalogEntry entry;
  entry.code = agency;
  entry.name = absl::StrCat("agency ", next_, " ", tag);
  entry.department_code = DepartmentOfAgency(agency);
  entry.kind = domain::AgencyKind::kAdministrative;
  entry.must_report = true;
  import.event = {list.division, 2024, domain::CatalogList::kAgency, { entry }};
  import.body = import.sent = Sha256({entry.name});
  return import;
}

void Tenants::Mix(std::vector<Intake::Request>* group) {
  const auto put = [&](Intake::Request request) {
    group->insert(group->begin() + static_cast<std::ptrdiff_t>(Below(group->size() + 1)),
                  std::move(request));
  };
  while (Below(3) == 0) put(Order());
  if (Below(12) == 0) put(Import());
}

void Tenants::Read(const storage::EventLog& log, Position until) {
  const absl::Status status = oracle_.Read(log, until);
  if (!status.ok()) fail_(absl::StrCat("read grants: ", status.ToString()));
}

void Tenants::CheckRights(const storage::EventLog& log, const services::Authority& authority,
                          const std::shared_ptr<const domain::Catalog>& catalog) {
  Read(log, log.head().position);
  const Position at(Below(log.head().position.value() + 1));
  if (!oracle_.Agrees(log.operators()->grants(), at))
    return fail_(absl::StrCat("grants differ from those of the log, now or at ", at.value()));
  if (bug_ == TenantBug::kPermitAll) return;
  constexpr Verb kVerbs[] = {Verb::kWrite,         Verb::kValidate, Verb::kReadDetail,
                             Verb::kReadAggregate, Verb::kCertify,  Verb::kRollUp,
                             Verb::kReplicate,     Verb::kList,     Verb::kWriteCatalog};
  constexpr Stage kStages[] = {Stage::kNone, Stage::kRequested, Stage::kApproved,
                               Stage::kReallocation, Stage::kCurrent};
  for (int i = 0; i < 8; ++i) {
    const std::string& principal = Anybody();
    const Verb verb = kVerbs[Below(std::size(kVerbs))];
    Asked asked;
    if (Below(6) != 0) {
      asked.division = kDivisions[Below(3)];
      asked.own_level = Below(3) == 0;
      const std::string agency = kAgencies[Below(4)];
      const uint64_t units = Below(3);
      if (units == 1) asked.department = DepartmentOfAgency(agency);
      if (units == 2) asked.agency = agency;
    }
    if (Below(4) != 0) asked.year = 2024;
    asked.stage = kStages[Below(std::size(kStages))];
    const bool may = authority.May(principal, verb, {asked}, *catalog).ok();
    if (may != oracle_.Covers(principal, verb, asked)) {
      return fail_(absl::StrCat(principal, may ? " may " : " may not ", authority::NameOf(verb),
                                " of ", authority::TextOf(asked),
                                ", other than the log's grants say"));
    }
  }
}

bool Tenants::MaySee(const std::string& reader, Verb verb, const Owner& owner) const {
  switch (owner.kind) {
    case Owner::Kind::kBudget:
      return oracle_.Covers(reader, verb, AboutBudget(owner.key));
    case Owner::Kind::kList:
      return oracle_.SeesList(reader, verb, domain::CatalogList::kAgency, owner.key.division);
    case Owner::Kind::kGrants:
      break;
  }
  return oracle_.Covers(reader, verb, Asked());
}

bool Tenants::CheckMarks(const std::string& reader, Verb verb, absl::string_view bytes) {
  for (size_t at = bytes.find(kMark); at != absl::string_view::npos;
       at = bytes.find(kMark, at + 1)) {
    const auto owner = owners_.find(std::string(bytes.substr(at, kMarkBytes)));
    if (owner == owners_.end() || MaySee(reader, verb, owner->second)) continue;
    fail_(absl::StrCat(reader, " sees a mark of division ", owner->second.key.division, " agency ",
                       owner->second.key.agency));
    return false;
  }
  return true;
}

void Tenants::CheckView(const storage::EventLog& log, const services::Authority& authority,
                        const std::shared_ptr<const domain::Catalog>& catalog,
                        const std::string& reader, Verb verb) {
  const services::LogView view(
      authority, [&] { return catalog; }, reader, verb);
  Digest chain{};
  for (Position p(1); p <= log.head().position; ++p) {
    const auto entry = log.Read(p);
    if (!entry.ok()) return fail_(absl::StrCat("view: ", entry.status().ToString()));
    const auto event = storage::DecodeRecord(entry->record);
    absl::string_view payload;
    const auto header = storage::DecodeHeader(*entry->record, &payload);
    if (!event.ok() || !header.ok()) return fail_("view: an event can't be read");
    const bool shown = bug_ == TenantBug::kShowAll || view.Sees(*header, payload);
    // What he is given, and the chain as he computes it of that.
    const absl::string_view record = *entry->record;
    const auto leaf =
        shown ? storage::LeafHash(record)
              : storage::LeafHashOfHeader(record.substr(0, record.size() - payload.size()));
    if (!leaf.ok()) return fail_(absl::StrCat("view: ", leaf.status().ToString()));
    chain = storage::ChainHash(chain, *leaf);
    if (chain != entry->chain_hash)
      return fail_(absl::StrCat("the chain of a view breaks at ", p.value()));
    if (!shown) ++hidden_;
    const BudgetKey& key = event->statement.meta.key;
    const bool is_list = header->kind == domain::EventKind::kCatalog;
    const bool his =
        is_list ? oracle_.SeesList(reader, verb, event->catalog.list, event->catalog.division)
                : MaySee(reader, verb,
                         {header->kind == domain::EventKind::kStatement ? Owner::Kind::kBudget
                                                                        : Owner::Kind::kGrants,
                          key});
    // Everybody is told what is in the lists of the top.
    if (shown != his) {
      return fail_(absl::StrCat(reader, shown ? " sees" : " does not see", " event ", p.value(),
                                ", other than the log's grants say"));
    }
    if (!shown) continue;
    if (verb == Verb::kReplicate) {
      if (!CheckMarks(reader, verb, record)) return;
    } else {
      bool more = false;
      const auto posted = services::ToUpstreamRecord(*entry, *log.operators(), &more);
      if (!posted.ok()) return fail_(absl::StrCat("view: ", posted.status().ToString()));
      if (!CheckMarks(reader, verb, posted->posting) || !CheckMarks(reader, verb, posted->catalog))
        return;
    }
    if (header->kind != domain::EventKind::kStatement || key.stage == Stage::kReallocation)
      continue;
    const auto posting = storage::ReadPosting(*header, payload, entry->record);
    if (!posting.ok()) return fail_(absl::StrCat("view: ", posting.status().ToString()));
    for (const auto& item : posting->cells.items) {
      if (!AreMarked(key, item.value.amount_fen, static_cast<int64_t>(item.value.line_count())))
        return fail_(absl::StrCat(reader, " sees another's amount in event ", p.value()));
    }
  }
}

void Tenants::CheckViews(const storage::EventLog& log, const services::Authority& authority,
                         const std::shared_ptr<const domain::Catalog>& catalog) {
  Read(log, log.head().position);
  if (bug_ == TenantBug::kPermitAll) return;
  for (uint64_t i = 0; i < 2; ++i) {
    CheckView(log, authority, catalog, kPrincipals[6 + i], Verb::kRollUp);
    CheckView(log, authority, catalog, kPrincipals[8 + i], Verb::kReplicate);
  }
}

}  // namespace fiscal::simulation
