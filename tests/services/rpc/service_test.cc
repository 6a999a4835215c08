// Requests that are looked at as bytes before anything is made of them.
#include "services/rpc/service.h"

#include <string>

#include "domain/reason.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "gtest/gtest.h"
#include "services/rpc/raw.h"

namespace fiscal::services::rpc {
namespace {

namespace agg = fiscal::aggregation::v1;

grpc::ByteBuffer BufferOf(const std::string& bytes) {
  grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

std::string ReasonOfRead(const std::string& bytes) {
  grpc::ByteBuffer buffer = BufferOf(bytes);
  agg::GetTotalRequest message;
  const absl::Status status = ParseRead(buffer, &message);
  EXPECT_EQ(buffer.Length(), 0u) << "its bytes are not kept";
  if (status.ok()) return "";
  return std::string(domain::InfoOf(domain::Explain(status).refusal.reason).id);
}

TEST(ServiceTest, ARequestIsParsed) {
  agg::GetTotalRequest request;
  request.mutable_filter()->set_division_code("141100");
  EXPECT_EQ(ReasonOfRead(request.SerializeAsString()), "");
  grpc::ByteBuffer buffer = ToBuffer(request);
  agg::GetTotalRequest parsed;
  ASSERT_TRUE(ParseRead(buffer, &parsed).ok());
  EXPECT_EQ(parsed.filter().division_code(), "141100");
}

TEST(ServiceTest, WhatIsTooLargeOrNoMessageIsRefused) {
  EXPECT_EQ(ReasonOfRead("\xff"), "MESSAGE_MALFORMED");
  agg::GetTotalRequest request;
  request.mutable_filter()->set_division_code(std::string(kReadBytesMax, 'x'));
  EXPECT_EQ(ReasonOfRead(request.SerializeAsString()), "MESSAGE_TOO_LARGE");
  // Too many values of a field are a better answer than a size.
  agg::BatchGetTotalsRequest batch;
  for (size_t i = 0; i < kReadBytesMax; ++i) batch.add_filters();
  grpc::ByteBuffer buffer = ToBuffer(batch);
  agg::BatchGetTotalsRequest message;
  EXPECT_EQ(domain::Explain(ParseRead(buffer, &message)).refusal.reason,
            domain::Reason::kTooManyValues);
}

}  // namespace
}  // namespace fiscal::services::rpc
