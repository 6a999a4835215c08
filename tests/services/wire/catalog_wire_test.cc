// An import is the same request in whatever order a runtime writes its fields.
#include "services/wire/catalog_wire.h"

#include <string>

#include "fiscal/catalog/v1/catalog_service.pb.h"
#include "gtest/gtest.h"

namespace fiscal::services::wire {
namespace {

namespace pb = fiscal::catalog::v1;

pb::ImportCatalogRequest Request() {
  pb::ImportCatalogRequest request;
  request.set_request_id("r1");
  request.set_division_code("141100");
  request.set_fiscal_year(2024);
  request.set_list(pb::CATALOG_LIST_FUNCTIONAL);
  for (const char* code : {"205", "20502"}) {
    pb::CatalogEntry* entry = request.add_entries();
    entry->set_code(code);
    entry->set_name("name");
  }
  return request;
}

domain::CatalogImport Read(const std::string& bytes) {
  pb::ImportCatalogRequest request;
  EXPECT_TRUE(request.ParseFromString(bytes));
  return ToImport(request, bytes, "test");
}

// The field alone, as bytes.
std::string Only(const pb::ImportCatalogRequest& request, int number) {
  pb::ImportCatalogRequest one = request;
  const auto* descriptor = pb::ImportCatalogRequest::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    if (field->number() != number) one.GetReflection()->ClearField(&one, field);
  }
  return one.SerializeAsString();
}

TEST(CatalogWireTest, ABodyIsItsContent) {
  const pb::ImportCatalogRequest request = Request();
  const domain::CatalogImport first = Read(request.SerializeAsString());
  EXPECT_TRUE(first.violations.empty());
  EXPECT_EQ(first.event.entries.size(), 2u);
  EXPECT_EQ(first.body, first.sent) << "bytes as this runtime writes them keep the digest they had";

  std::string turned;
  for (int number = 5; number >= 1; --number) turned += Only(request, number);
  const domain::CatalogImport again = Read(turned);
  EXPECT_EQ(again.body, first.body);
  EXPECT_NE(again.sent, first.sent);

  pb::ImportCatalogRequest other = request;
  other.mutable_entries(1)->set_name("another name");
  EXPECT_NE(Read(other.SerializeAsString()).body, first.body);
  other = request;
  other.mutable_entries()->SwapElements(0, 1);
  EXPECT_NE(Read(other.SerializeAsString()).body, first.body);
}

}  // namespace
}  // namespace fiscal::services::wire
