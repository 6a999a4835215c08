#include "tests/crash/damage/bases.h"

#include <signal.h>

#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/check.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "fiscal/catalog/v1/catalog_service.pb.h"
#include "fiscal/federation/v1/federation_service.pb.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "tests/crash/damage/files.h"
#include "tests/support/catalog.h"

namespace fiscal::damage {
namespace {

namespace agg = fiscal::aggregation::v1;
namespace cat = fiscal::catalog::v1;
namespace fed = fiscal::federation::v1;
namespace fs = std::filesystem;
namespace sub = fiscal::submission::v1;

constexpr char kCity[] = "141100", kCounty[] = "141121";
constexpr int kAgencies = 24;
// With such notes a few hundred lines are as many bytes as tens of thousands without.
constexpr int kNotedLines = 500;
constexpr int kLargeLines = 60000;

constexpr char kSubmit[] = "/fiscal.submission.v1.SubmissionService/SubmitBudget";
constexpr char kWithdraw[] = "/fiscal.submission.v1.SubmissionService/WithdrawBudget";
constexpr char kReallocate[] = "/fiscal.submission.v1.SubmissionService/SubmitReallocation";
constexpr char kGetBudget[] = "/fiscal.submission.v1.SubmissionService/GetBudget";
constexpr char kListLines[] = "/fiscal.submission.v1.SubmissionService/ListLineItems";
constexpr char kImport[] = "/fiscal.catalog.v1.CatalogService/ImportCatalog";
constexpr char kListAgencies[] = "/fiscal.catalog.v1.CatalogService/ListAgencies";
constexpr char kGetUpstreams[] = "/fiscal.federation.v1.FederationService/GetUpstreams";
constexpr char kListTotals[] = "/fiscal.aggregation.v1.AggregationService/ListTotals";

// What one base's clients do, from a seed, and what must stand afterwards.
class Load {
 public:
  Load(std::string name, std::string division, uint64_t seed)
      : name_(std::move(name)), division_(std::move(division)), random_(seed) {}

  void ImportCatalog(Caller& caller) {
    auto entry = [](const std::string& code, const std::string& name, const std::string& parent) {
      cat::CatalogEntry e;
      e.set_code(code);
      e.set_name(name);
      e.set_parent_code(parent);
      return e;
    };
    std::vector<cat::CatalogEntry> agencies;
    for (int i = 0; i < kAgencies; ++i) {
      agencies.push_back(entry(testing::AgencyCode(i), absl::StrCat("单位", i), ""));
      agencies.back().set_department_code(testing::DepartmentCode(i));
    }
    Import(caller, cat::CATALOG_LIST_DIVISION, kCity,
           {entry(kCity, "吕梁市", ""), entry(kCounty, "文水县", kCity)});
    Import(caller, cat::CATALOG_LIST_FUNCTIONAL, division_,
           {entry("208", "社会保障和就业支出", ""), entry("210", "卫生健康支出", ""),
            entry("217", "金融支出", "")});
    Import(caller, cat::CATALOG_LIST_AGENCY, division_, agencies);
  }

  // One more agency, so that a list of the catalog is in the middle of the log too.
  void ImportAgency(Caller& caller) {
    cat::CatalogEntry e;
    e.set_code(absl::StrCat("1090", 10 + imports_));
    e.set_name(absl::StrCat("单位", imports_));
    e.set_department_code("109");
    Import(caller, cat::CATALOG_LIST_AGENCY, division_, {e});
  }

  // Small statements, patches, repeats of what stands and withdrawals, of as many agencies at a
  // time.
  void Small(Caller& caller, int rounds) {
    for (int round = 0; round < rounds; ++round) {
      std::vector<Exchange> group;
      const int first = static_cast<int>(random_() % kAgencies);
      for (int i = 0; i < 6; ++i) group.push_back(NextSmall((first + i) % kAgencies));
      Send(caller, std::move(group));
    }
  }

