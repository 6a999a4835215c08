// A city and its province as two servers of this process: what stops taking over and what only
// holds it up, and how a cell that differs is found.
#include <deque>
#include <filesystem>
#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/error.h"
#include "fiscal/federation/v1/federation_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "storage/anchor.h"
#include "storage/cell_codec.h"
#include "storage/local_log.h"
#include "storage/posting_codec.h"
#include "storage/record_codec.h"
#include "storage/rocks/rocks_kv.h"
#include "storage/schema.h"
#include "storage/totals_store.h"
#include "tests/integration/deployment.h"
#include "tests/support/catalog.h"
#include "tests/support/children.h"
#include "tests/support/position.h"

namespace fiscal::testing {
namespace {

namespace adm = fiscal::admin::v1;
namespace agg = fiscal::aggregation::v1;
namespace cat = fiscal::catalog::v1;
namespace fed = fiscal::federation::v1;
namespace sub = fiscal::submission::v1;

constexpr int kAgencies = 10;

struct Server {
  TempDir dir;
  testing::ServeOptions options;
  std::unique_ptr<services::Server> server;
  std::shared_ptr<grpc::Channel> channel;

  Server() {
    options.data_dir = dir.path() + "/data";
    options.listen = absl::StrCat("127.0.0.1:", FreePort());
    channel = ConnectTo(options.listen);
  }
  void Start() {
    auto started = services::Server::Start(options.Config());
    ASSERT_TRUE(started.ok()) << started.status();
    server = *std::move(started);
  }
  void Stop() { server.reset(); }

