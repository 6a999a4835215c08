// Every method of the tree has an option that is true of it; and each way to get it wrong, planted.
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fiscal/method/v1/method.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/proto/method_rules.h"

namespace fiscal::testing {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(MethodTest, EveryMethodHasAnOptionThatIsTrueOfIt) {
  std::ifstream in(FISCAL_DESCRIPTORS, std::ios::binary);
  google::protobuf::FileDescriptorSet set;
  ASSERT_TRUE(set.ParseFromIstream(&in));
  DescriptorPool pool;
  std::vector<std::string> offences;
  int methods = 0;
  for (const auto& proto : set.file()) {
    const FileDescriptor* file = pool.BuildFile(proto);
    ASSERT_NE(file, nullptr) << proto.name();
    // gRPC's own services are public files, to which nothing is added.
    if (!absl::StartsWith(file->package(), "fiscal.")) continue;
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        ++methods;
        for (std::string& offence : MethodOffences(*file->service(s)->method(m)))
          offences.push_back(std::move(offence));
      }
    }
  }
  EXPECT_EQ(absl::StrJoin(offences, "\n"), "");
  EXPECT_GE(methods, 38);
}

// A number has one option for ever, whatever it extends.
TEST(MethodTest, NumbersOfOptionsAreUsedOnce) {
  std::ifstream in(FISCAL_DESCRIPTORS, std::ios::binary);
  google::protobuf::FileDescriptorSet set;
  ASSERT_TRUE(set.ParseFromIstream(&in));
  std::vector<std::string> options;
  for (const auto& file : set.file()) {
    if (!absl::StartsWith(file.package(), "fiscal.")) continue;
    for (const auto& option : file.extension())
      options.push_back(absl::StrCat(option.number(), " ", file.package(), ".", option.name()));
  }
  EXPECT_THAT(options, ::testing::UnorderedElementsAre("50711 fiscal.config.v1.setting",
                                                       "50712 fiscal.method.v1.method"));
}

// The offences of a method with these options, in the text format.
std::vector<std::string> Of(const std::string& options, bool stream = false) {
  google::protobuf::FileDescriptorProto file;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      absl::StrCat(R"(
        name: "a.proto" package: "a"
        message_type {
          name: "Q"
          field {
            name: "filter" number: 1 type: TYPE_MESSAGE type_name: ".a.F" label: LABEL_REPEATED
          }
          field { name: "certify" number: 2 type: TYPE_BOOL label: LABEL_OPTIONAL }
          field { name: "by" number: 3 type: TYPE_ENUM type_name: ".a.E" label: LABEL_OPTIONAL }
        }
        message_type {
          name: "F"
          field { name: "division_code" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
          field { name: "own_level" number: 2 type: TYPE_BOOL label: LABEL_OPTIONAL }
        }
        message_type { name: "R" }
        enum_type { name: "E" value { name: "E0" number: 0 } value { name: "E1" number: 1 } }
        service {
          name: "S"
          method { name: "M" input_type: ".a.Q" output_type: ".a.R" server_streaming: )",
                   stream ? "true" : "false", " options { ", options, " } } }"),
      &file));
  DescriptorPool pool;
  const FileDescriptor* built = pool.BuildFile(file);
  if (built == nullptr) return {"not built"};
  return MethodOffences(*built->service(0)->method(0));
}

// An option without offence, but for what is in `more` or another kind.
std::string Good(const std::string& more, const std::string& kind = "CALL_KIND_HEAVY_READ") {
  return absl::StrCat(R"(idempotency_level: NO_SIDE_EFFECTS
      [fiscal.method.v1.method] {
        verb: VERB_READ_DETAIL read_only: true
        scopes { division: "filter.division_code" own_level: "filter.own_level" } kind: )",
                      kind, " ", more, "}");
}

