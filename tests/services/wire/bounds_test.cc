// The bounds of repeated fields: each field has one, and what protobuf would make of the bytes is
// what is counted.
#include "services/wire/bounds.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "fiscal/admin/v1/admin_service.pb.h"
#include "fiscal/aggregation/v1/aggregation_service.pb.h"
#include "fiscal/catalog/v1/catalog_service.pb.h"
#include "fiscal/disclosure/v1/disclosure_service.pb.h"
#include "fiscal/federation/v1/federation_service.pb.h"
#include "fiscal/log/v1/event_log_service.pb.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "google/protobuf/unknown_field_set.h"
#include "gtest/gtest.h"

namespace fiscal::services::wire {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

void Collect(const Descriptor& type, std::set<const Descriptor*>* seen,
             std::set<std::string>* repeated) {
  if (!seen->insert(&type).second) return;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.is_repeated()) repeated->insert(field.full_name());
    if (field.type() == FieldDescriptor::TYPE_MESSAGE)
      Collect(*field.message_type(), seen, repeated);
  }
}

// A field that is added to a request without a bound turns this red, and a bound of a field that is
// gone.
TEST(BoundsTest, EveryRepeatedFieldOfEveryRequestHasOne) {
  std::set<const Descriptor*> seen;
  std::set<std::string> repeated, bounded;
  for (const FileDescriptor* file : {admin::v1::GetStatusRequest::descriptor()->file(),
                                     aggregation::v1::GetTotalRequest::descriptor()->file(),
                                     catalog::v1::ImportCatalogRequest::descriptor()->file(),
                                     disclosure::v1::GetTablesRequest::descriptor()->file(),
                                     federation::v1::ReadPostingsRequest::descriptor()->file(),
                                     log::v1::ReadRequest::descriptor()->file(),
                                     submission::v1::SubmitBudgetRequest::descriptor()->file()}) {
    ASSERT_EQ(file->service_count(), 1);
    for (int i = 0; i < file->service(0)->method_count(); ++i)
      Collect(*file->service(0)->method(i)->input_type(), &seen, &repeated);
  }
  for (const FieldBound& bound : FieldBounds()) bounded.insert(std::string(bound.field));
  EXPECT_EQ(bounded, repeated);
}

TEST(BoundsTest, AtTheBoundAndAboveIt) {
  submission::v1::SubmitBudgetRequest request;
  for (int i = 0; i < 10000; ++i) request.add_projects();
  const Descriptor& type = *request.GetDescriptor();
  EXPECT_TRUE(BoundedFields().Count(type, request.SerializeAsString()).ok());
  request.add_projects();
  const absl::Status refused = BoundedFields().Count(type, request.SerializeAsString());
  const domain::Explained why = domain::Explain(refused);
  EXPECT_EQ(why.refusal.reason, domain::Reason::kTooManyProjects);
  ASSERT_EQ(why.refusal.violations.size(), 1u);
  EXPECT_EQ(why.refusal.violations[0].field, "projects");
}

// Protobuf merges a message that comes in pieces, and a budget that comes in frames is one.
TEST(BoundsTest, PiecesCountTogether) {
  submission::v1::ValidateBudgetRequest half;
  for (int i = 0; i < 5001; ++i) half.mutable_budget()->add_projects();
  const std::string bytes = half.SerializeAsString();
  EXPECT_TRUE(BoundedFields().Count(*half.GetDescriptor(), bytes).ok());
  EXPECT_FALSE(BoundedFields().Count(*half.GetDescriptor(), bytes + bytes).ok());
  BoundedFields frames;
  EXPECT_TRUE(frames.Count(*half.GetDescriptor(), bytes).ok());
  EXPECT_FALSE(frames.Count(*half.GetDescriptor(), bytes).ok());
}

TEST(BoundsTest, NestedAndPackedValues) {
  submission::v1::SubmitBudgetRequest request;
  for (int p = 0; p < 401; ++p) {
    budget::v1::Project* project = request.add_projects();
    for (int i = 0; i < 500; ++i) project->add_indicators();
  }
  EXPECT_FALSE(BoundedFields().Count(*request.GetDescriptor(), request.SerializeAsString()).ok());
  disclosure::v1::GetTablesRequest tables;
  for (int i = 0; i < 100; ++i) tables.add_table_numbers(1000);
  EXPECT_TRUE(BoundedFields().Count(*tables.GetDescriptor(), tables.SerializeAsString()).ok());
  tables.add_table_numbers(1000);
  EXPECT_FALSE(BoundedFields().Count(*tables.GetDescriptor(), tables.SerializeAsString()).ok());
}

TEST(BoundsTest, UnknownFieldsGroupsAndFieldsOfAnotherType) {
  const Descriptor& type = *aggregation::v1::GetTotalRequest::descriptor();
  auto count = [&](int fields, auto add) {
    google::protobuf::UnknownFieldSet set;
    for (int i = 0; i < fields; ++i) add(&set);
    std::string bytes;
    set.SerializeToString(&bytes);
    return BoundedFields().Count(type, bytes);
  };
  using Set = google::protobuf::UnknownFieldSet;
  auto number = [](Set* set) { set->AddVarint(99, 1); };
  auto group = [](Set* set) { set->AddGroup(99)->AddGroup(98); };
  // `filter`, a message, as a number.
  auto other = [](Set* set) { set->AddVarint(1, 1); };
  EXPECT_TRUE(count(1000, number).ok());
  EXPECT_FALSE(count(1001, number).ok());
  EXPECT_TRUE(count(500, group).ok());
  EXPECT_FALSE(count(501, group).ok());
  EXPECT_FALSE(count(1001, other).ok());
}

TEST(BoundsTest, WhatDoesNotParseIsLeftToWhoParses) {
  const Descriptor& type = *submission::v1::SubmitBudgetRequest::descriptor();
  EXPECT_TRUE(BoundedFields().Count(type, "\x0a\xff").ok());
  EXPECT_TRUE(BoundedFields().Count(type, std::string(100000, '\x9b')).ok());
}

}  // namespace
}  // namespace fiscal::services::wire
