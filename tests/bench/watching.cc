#include "tests/bench/watching.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "tests/support/position.h"

namespace fiscal::bench {
namespace {

namespace agg = fiscal::aggregation::v1;
namespace sub = fiscal::submission::v1;

constexpr int64_t kOnTheWayMax = 1024;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "watchers: %s\n", what.c_str());
  std::exit(1);
}

// What the codes of all divisions below begin with.
absl::string_view Stem(absl::string_view division) {
  while (absl::ConsumeSuffix(&division, "00")) continue;
  return division;
}

template <typename Question>
void Fill(const Place& place, Question* question) {
  agg::TotalFilter* filter = question->mutable_filter();
  filter->set_division_code(place.division);
  filter->set_department_code(place.department);
  filter->set_fiscal_year(Province::kYear);
  filter->set_stage(budget::v1::STAGE_REQUESTED);
  filter->set_direction(budget::v1::DIRECTION_EXPENDITURE);
  agg::GroupBy* by = question->add_group_by();
  by->set_dimension(agg::DIMENSION_FUNCTIONAL);
  by->set_depth(3);
}

}  // namespace

bool Place::Covers(const Province::Agency& agency) const {
  if (!department.empty()) return agency.division == division && agency.department == department;
  return absl::StartsWith(agency.division, Stem(division));
}

std::vector<Place> PlacesOf(const Province& province, size_t count) {
  std::vector<Place> places, departments;
  for (const Province::Agency& a : province.agencies()) {
    if (places.empty() || places.back().division != a.division) places.push_back({a.division, ""});
    if (departments.empty() || departments.back().division != a.division ||
        departments.back().department != a.department) {
      departments.push_back({a.division, a.department});
    }
  }
  const size_t divisions = std::min(places.size(), count), rest = count - divisions;
  places.resize(divisions);
  for (size_t i = 0; i < rest; ++i) places.push_back(departments[i * departments.size() / rest]);
  return places;
}

std::vector<std::vector<uint32_t>> CoveredBy(const Province& province,
                                             const std::vector<Place>& places) {
  std::vector<std::vector<uint32_t>> covered;
  for (const Province::Agency& a : province.agencies()) {
    covered.emplace_back();
    for (size_t i = 0; i < places.size(); ++i) {
      if (places[i].Covers(a)) covered.back().push_back(static_cast<uint32_t>(i));
    }
  }
  return covered;
}

agg::WatchTotalsRequest WatchOf(const Place& place) {
  agg::WatchTotalsRequest request;
  request.set_mode(agg::WATCH_MODE_LOSSLESS);
  Fill(place, request.add_filters());
  return request;
}

agg::ListTotalsRequest ListOf(const Place& place) {
  agg::ListTotalsRequest request;
  Fill(place, &request);
  request.set_page_size(10000);
  return request;
}

std::shared_ptr<grpc::Channel> ConnectTo(int port, bool fixed_window) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (fixed_window) arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  auto channel = grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                           grpc::InsecureChannelCredentials(), arguments);
  channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10));
  return channel;
}

WatchClient::WatchClient(const std::shared_ptr<grpc::Channel>& channel,
                         agg::WatchTotalsRequest request, Heard heard)
    : stub_(agg::AggregationService::NewStub(channel)),
      request_(std::move(request)),
      heard_(std::move(heard)) {
  stub_->async()->WatchTotals(&context_, &request_, this);
  StartRead(&response_);
  StartCall();
}

WatchClient::~WatchClient() {
  {
    absl::MutexLock lock(&mu_);
    closing_ = true;
  }
  context_.TryCancel();
  ReadOn();
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&done_));
}

void WatchClient::ReadOn() {
  {
    absl::MutexLock lock(&mu_);
    if (!paused_) return;
    paused_ = false;
  }
  StartRead(&response_);
  RemoveHold();
}

void WatchClient::OnReadDone(bool ok) {
  if (!ok) return;
  if (!heard_(response_)) {
    absl::MutexLock lock(&mu_);
    if (!closing_) {
      paused_ = true;
      AddHold();  // the call must not be over while nothing is asked of it
      return;
    }
  }
  StartRead(&response_);
}

void WatchClient::OnDone(const grpc::Status& status) {
  absl::MutexLock lock(&mu_);
  if (!closing_) Die(absl::StrCat("a watch ended: ", status.error_message()));
  done_ = true;
}

void SubmitPaced(int port, double rate, size_t count,
                 const std::function<size_t(size_t, sub::SubmitBudgetRequest*)>& make,
                 const std::function<void(const Change&)>& answered) {
  const auto stub = sub::SubmissionService::NewStub(ConnectTo(port));
  struct Call {
    grpc::ClientContext context;
    sub::SubmitBudgetRequest request;
    sub::SubmitBudgetResponse response;
    Change change;
  };
  absl::Mutex mu;
  int64_t on_the_way = 0;
  auto free = [&] { return on_the_way < kOnTheWayMax; };
  auto none = [&] { return on_the_way == 0; };
  const absl::Time start = absl::Now();
  for (size_t i = 0; i < count; ++i) {
    auto* call = new Call;
    call->change.agency = make(i, &call->request);
    absl::SleepFor(start + absl::Seconds(static_cast<double>(i) / rate) - absl::Now());
    {
      absl::MutexLock lock(&mu);
      mu.Await(absl::Condition(&free));
      ++on_the_way;
    }
    call->change.submitted = absl::Now();
    stub->async()->SubmitBudget(
        &call->context, &call->request, &call->response, [&, call](const grpc::Status& status) {
          call->change.received = absl::Now();
          if (!status.ok()) Die(absl::StrCat("a submit failed: ", status.error_message()));
          if (!testing::ReadPosition(call->response.position(), &call->change.position))
            Die("a receipt without position");
          answered(call->change);
          delete call;
          absl::MutexLock lock(&mu);
          --on_the_way;
        });
  }
  absl::MutexLock lock(&mu);
  mu.Await(absl::Condition(&none));
}

}  // namespace fiscal::bench