  // Whole statements with long notes.
  void Noted(Caller& caller, int count) {
    for (int i = 0; i < count; ++i) Send(caller, {NextNoted()});
  }
  Exchange NextNoted() {
    const int agency = static_cast<int>(random_() % kAgencies);
    sub::SubmitBudgetRequest r = MakeBudget(agency, kNotedLines, random_(), NextId());
    for (auto& line : *r.mutable_line_items()) {
      std::string note;
      for (int n = 0; n < 60; ++n) absl::StrAppendFormat(&note, "%08x", random_() & 0xffffffff);
      line.set_note(note);
    }
    return Whole(agency, r);
  }

  void Large(Caller& caller, int lines) {
    const int agency = static_cast<int>(random_() % kAgencies);
    Send(caller, {Whole(agency, MakeBudget(agency, lines, random_(), NextId()))});
  }

  void Reallocate(Caller& caller) {
    const int from = static_cast<int>(random_() % kAgencies), to = (from + 1) % kAgencies;
    const int64_t amount = 1 + static_cast<int64_t>(random_() % 100000);
    sub::SubmitReallocationRequest r;
    r.set_request_id(NextId());
    for (const auto& [agency, sign] : {std::pair{from, -1}, std::pair{to, 1}}) {
      sub::SubmitBudgetRequest* b = r.add_budgets();
      *b = MakeBudget(agency, 1, 7, "");
      b->mutable_budget()->set_stage(budget::v1::STAGE_REALLOCATION);
      b->mutable_line_items(0)->set_amount_fen(sign * amount);
      b->mutable_line_items(0)->set_line_id(r.request_id());
      if (!moved_.insert(agency).second) b->set_mode(sub::WRITE_MODE_PATCH);
    }
    Send(caller, {{kReallocate, r.SerializeAsString(), ""}});
  }

  void Send(Caller& caller, std::vector<Exchange> group) {
    caller.CallAll(
        group, [&](const Exchange& sent, const grpc::Status& status, const std::string& answer) {
          if (!status.ok())
            std::fprintf(stderr, "%s: %s %s\n", name_.c_str(), sent.method.c_str(),
                         status.error_message().c_str());
          FISCAL_CHECK(status.ok(), "the load of a base is accepted");
          acknowledged.push_back({sent.method, sent.request, answer});
          Note(sent, answer);
        });
  }

  // Also of what was taken over.
  int64_t Sum() const {
    int64_t sum = below_fen;
    for (const auto& [agency, lines] : lines_) {
      for (const auto& [id, amount] : lines) sum += amount;
    }
    return sum;
  }

  sub::SubmitBudgetRequest MakeBudget(int agency, int lines, uint64_t salt,
                                      const std::string& request_id) const {
    sub::SubmitBudgetRequest r = testing::MakeBudget(agency, lines, salt, request_id);
    r.mutable_budget()->set_division_code(division_);
    return r;
  }

