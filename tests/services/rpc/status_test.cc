// What callers are told of an error: every violation with its reason, in trailers that clients
// take.
#include "services/rpc/status.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "domain/reason.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"

namespace fiscal::services::rpc {
namespace {

using domain::Reason;

struct Told {
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad;
  google::rpc::LocalizedMessage localized;
  google::rpc::RetryInfo retry;
};

Told Read(const google::rpc::Status& status) {
  Told told;
  for (const google::protobuf::Any& detail : status.details()) {
    EXPECT_TRUE(detail.UnpackTo(&told.info) || detail.UnpackTo(&told.bad) ||
                detail.UnpackTo(&told.localized) || detail.UnpackTo(&told.retry));
  }
  return told;
}

Told Read(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), status.error_code());
  EXPECT_EQ(details.message(), status.error_message());
  return Read(details);
}

// A header as HTTP/2 counts it.
size_t Header(const std::string& name, size_t value) { return name.size() + value + 32; }

// The trailers of a refused write, with all that gRPC adds.
size_t Trailers(const grpc::Status& status) {
  size_t message = 0;
  for (const char c : status.error_message()) message += c >= ' ' && c <= '~' && c != '%' ? 1 : 3;
  return Header(":status", 3) + Header("content-type", 16) + Header("grpc-accept-encoding", 21) +
         Header("grpc-status", 2) + Header("grpc-message", message) +
         Header("grpc-status-details-bin", absl::Base64Escape(status.error_details()).size()) +
         Header("fiscal-request-id", 64);
}

std::string Repeat(const std::string& text, size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += text;
  return out;
}

// As large as domain/reason.cc lets it be.
absl::Status Largest(const std::string& text, size_t violations) {
  domain::Refusal refusal;
  refusal.reason = Reason::kCodeMalformed;
  refusal.message = Repeat(text, 4096);
  for (size_t i = 0; i < violations; ++i)
    refusal.violations.emplace_back(Reason::kCodeMalformed, Repeat(text, 4096), Repeat(text, 4096),
                                    Repeat(text, 4096));
  for (const char* key : {"field", "amount_fen", "line_id", "position"})
    refusal.metadata.push_back({key, Repeat(text, 4096)});
  return domain::ToStatus(std::move(refusal));
}

TEST(StatusTest, EachViolationHasItsReasonAndAChineseMessage) {
  const grpc::Status status = ToGrpc(
      domain::Refuse({{Reason::kCodeMalformed, "line_items[3].functional_code", "L3", "7 digits"},
                      {Reason::kAmountInvalid, "line_items[4].amount_fen", "", "negative"}}));
  const Told told = Read(status);
  EXPECT_EQ(told.info.reason(), "CODE_MALFORMED");
  EXPECT_EQ(told.info.domain(), "fiscal");
  EXPECT_EQ(told.info.metadata().count("violations_omitted"), 0u);
  ASSERT_EQ(told.bad.field_violations_size(), 2);
  const auto& first = told.bad.field_violations(0);
  EXPECT_EQ(first.field(), "line_items[3].functional_code");
  EXPECT_EQ(first.description(), "CODE_MALFORMED (line_id L3): 7 digits");
  EXPECT_EQ(first.reason(), "CODE_MALFORMED");
  EXPECT_EQ(first.localized_message().locale(), "zh-CN");
  EXPECT_EQ(first.localized_message().message(), "编码格式不正确");
  const auto& second = told.bad.field_violations(1);
  EXPECT_EQ(second.reason(), "AMOUNT_INVALID");
  EXPECT_EQ(second.localized_message().message(), "金额不正确");
  EXPECT_EQ(told.localized.message(),
            "编码格式不正确：line_items[3].functional_code（行 L3） 编码格式不正确；"
            "line_items[4].amount_fen 金额不正确");
}

// What is left out is counted; what is told stays below what gRPC for C++ and Java takes.
TEST(StatusTest, TrailersStayBelow8KB) {
  for (const std::string text : {"a", "%", "金额", "\xf0\xa0\x80\x80", "\xc2\xa5"}) {
    for (const size_t violations : {0, 1, 2, 5, 6, 99, 100}) {
      const grpc::Status status = ToGrpc(Largest(text, violations));
      EXPECT_LT(Trailers(status), 8192u) << text << " " << violations;
      EXPECT_EQ(status.error_code(), grpc::INVALID_ARGUMENT);
      EXPECT_FALSE(status.error_message().empty());
      const Told told = Read(status);
      EXPECT_EQ(told.info.reason(), "CODE_MALFORMED");
      EXPECT_EQ(told.localized.message().find("编码格式不正确"), 0u);
      const size_t shown = static_cast<size_t>(told.bad.field_violations_size());
      EXPECT_LE(shown, violations);
      size_t omitted = 0;
      const auto it = told.info.metadata().find("violations_omitted");
      if (it != told.info.metadata().end()) {
        ASSERT_TRUE(absl::SimpleAtoi(it->second, &omitted));
        EXPECT_GT(omitted, 0u);
      }
      EXPECT_EQ(shown + omitted, violations) << text;
    }
  }
}

