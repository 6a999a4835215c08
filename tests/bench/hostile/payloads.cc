#include "tests/bench/hostile/payloads.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "tests/bench/watching.h"

namespace fiscal::bench {
namespace {

namespace agg = fiscal::aggregation::v1;
namespace sub = fiscal::submission::v1;

constexpr size_t kFrameBytes = 1000 << 10;

void WholeProvince(agg::TotalFilter* filter) {
  filter->set_division_code("140000");
  filter->set_fiscal_year(Province::kYear);
  filter->set_stage(budget::v1::STAGE_REQUESTED);
  filter->set_direction(budget::v1::DIRECTION_EXPENDITURE);
}

sub::SubmitBudgetRequest Header(const std::string& request_id) {
  sub::SubmitBudgetRequest request;
  request.set_request_id(request_id);
  request.mutable_budget()->set_division_code("140000");
  request.mutable_budget()->set_agency_code("101001");
  request.mutable_budget()->set_fiscal_year(Province::kYear);
  request.mutable_budget()->set_stage(budget::v1::STAGE_REQUESTED);
  return request;
}

std::string Repeat(absl::string_view piece, size_t bytes) {
  std::string text;
  text.reserve(bytes + piece.size());
  while (text.size() < bytes) text.append(piece.data(), piece.size());
  return text;
}

// Field 5, projects, of no bytes.
constexpr absl::string_view kEmptyProject("\x2a\x00", 2);

}  // namespace

std::string HeavyBatch() {
  agg::BatchGetTotalsRequest request;
  for (int i = 0; i < 1000; ++i) {
    agg::TotalFilter* filter = request.add_filters();
    WholeProvince(filter);
    filter->set_project_code(absl::StrCat("P", 101 + i % 200, "-", i / 200));
  }
  return request.SerializeAsString();
}

std::string EmptyProjects(size_t bytes) {
  return Header("empty-projects").SerializeAsString() + Repeat(kEmptyProject, bytes);
}

std::string RemovedProjects(size_t count) {
  sub::SubmitBudgetRequest request = Header("removed-projects");
  request.set_mode(sub::WRITE_MODE_PATCH);
  std::string bytes = request.SerializeAsString();
  bytes.reserve(bytes.size() + count * 7);
  for (size_t i = 0; i < count; ++i) {
    // Field 7, five characters.
    bytes += "\x3a\x05";
    for (size_t k = 0, v = i; k < 5; ++k, v /= 36)
      bytes += "0123456789abcdefghijklmnopqrstuvwxyz"[v % 36];
  }
  return bytes;
}

std::string LongLineId(size_t bytes) {
  sub::SubmitBudgetRequest request = Header("long-line-id");
  budget::v1::LineItem* line = request.add_line_items();
  line->set_line_id(std::string(bytes, 'x'));
  line->set_functional_code("1");
  line->set_revenue_code("1");
  line->set_dept_economic_code("1");
  line->set_gov_economic_code("1");
  line->set_project_code("nowhere");
  line->set_amount_fen(-1);
  line->set_precision_fen(7);
  line->set_receiving_division_code("1");
  return request.SerializeAsString();
}

std::vector<std::string> EndlessParts(size_t bytes, bool empty) {
  std::vector<std::string> frames;
  for (size_t sent = 0, number = 0; sent < bytes; sent += kFrameBytes) {
    std::string part;
    if (sent == 0) Header("endless").SerializeToString(&part);
    if (empty) {
      part += Repeat(kEmptyProject, kFrameBytes);
    } else {
      sub::SubmitBudgetRequest projects;
      const std::string text(4000, 'x');
      for (size_t k = 0; k < kFrameBytes / 28000; ++k) {
        budget::v1::Project* project = projects.add_projects();
        project->set_project_code(absl::StrCat("P", number++));
        project->set_name("x");
        for (std::string* field :
             {project->mutable_overview(), project->mutable_basis(), project->mutable_necessity(),
              project->mutable_safeguards(), project->mutable_plan(), project->mutable_term_goal(),
              project->mutable_year_goal()}) {
          *field = text;
        }
      }
      projects.AppendToString(&part);
    }
    sub::StreamBudgetsRequest frame;
    frame.set_more(true);
    std::string out = frame.SerializeAsString();
    // Field 1, the budget: its length as a varint.
    out += '\x0a';
    size_t length = part.size();
    for (; length >= 128; length >>= 7) out += static_cast<char>((length & 127) | 128);
    out += static_cast<char>(length);
    frames.push_back(out + part);
  }
  return frames;
}

std::string GreatStatement(const Province& province, uint64_t n, bool patch, uint64_t salt) {
  sub::SubmitBudgetRequest request;
  province.Fill(n, 100000, salt, &request);
  request.clear_request_id();
  if (patch) {
    request.set_mode(sub::WRITE_MODE_PATCH);
    request.clear_projects();
  }
  int64_t amount = static_cast<int64_t>(salt) * 1000000;
  for (budget::v1::LineItem& line : *request.mutable_line_items()) {
    line.set_line_id(absl::StrFormat("%064s", line.line_id()));
    std::string& id = *line.mutable_line_id();
    for (char& c : id) c = c == ' ' ? '-' : c;
    line.set_amount_fen(++amount);
  }
  return request.SerializeAsString();
}

std::string WithRequestId(const std::string& request_id, const std::string& rest) {
  sub::SubmitBudgetRequest request;
  request.set_request_id(request_id);
  return request.SerializeAsString() + rest;
}

std::string WaitingRead() {
  agg::GetTotalRequest request;
  WholeProvince(request.mutable_filter());
  request.mutable_consistency()->set_at_least("999999999999");
  return request.SerializeAsString();
}

std::string Watch() { return WatchOf({"140000", ""}).SerializeAsString(); }

}  // namespace fiscal::bench