  // What must be readable from now on.
  std::vector<Exchange> Reads() {
    std::vector<Exchange> reads;
    for (const auto stage : {budget::v1::STAGE_APPROVED, budget::v1::STAGE_REALLOCATION}) {
      for (const auto dimension : {agg::DIMENSION_FUNCTIONAL, agg::DIMENSION_AGENCY,
                                   agg::DIMENSION_DEPT_ECONOMIC, agg::DIMENSION_DIVISION}) {
        for (const uint64_t position : {last_position, last_position / 2}) {
          agg::ListTotalsRequest r;
          r.mutable_filter()->set_division_code(division_);
          r.mutable_filter()->set_fiscal_year(2024);
          r.mutable_filter()->set_stage(stage);
          r.mutable_filter()->set_direction(budget::v1::DIRECTION_EXPENDITURE);
          r.add_group_by()->set_dimension(dimension);
          // Half of the log may end inside a reallocation, of which only the end can be asked for.
          r.mutable_consistency()->set_exactly(absl::StrCat(Whole(position)));
          reads.push_back({kListTotals, r.SerializeAsString(), ""});
        }
      }
    }
    for (const auto& [key, revision] : revisions_) {
      for (const int64_t of : {int64_t{0}, int64_t{1}, revision / 2 + 1}) {
        sub::GetBudgetRequest r;
        *r.mutable_budget() = key.second;
        r.set_revision(of);
        reads.push_back({kGetBudget, r.SerializeAsString(), ""});
      }
      sub::ListLineItemsRequest lines;
      *lines.mutable_budget() = key.second;
      // Whole: a token of the next page is sealed by a key that may be damaged.
      lines.set_page_size(10000);
      reads.push_back({kListLines, lines.SerializeAsString(), ""});
    }
    cat::ListAgenciesRequest agencies;
    agencies.set_fiscal_year(2024);
    reads.push_back({kListAgencies, agencies.SerializeAsString(), ""});
    return reads;
  }

  // A patch of the first budget at the revision that stands.
  Exchange Next(int64_t* fen) {
    sub::SubmitBudgetRequest r = MakeBudget(0, 1, 5, "next");
    r.set_mode(sub::WRITE_MODE_PATCH);
    r.mutable_line_items(0)->set_line_id("next");
    r.set_expected_revision(revisions_.at({Key(r.budget()), r.budget()}));
    *fen = r.line_items(0).amount_fen();
    return {kSubmit, r.SerializeAsString(), ""};
  }

  std::vector<Exchange> acknowledged;
  uint64_t last_position = 0;
  // What stands in the system below.
  int64_t below_fen = 0;

 private:
  struct ByKey {
    using Pair = std::pair<std::string, budget::v1::BudgetKey>;
    bool operator()(const Pair& a, const Pair& b) const { return a.first < b.first; }
  };
  static std::string Key(const budget::v1::BudgetKey& key) { return key.SerializeAsString(); }

  std::string NextId() { return absl::StrCat(name_, "-", ++ids_); }

  uint64_t Whole(uint64_t position) const {
    const auto next = inside_.lower_bound(position);
    return next != inside_.end() && next->first == position ? next->second : position;
  }

  void Import(Caller& caller, cat::CatalogList list, const std::string& division,
              std::vector<cat::CatalogEntry> entries) {
    cat::ImportCatalogRequest r;
    r.set_request_id(absl::StrCat("list-", ++imports_));
    r.set_division_code(division);
    r.set_fiscal_year(2024);
    r.set_list(list);
    for (cat::CatalogEntry& e : entries) *r.add_entries() = std::move(e);
    Send(caller, {{kImport, r.SerializeAsString(), ""}});
  }

  Exchange Whole(int agency, const sub::SubmitBudgetRequest& r) {
    auto& lines = lines_[agency];
    lines.clear();
    for (const auto& line : r.line_items()) lines[line.line_id()] = line.amount_fen();
    if (r.line_items_size() <= 60) {
      whole_[agency] = r;
    } else {
      whole_.erase(agency);
    }
    return {kSubmit, r.SerializeAsString(), ""};
  }

  Exchange NextSmall(int agency) {
    const uint64_t dice = random_() % 10;
    const bool stands = !lines_[agency].empty();
    if (stands && dice < 3) {
      sub::SubmitBudgetRequest r = MakeBudget(agency, 1, random_(), NextId());
      r.set_mode(sub::WRITE_MODE_PATCH);
      lines_[agency][r.line_items(0).line_id()] = r.line_items(0).amount_fen();
      whole_.erase(agency);
      return {kSubmit, r.SerializeAsString(), ""};
    }
    if (whole_.count(agency) > 0 && dice < 6) {
      // Answered UNCHANGED: no event, but a receipt that must be given again.
      whole_[agency].set_request_id(NextId());
      return {kSubmit, whole_[agency].SerializeAsString(), ""};
    }
    if (stands && dice == 6) {
      sub::WithdrawBudgetRequest r;
      r.set_request_id(NextId());
      *r.mutable_budget() = MakeBudget(agency, 0, 0, "").budget();
      lines_[agency].clear();
      whole_.erase(agency);
      return {kWithdraw, r.SerializeAsString(), ""};
    }
    return Whole(agency,
                 MakeBudget(agency, 1 + static_cast<int>(random_() % 60), random_(), NextId()));
  }

