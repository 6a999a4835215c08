#include "services/server/writer.h"

#include "absl/memory/memory.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "domain/authority/principal.h"
#include "services/catalog/catalog_rpc.h"
#include "services/ledger/decide/clock_guard.h"
#include "services/submission/submission_rpc.h"

namespace fiscal::services {

namespace {

ClockBounds BoundsOf(const config::v1::ClockConfig& config) {
  return {absl::Seconds(config.step_seconds_max()), absl::Hours(24) * config.gap_days_max()};
}

}  // namespace

absl::StatusOr<std::unique_ptr<Writer>> Writer::Open(const config::v1::SubmissionConfig& config,
                                                     Process& process, Stores& stores, Edge& edge,
                                                     const Authority& authority) {
  auto writer = absl::WrapUnique(new Writer(config, process, stores));
  FISCAL_ASSIGN_OR_RETURN(writer->intake_,
                          Intake::Open(stores.directory().kv(), stores.log(), process.clock(),
                                       CheckRules, &authority, BoundsOf(config.clock())));
  writer->LookAtClock();
  writer->MakeCommitter();
  writer->AddServices(edge);
  return writer;
}

void Writer::MakeCommitter() {
  Committer::Options options;
  options.queue_requests_max = static_cast<size_t>(config_.queue_requests_max());
  options.queue_bytes_max = static_cast<size_t>(config_.queue_bytes_max());
  options.queue_requests_per_caller_max =
      static_cast<size_t>(config_.queue_requests_per_caller_max());
  options.queue_bytes_per_caller_max = static_cast<size_t>(config_.queue_bytes_per_caller_max());
  options.group_requests_max = static_cast<size_t>(config_.group_requests_max());
  options.group_bytes_max = static_cast<size_t>(config_.group_bytes_max());
  committer_ =
      std::make_unique<Committer>(*intake_, process_.disk(), process_.metrics(), options, [this] {
        process_.End(StopReason::kSyncFailed, "a write to the log failed; its outcome is unknown");
      });
}

void Writer::AddServices(Edge& edge) {
  const StreamBudgets::Options stream{{static_cast<size_t>(config_.stream_budgets_max()),
                                       static_cast<size_t>(config_.stream_bytes_max())},
                                      process_.config().log().calls() != "none"};
  edge.Add(MakeSubmissionService({edge.calls(), *committer_, stores_.heads(), process_.metrics(),
                                  process_.drain(), process_.memory(), stream}));
  edge.Add(MakeCatalogService(edge.calls(), *committer_));
}

void Writer::LookAtClock() {
  const ClockGuard::Reading reading = intake_->LookAtClock();
  if (reading.state == clock_state_) return;
  clock_state_ = reading.state;
  if (reading.state == ClockGuard::State::kRight) {
    logging::Info("the clock is right again: writes are taken");
  } else {
    logging::Error("the clock is not believed: writes are refused",
                   {{"state", NameOf(reading.state)}, {"why", reading.refusal.message()}});
  }
}

void Writer::Start() {
  for (const config::v1::UpstreamConfig& upstream : config_.upstreams()) {
    upstreams_.push_back(std::make_unique<Upstream>(upstream.name(), upstream.address(),
                                                    process_.peer_credentials(), *committer_));
  }
}

void Writer::Drain() {
  for (const auto& upstream : upstreams_) upstream->Stop();
}

void Writer::Stop() { committer_->Stop(); }

std::string Writer::recorded_key() const {
  const std::shared_ptr<const storage::OperatorEvents> operators = stores_.log().operators();
  return operators->keys().empty() ? "" : operators->keys().back().event.public_key_pem;
}

void Writer::Record(const SigningKey& key) {
  const domain::KeyEvent event{key.public_key_pem(), ""};
  const absl::Status kept =
      committer_
          ->SubmitAndWait(authority::kProcess, domain::KeyOrder{authority::kProcess, event},
                          event.public_key_pem.size())
          .status();
  if (!kept.ok()) {
    logging::Warning("the signing key is not in the log yet: the next start says it",
                     {{"why", std::string(kept.message())}});
  }
}

std::vector<Upstream*> Writer::upstreams() const {
  std::vector<Upstream*> upstreams;
  for (const auto& upstream : upstreams_) upstreams.push_back(upstream.get());
  return upstreams;
}

void Writer::Show(SystemParts* parts) const {
  parts->committer = committer_.get();
  for (const auto& upstream : upstreams_) parts->upstreams.push_back(upstream.get());
}

}  // namespace fiscal::services