  void ImportDivisions(const std::vector<std::pair<std::string, std::string>>& codes) {
    cat::ImportCatalogRequest request;
    request.set_request_id(absl::StrCat("divisions-", codes.size()));
    request.set_division_code(codes[0].first);
    request.set_fiscal_year(2024);
    request.set_list(cat::CATALOG_LIST_DIVISION);
    for (const auto& [code, parent] : codes) {
      auto* e = request.add_entries();
      e->set_code(code);
      e->set_name("区划" + code);
      e->set_parent_code(parent);
    }
    cat::ImportCatalogResponse response;
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    const grpc::Status status =
        cat::CatalogService::NewStub(channel)->ImportCatalog(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  client::Error Submit(const sub::SubmitBudgetRequest& request) {
    sub::SubmitBudgetResponse receipt;
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    return client::ToError(
        sub::SubmissionService::NewStub(channel)->SubmitBudget(&context, request, &receipt));
  }
  int64_t Total(const std::string& division) {
    agg::GetTotalRequest request;
    request.mutable_filter()->set_division_code(division);
    request.mutable_filter()->set_fiscal_year(2024);
    request.mutable_filter()->set_stage(budget::v1::STAGE_APPROVED);
    request.mutable_filter()->set_direction(budget::v1::DIRECTION_EXPENDITURE);
    // With everything that is in the log.
    request.mutable_consistency()->set_at_least(Status().log().head_position());
    agg::GetTotalResponse response;
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    const grpc::Status status =
        agg::AggregationService::NewStub(channel)->GetTotal(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.total().amount_fen();
  }
  // Asks until it is so: what was taken over is seen in the list of upstreams before the log's head
  // is moved.
  bool UntilTotal(const std::string& division, int64_t fen) {
    const absl::Time end = absl::Now() + absl::Seconds(30);
    while (absl::Now() < end) {
      if (Total(division) == fen) return true;
    }
    ADD_FAILURE() << Total(division) << " and not " << fen;
    return false;
  }
  fed::Upstream Upstream(size_t n = 0) {
    fed::GetUpstreamsResponse response;
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    EXPECT_TRUE(
        fed::FederationService::NewStub(channel)->GetUpstreams(&context, {}, &response).ok());
    return static_cast<int>(n) < response.upstreams_size() ? response.upstreams(static_cast<int>(n))
                                                           : fed::Upstream();
  }
  // Asks until it is so.
  bool Until(const std::function<bool(const fed::Upstream&)>& so, size_t n = 0) {
    const absl::Time end = absl::Now() + absl::Seconds(30);
    while (absl::Now() < end) {
      if (so(Upstream(n))) return true;
    }
    ADD_FAILURE() << Upstream(n).ShortDebugString();
    return false;
  }
  bool UntilState(fed::UpstreamState state, size_t n = 0) {
    return Until([state](const fed::Upstream& u) { return u.state() == state; }, n);
  }
  adm::GetStatusResponse Status() {
    adm::GetStatusResponse response;
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    EXPECT_TRUE(adm::AdminService::NewStub(channel)->GetStatus(&context, {}, &response).ok());
    return response;
  }
  // Until everything in the log of `below` as it is now was taken over: what was heard of it last
  // may be old.
  bool UntilLevel(Server& below) {
    const std::string head = below.Status().log().head_position();
    return Until([&](const fed::Upstream& u) {
      return u.state() == fed::UPSTREAM_STATE_FOLLOWING && u.position() == head;
    });
  }
  fed::ReconcileResponse Reconcile(const std::string& upstream) {
    fed::ReconcileRequest request;
    request.set_upstream(upstream);
    fed::ReconcileResponse response;
    grpc::ClientContext context;
    const grpc::Status status =
        fed::FederationService::NewStub(channel)->Reconcile(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
};

// Sends budgets of the small catalog; returns how many were sent so far.
int Send(Server& city, int from, int count, int lines, int agencies = kAgencies) {
  for (int i = from; i < from + count; ++i) {
    const client::Error error = city.Submit(
        MakeBudget(i % agencies, lines, static_cast<uint64_t>(i), absl::StrCat("r", i)));
    EXPECT_EQ(error.code, grpc::OK) << error.message;
  }
  return from + count;
}

class FederationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    province.options.upstreams = {{"lvliang", city.options.listen}};
    city.Start();
    province.Start();
    // A city without events is followed all the same.
    ASSERT_TRUE(province.UntilState(fed::UPSTREAM_STATE_FOLLOWING));
    ASSERT_TRUE(ImportSmallCatalog(city.channel, kAgencies));
  }
  void Join() {
    province.ImportDivisions({{"140000", ""}, {"141100", "140000"}});
    ASSERT_TRUE(province.UntilLevel(city));
  }

  Server city, province;
};

TEST_F(FederationTest, AnUnknownDivisionHoldsUpUntilItIsImported) {
  Send(city, 0, 3, 4);
  ASSERT_TRUE(province.UntilState(fed::UPSTREAM_STATE_BLOCKED));
  EXPECT_NE(province.Upstream().message().find("141100"), std::string::npos);
  Join();
  EXPECT_TRUE(province.UntilTotal("140000", city.Total("141100")));
  EXPECT_TRUE(province.Until([](const fed::Upstream& u) { return u.division_codes_size() == 1; }));
  // The agencies came with the city's catalog, and who reported with its statements.
  agg::GetCoverageRequest request;
  request.set_division_code("140000");
  request.set_fiscal_year(2024);
  request.set_stage(budget::v1::STAGE_APPROVED);
  agg::GetCoverageResponse coverage;
  grpc::ClientContext context;
  ASSERT_TRUE(agg::AggregationService::NewStub(province.channel)
                  ->GetCoverage(&context, request, &coverage)
                  .ok());
  ASSERT_EQ(coverage.agencies_size(), 3);
  EXPECT_EQ(coverage.agencies(0).upstream(), "lvliang");
}

TEST_F(FederationTest, ALogThatWentBackStopsItsUpstreamAndNothingIsFolded) {
  Join();
  int sent = Send(city, 0, 5, 4);
  ASSERT_TRUE(province.UntilLevel(city));
  city.Stop();
  const std::string backup = city.dir.path() + "/backup";
  std::filesystem::copy(city.options.data_dir, backup, std::filesystem::copy_options::recursive);
  city.Start();
  sent = Send(city, sent, 5, 4);
  ASSERT_TRUE(province.UntilLevel(city));
  const int64_t before = city.Total("141100");
  ASSERT_TRUE(province.UntilTotal("140000", before));

  // The city comes back as it was, shorter than what was taken over.
  city.Stop();
  std::filesystem::remove_all(city.options.data_dir);
  std::filesystem::copy(backup, city.options.data_dir, std::filesystem::copy_options::recursive);
  city.Start();
  ASSERT_TRUE(province.UntilState(fed::UPSTREAM_STATE_STOPPED));
  EXPECT_EQ(province.Total("140000"), before);
  // And it goes on differently, past what was taken over: still nothing is folded, after a restart
  // neither.
  Send(city, sent + 100, 12, 3);
  province.Stop();
  province.Start();
  ASSERT_TRUE(province.UntilState(fed::UPSTREAM_STATE_STOPPED));
  EXPECT_EQ(province.Total("140000"), before);
  EXPECT_NE(city.Total("141100"), before);
}

TEST_F(FederationTest, ADivisionComesFromOneSystemOnly) {
  Join();
  Send(city, 0, 2, 4);
  ASSERT_TRUE(province.UntilLevel(city));
  // Not from this one too, which knows the city's lists from the city,
  const sub::SubmitBudgetRequest own = MakeBudget(3, 2, 1, "own");
  EXPECT_EQ(province.Submit(own).reason, "DIVISION_FROM_UPSTREAM");
  // nor from another.
  Server other;
  other.Start();
  ASSERT_TRUE(ImportSmallCatalog(other.channel, kAgencies));
  Send(other, 0, 1, 2);
  province.Stop();
  province.options.upstreams.push_back({"other", other.options.listen});
  province.Start();
  ASSERT_TRUE(province.UntilState(fed::UPSTREAM_STATE_BLOCKED, 1));
  EXPECT_NE(province.Upstream(1).message().find("comes from upstream lvliang"), std::string::npos);
  EXPECT_EQ(province.Total("140000"), city.Total("141100"));
}

TEST_F(FederationTest, ACityChangesNothingThatTheProvinceSaidOfItsOwnAgencies) {
  auto import = [](Server& server, const std::string& id, const std::string& department,
                   const std::vector<std::string>& agencies) {
    cat::ImportCatalogRequest request;
    request.set_request_id(id);
    request.set_division_code("140000");
    request.set_fiscal_year(2024);
    request.set_list(cat::CATALOG_LIST_AGENCY);
    for (const std::string& agency : agencies) {
      auto* e = request.add_entries();
      e->set_code(agency);
      e->set_name("省单位" + department);
      e->set_department_code(department);
    }
    cat::ImportCatalogResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(cat::CatalogService::NewStub(server.channel)
                    ->ImportCatalog(&context, request, &response)
                    .ok());
  };
  Join();
  import(province, "own", "901", {"901001"});
  city.ImportDivisions({{"140000", ""}, {"141100", "140000"}, {"141121", "141100"}});
  import(city, "theirs", "902", {"901001", "901002"});
  Send(city, 0, 1, 1);
  cat::ListAgenciesRequest request;
  request.set_division_code("140000");
  request.set_fiscal_year(2024);
  // The one that only the city said is seen when all of its list was taken over.
  cat::ListAgenciesResponse agencies;
  const absl::Time end = absl::Now() + absl::Seconds(30);
  while (agencies.entries_size() < 2 && absl::Now() < end) {
    agencies.Clear();
    grpc::ClientContext context;
    ASSERT_TRUE(cat::CatalogService::NewStub(province.channel)
                    ->ListAgencies(&context, request, &agencies)
                    .ok());
  }
  ASSERT_EQ(agencies.entries_size(), 2);
  EXPECT_EQ(agencies.entries(0).department_code(), "901");
  EXPECT_EQ(agencies.entries(1).department_code(), "902");
  EXPECT_TRUE(province.UntilTotal("140000", city.Total("141100")));
}

TEST_F(FederationTest, OneCellThatDiffersIsFoundAndNamed) {
  Join();
  // All is in the store after a clean end.
  Send(city, Send(city, 0, 200, 3), 200, 3, /*agencies=*/5);
  ASSERT_TRUE(province.UntilLevel(city));
  EXPECT_TRUE(province.Reconcile("lvliang").equal());
  province.Stop();

  const std::string agency = AgencyCode(7);
  int64_t was = 0;
  std::string cell_code;
  {
    storage::RocksOptions options;
    options.path = province.options.data_dir + "/totals";
    options.wal = false;
    options.ordered_kinds = storage::kTotalsOrderedKinds;
    auto kv = storage::RocksKv::Open(options);
    ASSERT_TRUE(kv.ok()) << kv.status();
    const storage::TotalsStore store(**kv);
    const auto watermark = store.ReadWatermark();
    ASSERT_FALSE(watermark->position.zero());
    const domain::BudgetKey budget{141100, 2024, domain::Stage::kApproved, agency};
    domain::LeafCells cells;
    ASSERT_TRUE(store.LoadLeaves(budget, watermark->position, &cells).ok());
    const domain::CellTable table = cells.Table();
    ASSERT_FALSE(table.items.empty());
    domain::CellTable::Item cell = table.items[0];
    ASSERT_EQ(cell.key.project, 0u);
    was = static_cast<int64_t>(cell.value.amount_fen);
    cell_code = std::to_string(cell.key.functional);
    // A fen more in its last posting.
    const auto state = storage::AgencyReader(store).Read(budget, watermark->position);
    ASSERT_TRUE(state.ok()) << state.status();
    ASSERT_FALSE(state->postings.empty());
    const storage::Key key = storage::PostingKey(state->postings.back());
    const std::string bytes = *(*kv)->Get(key);
    auto posting = storage::DecodeWholePosting(state->postings.back(), bytes, nullptr);
    ASSERT_TRUE(posting.ok());
    cell.value = {1, {}};
    posting->cells.items.push_back(cell);
    domain::Normalize(&posting->cells);
    storage::Batch batch;
    batch.Put(key, storage::EncodePosting(*posting));
    ASSERT_TRUE((*kv)->Write(batch, false).ok());
    ASSERT_TRUE((*kv)->Flush().ok());
  }
  province.Start();
  const fed::ReconcileResponse response = province.Reconcile("lvliang");
  EXPECT_FALSE(response.equal());
  // One for each level of the tree.
  EXPECT_EQ(response.call_count(), 4);
  EXPECT_EQ(response.difference().find(
                absl::StrCat("2024 APPROVED / 141100 / ", agency, " / functional=", cell_code)),
            0u)
      << response.difference();
  EXPECT_EQ(response.upstream_fen(), was);
  EXPECT_EQ(response.local_fen(), was + 1);
  EXPECT_NE(response.certificate().upstream_root(), response.certificate().local_root());
}

// A system below that posts what it likes, with hashes that continue.
class Liar final : public fed::FederationService::Service {
 public:
  explicit Liar(const std::string& address) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address, grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~Liar() override { server_->Shutdown(absl::ToChronoTime(absl::Now())); }

  void Post(std::string posting) {
    absl::MutexLock lock(&mu_);
    fed::PostedEvent& e = events_.emplace_back();
    const Digest leaf = Sha256({absl::StrCat(events_.size())});
    chain_ = storage::ChainHash(chain_, leaf);
    e.set_position(absl::StrCat(events_.size()));
    e.mutable_commit_time()->set_seconds(absl::ToUnixSeconds(absl::Now()));
    e.set_leaf_hash(std::string(BytesOf(leaf)));
    e.set_chain_hash(std::string(BytesOf(chain_)));
    if (!posting.empty()) e.set_posting(std::move(posting));
  }
  // As when it was quarantined there.
  void TakeBack(size_t position) {
    absl::MutexLock lock(&mu_);
    events_[position - 1].clear_posting();
  }

  grpc::Status ReadPostings(grpc::ServerContext* context, const fed::ReadPostingsRequest* request,
                            grpc::ServerWriter<fed::ReadPostingsResponse>* writer) override {
    size_t sent = 0;
    if (!request->after_position().empty() && !absl::SimpleAtoi(request->after_position(), &sent))
      return grpc::Status::CANCELLED;
    absl::MutexLock lock(&mu_);
    while (!context->IsCancelled()) {
      fed::ReadPostingsResponse response;
      response.set_log_id(std::string(32, '7'));
      response.set_head_position(absl::StrCat(events_.size()));
      for (; sent < events_.size(); ++sent) *response.add_events() = events_[sent];
      if (!writer->Write(response)) break;
      const auto more = [&] { return events_.size() > sent; };
      while (!context->IsCancelled() &&
             !mu_.AwaitWithTimeout(absl::Condition(&more), absl::Milliseconds(20))) {
      }
    }
    return grpc::Status::OK;
  }

 private:
  absl::Mutex mu_;
  std::deque<fed::PostedEvent> events_ ABSL_GUARDED_BY(mu_);
  Digest chain_ ABSL_GUARDED_BY(mu_){};
  std::unique_ptr<grpc::Server> server_;
};

std::string PostingOf(domain::Code division, domain::Code functional, int64_t fen,
                      const std::string& agency = "101001") {
  domain::Posting p;
  p.key = {division, 2024, domain::Stage::kApproved, agency};
  p.department = "101";
  p.revision = 1;
  domain::Attributes a;
  a.direction = domain::Direction::kExpenditure;
  domain::CellTable::Item item;
  item.key.attributes = a.Pack();
  item.key.functional = functional;
  item.value.amount_fen = fen;
  item.value.counts[0] = 1;
  p.cells.items = {item};
  return storage::EncodePosting(p);
}

TEST_F(FederationTest, AnEventThatNoClientCouldHaveSentStopsItsUpstreamAlone) {
  Join();
  province.ImportDivisions({{"140000", ""}, {"141100", "140000"}, {"140200", "140000"}});
  const std::string address = absl::StrCat("127.0.0.1:", FreePort());
  Liar liar(address);
  liar.Post(PostingOf(140200, 2080505, 700));
  province.Stop();
  province.options.upstreams.push_back({"liar", address});
  province.Start();
  ASSERT_TRUE(
      province.Until([](const fed::Upstream& u) { return PositionNumber(u.position()) == 1; }, 1));
  ASSERT_TRUE(province.UntilTotal("140200", 700));

  // Functional code 5000: without a check the fold takes it for a cell of another place.
  std::string poison = PostingOf(140200, 5000, 100);
  liar.Post(poison);
  ASSERT_TRUE(province.UntilState(fed::UPSTREAM_STATE_REFUSED, 1));
  EXPECT_EQ(province.Upstream(1).message(),
            "event 2 of upstream liar is refused: cell 0: functional code 5000 has not 3, 5 or 7 "
            "digits");
  EXPECT_EQ(PositionNumber(province.Upstream(1).position()), 1u);
  // The other goes on, the totals add up, and a restart finds nothing of it.
  Send(city, 0, 5, 3);
  ASSERT_TRUE(province.UntilLevel(city));
  const int64_t sum = city.Total("141100") + 700;
  ASSERT_TRUE(province.UntilTotal("140000", sum));
  province.Stop();
  province.Start();
  ASSERT_TRUE(province.UntilState(fed::UPSTREAM_STATE_REFUSED, 1));
  ASSERT_TRUE(province.UntilTotal("140000", sum));
  // Once its operator took it back, it is followed on.
  liar.TakeBack(2);
  liar.Post("");
  ASSERT_TRUE(
      province.Until([](const fed::Upstream& u) { return PositionNumber(u.position()) == 3; }, 1));
  ASSERT_TRUE(province.UntilTotal("140000", sum));
}

// Writes an event of an upstream into a log as a version would that looked at nothing. Returns its
// position.
domain::Position WriteUnchecked(const std::string& data_dir, std::string posting) {
  storage::RocksOptions options;
  options.path = data_dir + "/log";
  options.wal = true;
  options.ordered_kinds = storage::kLogOrderedKinds;
  auto kv = storage::RocksKv::Open(options);
  EXPECT_TRUE(kv.ok()) << kv.status();
  storage::FileAnchor anchor(data_dir + "/anchor");
  auto log = storage::LocalLog::Open(**kv, anchor, "");
  EXPECT_TRUE(log.ok()) << log.status();
  storage::EventLog::Head head = (*log)->head();
  const std::string payload = storage::EncodeUpstream(
      {"older", {std::string(16, 'o'), domain::Position(1), {}, 0, {}}, posting});
  domain::EventHeader header;
  header.kind = domain::EventKind::kUpstream;
  header.commit_time_us = head.commit_time_us;
  header.principal = "upstream:older";
  header.payload_digest = Sha256({payload});
  storage::LogGroup group;
  group.commit_time_us = header.commit_time_us;
  group.entries.push_back(storage::NextEntry(header, payload, &head));
  EXPECT_TRUE((*log)->Append(std::move(group)).ok());
  return head.position;
}

client::Error Quarantine(Server& server, const std::string& position,
                         adm::QuarantineResponse* response) {
  adm::QuarantineRequest request;
  request.set_position(position);
  request.set_reason("科目编码不合规");
  grpc::ClientContext context;
  return client::ToError(
      adm::AdminService::NewStub(server.channel)->Quarantine(&context, request, response));
}

client::Error Read(Server& server, const std::string& exactly) {
  agg::GetTotalRequest request;
  request.mutable_filter()->set_division_code("140000");
  request.mutable_filter()->set_fiscal_year(2024);
  request.mutable_filter()->set_stage(budget::v1::STAGE_APPROVED);
  request.mutable_filter()->set_direction(budget::v1::DIRECTION_EXPENDITURE);
  if (!exactly.empty()) request.mutable_consistency()->set_exactly(exactly);
  agg::GetTotalResponse response;
  grpc::ClientContext context;
  return client::ToError(
      agg::AggregationService::NewStub(server.channel)->GetTotal(&context, request, &response));
}

void ExpectVerified(Server& server) {
  adm::VerifyResponse response;
  grpc::ClientContext context;
  const grpc::Status status =
      adm::AdminService::NewStub(server.channel)->Verify(&context, {}, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(response.ok()) << response.ShortDebugString();
}

TEST_F(FederationTest, AnEventThatTotalsCantTakeIsQuarantinedAndEverybodyGoesOn) {
  Join();
  int sent = Send(city, 0, 5, 3);
  ASSERT_TRUE(province.UntilLevel(city));
  province.Stop();
  const uint64_t poison =
      WriteUnchecked(province.options.data_dir, PostingOf(141100, 5000, 100, "101099")).value();
  const std::string position = absl::StrCat(poison);
  province.Start();
  ASSERT_NE(province.server, nullptr);
  // It says where totals stand still; what was before is answered, and what is written is taken.
  EXPECT_EQ(PositionNumber(province.Status().totals().stopped_position()), poison);
  EXPECT_EQ(PositionNumber(province.Status().totals().watermark()), poison - 1);
  const client::Error latest = Read(province, "");
  EXPECT_EQ(latest.reason, "TOTALS_STOPPED") << latest.message;
  EXPECT_NE(latest.message.find(absl::StrCat("event ", position, " can't be folded")),
            std::string::npos)
      << latest.message;
  EXPECT_EQ(Read(province, position).reason, "TOTALS_STOPPED");
  EXPECT_EQ(Read(province, absl::StrCat(poison - 1)).code, grpc::OK);
  province.ImportDivisions({{"140000", ""}, {"141100", "140000"}, {"140200", "140000"}});
  sent = Send(city, sent, 3, 3);
  ASSERT_TRUE(province.UntilLevel(city));

  // Only that event.
  adm::QuarantineResponse done;
  EXPECT_EQ(Quarantine(province, absl::StrCat(poison - 1), &done).reason, "QUARANTINE_NOT_NEEDED");
  EXPECT_EQ(Quarantine(province, "999999", &done).reason, "POSITION_AHEAD");
  EXPECT_EQ(Quarantine(province, position, &done).code, grpc::OK);
  EXPECT_TRUE(done.created());
  const std::string by = done.position();
  EXPECT_EQ(Quarantine(province, position, &done).code, grpc::OK);
  EXPECT_FALSE(done.created());
  EXPECT_EQ(done.position(), by);
  ASSERT_TRUE(province.UntilTotal("140000", city.Total("141100")));
  EXPECT_EQ(Read(province, position).code, grpc::OK);
  EXPECT_EQ(province.Status().totals().stopped_position(), "");
  ExpectVerified(province);

  // A restart, and totals that are folded from the first event, leave it out too.
  province.Stop();
  province.Start();
  ASSERT_TRUE(province.UntilTotal("140000", city.Total("141100")));
  ExpectVerified(province);
  province.Stop();
  std::filesystem::remove_all(province.options.data_dir + "/totals");
  province.Start();
  sent = Send(city, sent, 300, 3);
  ASSERT_TRUE(province.UntilLevel(city));
  ASSERT_TRUE(province.UntilTotal("140000", city.Total("141100")));
  ExpectVerified(province);

  // And a system above never hears of it.
  Server country;
  country.options.upstreams = {{"shanxi", province.options.listen}};
  country.Start();
  country.ImportDivisions({{"140000", ""}, {"141100", "140000"}, {"140200", "140000"}});
  ASSERT_TRUE(country.UntilLevel(province));
  ASSERT_TRUE(country.UntilTotal("140000", city.Total("141100")));
  ExpectVerified(country);
}

}  // namespace
}  // namespace fiscal::testing