  void Reached(const std::string& position) {
    last_position = std::max<uint64_t>(last_position, std::strtoull(position.c_str(), nullptr, 10));
  }

  void Note(const Exchange& sent, const std::string& answer) {
    const auto stands = [&](const budget::v1::BudgetKey& key, const sub::SubmitBudgetResponse& r) {
      int64_t& revision = revisions_[{Key(key), key}];
      revision = std::max(revision, r.revision());
      Reached(r.position());
    };
    if (sent.method == kSubmit) {
      sub::SubmitBudgetRequest request;
      sub::SubmitBudgetResponse receipt;
      FISCAL_CHECK(request.ParseFromString(sent.request) && receipt.ParseFromString(answer),
                   "an answer parses");
      stands(request.budget(), receipt);
    } else if (sent.method == kWithdraw) {
      sub::WithdrawBudgetRequest request;
      sub::WithdrawBudgetResponse receipt;
      FISCAL_CHECK(request.ParseFromString(sent.request) && receipt.ParseFromString(answer),
                   "an answer parses");
      stands(request.budget(), receipt.receipt());
    } else if (sent.method == kReallocate) {
      sub::SubmitReallocationRequest request;
      sub::SubmitReallocationResponse response;
      FISCAL_CHECK(request.ParseFromString(sent.request) && response.ParseFromString(answer),
                   "an answer parses");
      for (int i = 0; i < response.receipts_size(); ++i)
        stands(request.budgets(i).budget(), response.receipts(i));
      Reached(response.position());
      for (uint64_t i = 1; i < static_cast<uint64_t>(response.receipts_size()); ++i)
        inside_[last_position - i] = last_position;
    } else {
      cat::ImportCatalogResponse response;
      FISCAL_CHECK(response.ParseFromString(answer), "an answer parses");
      Reached(response.position());
    }
  }