TEST(MethodRulesTest, AGoodOptionHasNoOffence) {
  EXPECT_THAT(Of(Good("")), IsEmpty());
  EXPECT_THAT(Of(Good(R"(further_verbs { field: "certify" verb: VERB_CERTIFY }
                         further_verbs { field: "by" values: "E1" verb: VERB_LIST })")),
              IsEmpty());
}

TEST(MethodRulesTest, AMethodHasTheOptionWithAVerbAndAKind) {
  EXPECT_THAT(Of(""), ElementsAre("a.S.M: it has no option fiscal.method.v1.method"));
  EXPECT_THAT(Of(R"([fiscal.method.v1.method] {
                      scopes { division: "filter.division_code"
                               own_level: "filter.own_level" } })"),
              ElementsAre("a.S.M: it has no verb", "a.S.M: it has no kind"));
  EXPECT_THAT(Of(Good(""), /*stream=*/true), ElementsAre("a.S.M: it is a stream of another kind"));
  EXPECT_THAT(Of(Good("", "CALL_KIND_WATCH")),
              ElementsAre("a.S.M: it is of the kind of streams and is none"));
}

TEST(MethodRulesTest, ReadOnlyIsWhatToolsAreTold) {
  EXPECT_THAT(Of(R"(idempotency_level: NO_SIDE_EFFECTS
                    [fiscal.method.v1.method] {
                      verb: VERB_LIST kind: CALL_KIND_HEAVY_READ
                      scopes { division: "filter.division_code"
                               own_level: "filter.own_level" } })"),
              ElementsAre("a.S.M: it is of a kind of reads and not read_only",
                          "a.S.M: read_only and idempotency_level contradict each other"));
  EXPECT_THAT(Of(R"([fiscal.method.v1.method] {
                      verb: VERB_VALIDATE read_only: true kind: CALL_KIND_WRITE
                      scopes { division: "filter.division_code"
                               own_level: "filter.own_level" } })"),
              ElementsAre("a.S.M: read_only and idempotency_level contradict each other"));
}

TEST(MethodRulesTest, AVerbThatWritesIsOfNoMethodThatOnlyReads) {
  EXPECT_THAT(Of(R"(idempotency_level: NO_SIDE_EFFECTS
                    [fiscal.method.v1.method] {
                      verb: VERB_WRITE_CATALOG read_only: true kind: CALL_KIND_WRITE
                      scopes { division: "filter.division_code"
                               own_level: "filter.own_level" } })"),
              ElementsAre("a.S.M: it writes and is read_only"));
}

TEST(MethodRulesTest, APathLeadsToAFieldOfItsKind) {
  EXPECT_THAT(Of(Good(R"(scopes { agency: "filter.agency_code" })")),
              ElementsAre("a.S.M: the request has no filter.agency_code"));
  EXPECT_THAT(Of(Good(R"(scopes { division: "division_code" })")),
              ElementsAre("a.S.M: the request has no division_code"));
  EXPECT_THAT(Of(Good(R"(scopes { division: "certify.division_code" })")),
              ElementsAre("a.S.M: the request has no certify.division_code"));
  EXPECT_THAT(Of(Good(R"(scopes { agency: "filter.division_code" })")),
              ElementsAre("a.S.M: filter.division_code is no agency"));
  EXPECT_THAT(Of(Good("scopes {}")), ElementsAre("a.S.M: a scope names nothing"));
}

TEST(MethodRulesTest, WhatARequestIsAboutIsInAScope) {
  EXPECT_THAT(Of(R"(idempotency_level: NO_SIDE_EFFECTS
                    [fiscal.method.v1.method] {
                      verb: VERB_LIST read_only: true kind: CALL_KIND_POINT_READ
                      scopes { division: "filter.division_code" } })"),
              ElementsAre("a.S.M: filter.own_level is in no scope"));
}

TEST(MethodRulesTest, AFurtherVerbDependsOnABoolOrAnEnum) {
  EXPECT_THAT(Of(Good(R"(further_verbs { field: "certify" })")),
              ElementsAre("a.S.M: a further verb, by certify, is none"));
  EXPECT_THAT(Of(Good(R"(further_verbs { field: "other" verb: VERB_LIST })")),
              ElementsAre("a.S.M: the request has no other"));
  EXPECT_THAT(Of(Good(R"(further_verbs { field: "by" verb: VERB_LIST })")),
              ElementsAre("a.S.M: by is no bool, text or enum with values"));
  EXPECT_THAT(Of(Good(R"(further_verbs { field: "filter" values: "E1" verb: VERB_LIST })")),
              ElementsAre("a.S.M: filter is no bool, text or enum with values"));
  EXPECT_THAT(Of(Good(R"(further_verbs { field: "by" values: "E2" verb: VERB_LIST })")),
              ElementsAre("a.S.M: a.E has no E2"));
}

}  // namespace
}  // namespace fiscal::testing