TEST(StatusTest, AsManyViolationsAreToldAsFit) {
  std::vector<domain::Violation> violations;
  for (int i = 0; i < 100; ++i) {
    violations.emplace_back(Reason::kCodeUnknown,
                            absl::StrCat("line_items[", i, "].functional_code"),
                            absl::StrCat("L", i), "2170199 is not in the functional list of 2024");
  }
  const grpc::Status status = ToGrpc(domain::Refuse(violations));
  const Told told = Read(status);
  EXPECT_GE(told.bad.field_violations_size(), 15);
  EXPECT_LT(told.bad.field_violations_size(), 100);
  // One more would not have fitted.
  EXPECT_GT(Trailers(status), 6800u);
  EXPECT_LT(Trailers(status), 8192u);
  for (int i = 0; i < told.bad.field_violations_size(); ++i)
    EXPECT_EQ(told.bad.field_violations(i).field(), violations[static_cast<size_t>(i)].field);
}

TEST(StatusTest, AStreamIsToldAllViolations) {
  const Told told = Read(ToProto(Largest("金额", 100)));
  EXPECT_EQ(told.bad.field_violations_size(), 100);
  EXPECT_EQ(told.info.metadata().count("violations_omitted"), 0u);
}

TEST(StatusTest, WhatIsNoRefusalHasAReasonAndNoEngineText) {
  struct Case {
    absl::Status status;
    grpc::StatusCode code;
    std::string reason, zh;
  };
  for (const Case& c : std::vector<Case>{
           {absl::CancelledError("gone"), grpc::CANCELLED, "CANCELLED", "调用已取消"},
           {absl::DeadlineExceededError("late"), grpc::DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED",
            "调用超时"},
           {absl::UnavailableError("stops"), grpc::UNAVAILABLE, "DRAINING",
            "服务正在停止，请稍后重试"},
           {absl::DataLossError("000012.sst"), grpc::DATA_LOSS, "STORAGE_DAMAGED",
            "存储的数据已损坏"},
           {absl::NotFoundError("000012.sst"), grpc::INTERNAL, "INTERNAL", "系统内部错误"}}) {
    const grpc::Status status = ToGrpc(c.status);
    EXPECT_EQ(status.error_code(), c.code);
    const Told told = Read(status);
    EXPECT_EQ(told.info.reason(), c.reason);
    EXPECT_EQ(told.localized.message(), c.zh);
    EXPECT_EQ(status.error_message().find("sst"), std::string::npos);
    EXPECT_EQ(ReasonOf(status), c.reason);
  }
}

TEST(StatusTest, AReasonIsFoundInAStatusOrItsCodeIsNamed) {
  EXPECT_EQ(ReasonOf(grpc::Status::OK), "");
  EXPECT_EQ(ReasonOf(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "no")), "UNIMPLEMENTED");
  EXPECT_EQ(ReasonOf(grpc::Status(grpc::StatusCode::INTERNAL, "x", "not a status")), "INTERNAL");
}

TEST(StatusTest, SaysWhenToComeAgainWhereWaitingHelps) {
  for (Reason reason :
       {Reason::kQueueFull, Reason::kMemoryFull, Reason::kCallsTooMany, Reason::kWatchersTooMany}) {
    EXPECT_EQ(Read(ToGrpc(domain::Refuse(reason, "full"))).retry.retry_delay().seconds(), 1);
  }
  for (Reason reason : {Reason::kDiskFull, Reason::kWatchTooWide, Reason::kRevisionMismatch})
    EXPECT_FALSE(Read(ToGrpc(domain::Refuse(reason, "no"))).retry.has_retry_delay());
  domain::Refusal refusal;
  refusal.reason = Reason::kRateExceeded;
  refusal.retry_after = absl::Milliseconds(2345);
  const Told told = Read(ToGrpc(domain::ToStatus(refusal)));
  EXPECT_EQ(told.retry.retry_delay().seconds(), 2);
  EXPECT_EQ(told.retry.retry_delay().nanos(), 345000000);
}

}  // namespace
}  // namespace fiscal::services::rpc