  const std::string name_, division_;
  std::mt19937_64 random_;
  int ids_ = 0, imports_ = 0;
  // What stands by agency, in the stage APPROVED.
  std::map<int, std::map<std::string, int64_t>> lines_;
  // Agencies with a statement of the stage REALLOCATION.
  std::set<int> moved_;
  // The statement that stands, where it is small and was stated at once.
  std::map<int, sub::SubmitBudgetRequest> whole_;
  std::map<std::pair<std::string, budget::v1::BudgetKey>, int64_t, ByKey> revisions_;
  // Positions inside a reallocation, and where it ends.
  std::map<uint64_t, uint64_t> inside_;
};

size_t SortedFiles(const std::string& directory) {
  size_t count = 0;
  for (const std::string& file : FilesBelow(directory)) count += ClassOf(file) == "log/sst";
  return count;
}

// A mix of everything, about two megabytes of it.
void Mixed(Load& load, Caller& caller, int noted) {
  load.Small(caller, 8);
  load.Noted(caller, noted / 2);
  load.Reallocate(caller);
  load.ImportAgency(caller);
  load.Small(caller, 6);
  load.Noted(caller, noted - noted / 2);
  load.Reallocate(caller);
  load.Small(caller, 6);
}

// Every base's own way of coming about: `load` over one or more processes on `directory`, with a
// copy of the directory half-way.
using Way =
    std::function<void(Load& load, const ServerSettings& settings, const std::string& earlier)>;

// One process that is killed, with many write-ahead files that are all needed.
void MakeLive(Load& load, const ServerSettings& settings, const std::string& earlier) {
  ServerProcess server(settings);
  FISCAL_CHECK(server.serves(), "a new directory is served");
  load.ImportCatalog(server.caller());
  Mixed(load, server.caller(), 10);
  CopyTree(settings.data_dir, earlier);
  load.Large(server.caller(), kLargeLines);
  Mixed(load, server.caller(), 12);
  load.Large(server.caller(), 6000);
  load.Noted(server.caller(), 16);
  load.Small(server.caller(), 2);
  server.End(SIGKILL);
}

// Two processes, both ended in order.
void MakeClean(Load& load, const ServerSettings& settings, const std::string& earlier) {
  for (const bool first : {true, false}) {
    ServerProcess server(settings);
    FISCAL_CHECK(server.serves(), "a directory that was ended in order is served");
    if (first) load.ImportCatalog(server.caller());
    Mixed(load, server.caller(), 6);
    server.End(SIGTERM);
    if (first) CopyTree(settings.data_dir, earlier);
  }
}

// As clean, and then one that was killed with nothing done.
void MakeIdle(Load& load, const ServerSettings& settings, const std::string& earlier) {
  MakeClean(load, settings, earlier);
  ServerProcess server(settings);
  FISCAL_CHECK(server.serves(), "a directory that was ended in order is served");
  server.End(SIGKILL);
}

// One that was ended in order, and one that was killed while it wrote a sorted file.
void MakeFlush(Load& load, const ServerSettings& settings, const std::string& earlier) {
  {
    ServerProcess server(settings);
    FISCAL_CHECK(server.serves(), "a new directory is served");
    load.ImportCatalog(server.caller());
    Mixed(load, server.caller(), 6);
    server.End(SIGTERM);
  }
  ServerProcess server(settings);
  FISCAL_CHECK(server.serves(), "a directory that was ended in order is served");
  Mixed(load, server.caller(), 8);
  CopyTree(settings.data_dir, earlier);
  load.Small(server.caller(), 6);
  size_t before = SortedFiles(settings.data_dir);
  for (int i = 0; i < 60; ++i) {
    const size_t known = before;
    load.Noted(server.caller(), 1);
    before = SortedFiles(settings.data_dir);
    if (i >= 4 && before > known) break;
  }
  server.End(SIGKILL);
}

// One that was killed in its start, while what it found stands in a second directory.
void MakeStart(Load& load, const ServerSettings& settings, const std::string& earlier) {
  MakeLive(load, settings, earlier);
  const std::string before = settings.data_dir + "/log.before";
  ServerProcess server(settings, [&] { return fs::exists(before); });
  server.End(SIGKILL);
}

// A city that was killed when it had taken over everything of its county.
void MakeTree(Load& load, const ServerSettings& settings, const std::string& earlier) {
  ServerSettings below = settings;
  below.data_dir = (fs::path(settings.data_dir).parent_path() / "below").string();
  ServerProcess county(below);
  FISCAL_CHECK(county.serves(), "a new directory is served");
  Load county_load("county", kCounty, 3);
  county_load.ImportCatalog(county.caller());
  ServerSettings city_settings = settings;
  city_settings.upstreams = {{kCounty, county.port()}};
  {
    // Divisions first: what is posted of others is not taken.
    ServerProcess alone(settings);
    FISCAL_CHECK(alone.serves(), "a new directory is served");
    load.ImportCatalog(alone.caller());
    alone.End(SIGTERM);
  }
  ServerProcess city(city_settings);
  FISCAL_CHECK(city.serves(), "a directory that was ended in order is served");
  county_load.Small(county.caller(), 6);
  Mixed(load, city.caller(), 4);
  FISCAL_CHECK(AwaitUpstreams(city, county_load.last_position).empty(), "a county is followed");
  CopyTree(settings.data_dir, earlier);
  county_load.Small(county.caller(), 6);
  Mixed(load, city.caller(), 6);
  FISCAL_CHECK(AwaitUpstreams(city, county_load.last_position).empty(), "a county is followed");
  load.below_fen = county_load.Sum();
  city.End(SIGKILL);
}

const std::map<std::string, Way>& Ways() {
  static const auto* const ways = new std::map<std::string, Way>{
      {"live", MakeLive},   {"clean", MakeClean}, {"idle", MakeIdle},
      {"flush", MakeFlush}, {"start", MakeStart}, {"tree", MakeTree}};
  return *ways;
}

// What a server on a whole copy answers is what must be answered ever after; that it is right is
// checked against the load.
void AskReference(Base& base, Load& load) {
  const std::string copy = base.root + "/copy-whole", below = base.root + "/reference-below";
  LinkTree(base.data(), copy);
  {
    const std::unique_ptr<ServerProcess> upstream = ServeUpstream(base, below);
    ServerProcess server(base.Settings(copy));
    if (!server.serves()) std::fprintf(stderr, "%s", server.said().c_str());
    FISCAL_CHECK(server.serves(), "a whole base is served");
    server.caller().CallAll(base.acknowledged, [](const Exchange& sent, const grpc::Status& status,
                                                  const std::string& answer) {
      FISCAL_CHECK(status.ok() && answer == sent.answer,
                   "a whole base gives every first receipt again");
    });
    const std::string unfollowed = AwaitUpstreams(server);
    if (!unfollowed.empty()) std::fprintf(stderr, "%s\n", unfollowed.c_str());
    FISCAL_CHECK(unfollowed.empty(), "a whole base follows the system below");
    grpc::Status status;
    std::string contradiction;
    base.log = ReadLog(server.caller(), &base.public_key_pem, &status, &contradiction);
    if (!contradiction.empty()) std::fprintf(stderr, "%s\n", contradiction.c_str());
    FISCAL_CHECK(status.ok() && contradiction.empty(), "the log of a whole base is whole");
    FISCAL_CHECK(base.log.records.size() >= load.last_position,
                 "the log of a whole base ends with the last receipt");
    load.last_position = base.log.records.size();
    base.reads = load.Reads();
    for (Exchange& read : base.reads) {
      status = server.caller().Call(read.method, read.request, &read.answer);
      if (!status.ok())
        std::fprintf(stderr, "%s %s\n", read.method.c_str(), status.error_message().c_str());
      FISCAL_CHECK(status.ok(), "a whole base answers every read");
    }
    agg::ListTotalsResponse totals;
    FISCAL_CHECK(totals.ParseFromString(base.reads[0].answer) &&
                     totals.grand_total().amount_fen() == load.Sum(),
                 "the totals of a whole base are the sum of its lines");
    base.warnings = WarningsIn(server.said());
  }
  fs::remove_all(copy);
  fs::remove_all(below);
}

std::string Packed(const Digest& d) { return std::string(BytesOf(d)); }

void Save(const Base& base) {
  SaveExchanges(base.root + "/acknowledged", base.acknowledged);
  SaveExchanges(base.root + "/reads", base.reads);
  SaveExchanges(base.root + "/next", {base.next});
  SaveStrings(base.root + "/warnings", base.warnings);
  std::vector<std::string> log = {base.public_key_pem, absl::StrCat(base.next_fen),
                                  Packed(base.log.chain_hash), Packed(base.log.root_hash),
                                  base.log.tree_head};
  for (const Digest& record : base.log.records) log.push_back(Packed(record));
  SaveStrings(base.root + "/log", log);
}

void TakeKept(Base& base) {
  base.acknowledged = LoadExchanges(base.root + "/acknowledged");
  base.reads = LoadExchanges(base.root + "/reads");
  base.next = LoadExchanges(base.root + "/next").at(0);
  base.warnings = LoadStrings(base.root + "/warnings");
  const std::vector<std::string> log = LoadStrings(base.root + "/log");
  base.public_key_pem = log.at(0);
  base.next_fen = std::strtoll(log.at(1).c_str(), nullptr, 10);
  base.log.chain_hash = DigestOf(log.at(2));
  base.log.root_hash = DigestOf(log.at(3));
  base.log.tree_head = log.at(4);
  for (size_t i = 5; i < log.size(); ++i) base.log.records.push_back(DigestOf(log[i]));
}

}  // namespace

std::vector<std::string> BaseNames() {
  std::vector<std::string> names;
  for (const auto& [name, way] : Ways()) names.push_back(name);
  return names;
}

std::vector<std::string> WarningsIn(const std::string& said) {
  std::vector<std::string> warnings;
  for (const absl::string_view line : absl::StrSplit(said, '\n')) {
    const size_t level = line.find("\"level\":");
    if (level == absl::string_view::npos || absl::StrContains(line, "\"level\":\"info\"")) continue;
    // From the level on, but for the directory's name.
    std::string text(line.substr(level));
    for (size_t at; (at = text.find("/copy-")) != std::string::npos;) {
      const size_t start = text.find_last_of("\" ", at) + 1, end = text.find('/', at + 1);
      text.erase(start, end == std::string::npos ? std::string::npos : end - start);
    }
    warnings.push_back(std::move(text));
  }
  return warnings;
}

ServerSettings Base::Settings(const std::string& directory) const {
  ServerSettings settings{directory};
  if (upstream_port > 0) settings.upstreams = {{kCounty, upstream_port}};
  return settings;
}

std::unique_ptr<ServerProcess> ServeUpstream(Base& base, const std::string& directory) {
  if (!fs::exists(base.root + "/below")) return nullptr;
  LinkTree(base.root + "/below", directory);
  auto server = std::make_unique<ServerProcess>(ServerSettings{directory});
  FISCAL_CHECK(server->serves(), "the system below is served");
  base.upstream_port = server->port();
  return server;
}

std::string AwaitUpstreams(ServerProcess& server, uint64_t at_least) {
  while (true) {
    fed::GetUpstreamsResponse upstreams;
    const grpc::Status status =
        server.caller().Call(kGetUpstreams, fed::GetUpstreamsRequest(), &upstreams);
    if (!status.ok()) return absl::StrCat("upstreams: ", status.error_message());
    bool waits = false;
    for (const fed::Upstream& upstream : upstreams.upstreams()) {
      if (upstream.state() > fed::UPSTREAM_STATE_FOLLOWING) {
        std::fprintf(stderr, "upstream %s: %s\n", upstream.name().c_str(),
                     upstream.message().c_str());
        return upstream.message();
      }
      // Its head is known once it was heard.
      waits = waits || upstream.state() != fed::UPSTREAM_STATE_FOLLOWING ||
              upstream.head_position().empty() || upstream.lag_count() > 0 ||
              std::strtoull(upstream.position().c_str(), nullptr, 10) < at_least;
    }
    if (!waits) return "";
    // It says nothing when it has; asked again a little later.
    server.caller().channel()->WaitForStateChange(
        GRPC_CHANNEL_READY, std::chrono::system_clock::now() + std::chrono::milliseconds(5));
  }
}

Base MakeBase(const std::string& name, const std::string& root) {
  Base base;
  base.name = name;
  base.root = root + "/" + name;
  // Written last.
  if (fs::exists(base.root + "/log")) {
    TakeKept(base);
    return base;
  }
  fs::remove_all(base.root);
  fs::create_directories(base.root);
  Load load(name, kCity, std::hash<std::string>()(name));
  Ways().at(name)(load, {base.data()}, base.earlier());
  base.acknowledged = load.acknowledged;
  base.next = load.Next(&base.next_fen);
  AskReference(base, load);
  Save(base);
  return base;
}

}  // namespace fiscal::damage
