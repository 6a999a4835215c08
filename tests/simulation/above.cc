#include "tests/simulation/above.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "services/ledger/compare/postings.h"
#include "storage/ledger.h"
#include "storage/local_log.h"
#include "storage/paired_kv.h"
#include "storage/schema.h"
#include "storage/totals_store.h"
#include "tests/simulation/no_rules.h"
#include "tests/simulation/wrapped_kv.h"

namespace fiscal::simulation {
namespace {

using services::Intake;
using storage::MemoryKv;

// A Kv that drops how far upstreams were taken over: the planted bug.
class ForgetfulKv final : public WrappedKv {
 public:
  using WrappedKv::WrappedKv;
  absl::Status Write(storage::Batch batch, bool sync) override {
    storage::Batch rest;
    for (const storage::Batch::Op& op : batch.ops()) {
      if (op.key.kind() == storage::KeyKind::kUpstream) continue;
      op.is_delete ? rest.Delete(op.key) : rest.Put(op.key, op.value);
    }
    return kv_.Write(std::move(rest), sync);
  }
};

}  // namespace

struct Above::Process {
  std::unique_ptr<MemoryKv> log_kv;
  std::unique_ptr<MemoryKv> ledger_kv;
  std::unique_ptr<storage::PairedKv> paired_kv;
  std::unique_ptr<ForgetfulKv> forgetful_kv;
  std::unique_ptr<storage::MemoryAnchor> anchor;
  std::unique_ptr<storage::EventLog> log;
  std::unique_ptr<Intake> intake;
  std::unique_ptr<MemoryKv> totals_kv;
  std::unique_ptr<storage::TotalsStore> totals;
  std::unique_ptr<services::Projector> projector;
  std::unique_ptr<services::TotalsReader> reader;
};

Above::Above(std::mt19937_64& random, Clock& clock, storage::Faults& faults, Fail fail,
             bool forgetful)
    : random_(random),
      clock_(clock),
      faults_(faults),
      fail_(std::move(fail)),
      forgetful_(forgetful) {}
Above::~Above() = default;

const services::Projector& Above::projector() const { return *process_->projector; }
const services::TotalsReader& Above::reader() const { return *process_->reader; }
const storage::Kv& Above::log_store() const { return *process_->log_kv; }

bool Above::Start() {
  process_ = std::make_unique<Process>();
  Process& p = *process_;
  // A fault that was meant for somebody may come while opening: then it starts another time.
  auto ok = [this](const absl::Status& status, absl::string_view what) {
    if (status.ok()) return true;
    if (absl::IsResourceExhausted(status) || absl::IsUnavailable(status)) {
      Crash();
    } else {
      fail_(absl::StrCat("above: ", what, ": ", status.ToString()));
    }
    return false;
  };
  auto log_kv = MemoryKv::Open(log_disk_, {true, &faults_});
  if (!ok(log_kv.status(), "open log store")) return false;
  p.log_kv = *std::move(log_kv);
  auto ledger_kv = MemoryKv::Open(ledger_disk_, {false, nullptr});
  if (!ok(ledger_kv.status(), "open ledger store")) return false;
  p.ledger_kv = *std::move(ledger_kv);
  p.paired_kv = std::make_unique<storage::PairedKv>(*p.log_kv, *p.ledger_kv);
  storage::Kv* kv = p.paired_kv.get();
  if (forgetful_) {
    p.forgetful_kv = std::make_unique<ForgetfulKv>(*kv);
    kv = p.forgetful_kv.get();
  }
  p.anchor = std::make_unique<storage::MemoryAnchor>(anchor_disk_);
  auto log = storage::LocalLog::Open(*kv, *p.anchor, "fedcba9876543210");
  if (!ok(log.status(), "open log")) return false;
  p.log = *std::move(log);
  if (!ok(storage::CatchUp(*p.log, *kv), "make the ledger level")) return false;
  auto intake = Intake::Open(*kv, *p.log, clock_, NoRules);
  if (!ok(intake.status(), "open intake")) return false;
  p.intake = *std::move(intake);
  auto totals_kv = MemoryKv::Open(totals_disk_, {false, nullptr});
  if (!ok(totals_kv.status(), "open totals store")) return false;
  p.totals_kv = *std::move(totals_kv);
  p.totals = std::make_unique<storage::TotalsStore>(*p.totals_kv);
  services::Projector::Options options;
  options.write_events = 7;
  options.write_cells = 40;
  options.rule = {2, 4, 8};
  options.flush_cells = 1 + Below(500);
  auto projector = services::Projector::Open(*p.log, *p.totals, options);
  if (!ok(projector.status(), "open projector")) return false;
  p.projector = *std::move(projector);
  p.reader = std::make_unique<services::TotalsReader>(*p.projector);
  if (!p.log->head().position.zero()) return true;
  // What a province knows by itself: where its city hangs.
  domain::CatalogImport import;
  import.request_id = "divisions";
  import.event = {140000, 2024, domain::CatalogList::kDivision, {}};
  for (const auto& [code, parent] :
       std::vector<std::pair<std::string, std::string>>{{"140000", ""}, {"141100", "140000"}})
    import.event.entries.push_back({code, "division", parent, "", {}, "", "", false, {}});
  Intake::Request request(std::move(import));
  std::vector<Intake::Request*> group = {&request};
  const auto outcome = p.intake->Commit(group)[0];
  return ok(outcome.status(), "import");
}

void Above::Crash() {
  ++crashes_;
  process_.reset();
  auto choose = [this](uint64_t n) { return Below(n); };
  log_disk_.Crash(choose);
  ledger_disk_.Crash(choose);
  totals_disk_.Crash(choose);
}

void Above::TakeOver(const storage::EventLog& below, uint64_t events) {
  const auto state = process_->intake->ReadUpstream("city");
  if (!state.ok()) return fail_(absl::StrCat("above: ", state.status().ToString()));
  domain::UpstreamRecords records;
  records.upstream = "city";
  records.log_id = below.log_id();
  // Sometimes from before where we are, as a connection that breaks leads to.
  domain::Position at = state->position;
  if (!at.zero() && Below(5) == 0) at = at.Prev();
  const domain::Position head = below.head().position;
  for (bool more = false; at < head && (more || records.records.size() < events);) {
    const auto entry = below.Read(at.Next());
    if (!entry.ok()) return fail_(entry.status().ToString());
    auto record = services::ToUpstreamRecord(*entry, *below.operators(), &more);
    if (!record.ok()) return fail_(record.status().ToString());
    records.records.push_back(*std::move(record));
    ++at;
  }
  if (records.records.empty()) return;
  Intake::Request request(std::move(records));
  std::vector<Intake::Request*> group = {&request};
  const auto outcome = process_->intake->Commit(group)[0];
  if (process_->intake->failed()) return Crash();
  if (outcome.ok() || absl::IsResourceExhausted(outcome.status())) return;
  fail_(absl::StrCat("above: ", outcome.status().ToString()));
}

void Above::Play(const storage::EventLog& below) {
  if (process_ == nullptr && !Start()) return;
  if (process_->intake->failed() || Below(12) == 0) return Crash();
  if (Below(3) == 0) {
    const auto folded = process_->projector->Step(1 + static_cast<int>(Below(20)));
    if (!folded.ok()) fail_(absl::StrCat("above: ", folded.status().ToString()));
    return;
  }
  TakeOver(below, 1 + Below(12));
}

void Above::Heal(const storage::EventLog& below) {
  for (int i = 0; i < 100; ++i) {
    if (process_ == nullptr && !Start()) return;
    if (process_->intake->failed()) {
      Crash();
      continue;
    }
    const auto state = process_->intake->ReadUpstream("city");
    if (!state.ok()) return fail_(state.status().ToString());
    if (state->position == below.head().position) break;
    TakeOver(below, 1000000);
  }
  while (process_->projector->folded() < process_->log->head().position) {
    const auto folded = process_->projector->Step(100);
    if (!folded.ok()) return fail_(absl::StrCat("above: ", folded.status().ToString()));
  }
}

}  // namespace fiscal::simulation
