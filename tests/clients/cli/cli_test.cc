#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/time_text.h"
#include "clients/cli/commands/certificate.h"
#include "clients/cli/print/json.h"
#include "clients/cli/print/progress.h"
#include "clients/cli/print/text.h"
#include "clients/cli/read/csv.h"
#include "clients/cli/read/names.h"
#include "clients/cli/read/nearest.h"
#include "gtest/gtest.h"

namespace fiscal::cli {
namespace {

namespace b = fiscal::budget::v1;
namespace c = fiscal::catalog::v1;

TEST(TextTest, WidthsAreThoseOfATerminal) {
  EXPECT_EQ(DisplayWidth("208 支出"), 8);
  EXPECT_EQ(DisplayWidth(""), 0);
  EXPECT_EQ(DisplayWidth("a1.-"), 4);
  EXPECT_EQ(DisplayWidth("吕梁（市）"), 10);
  EXPECT_EQ(DisplayWidth("　"), 2);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1);
  EXPECT_EQ(DisplayWidth("\u200b"), 0);
  EXPECT_EQ(DisplayWidth("𠀀"), 2);
  EXPECT_EQ(DisplayWidth("\xff\xfe"), 2);
}

TEST(TextTest, AmountsAreExactAndRoundHalfAwayFromZero) {
  EXPECT_EQ(FormatAmount(880870000, Unit::kWanyuan), "880.87");
  EXPECT_EQ(FormatAmount(5000, Unit::kWanyuan), "0.01");
  EXPECT_EQ(FormatAmount(4999, Unit::kWanyuan), "0.00");
  EXPECT_EQ(FormatAmount(-5000, Unit::kWanyuan), "-0.01");
  EXPECT_EQ(FormatAmount(-4999, Unit::kWanyuan), "0.00");
  EXPECT_EQ(FormatAmount(1234567890123, Unit::kYuan), "12,345,678,901.23");
  EXPECT_EQ(FormatAmount(INT64_MIN, Unit::kFen), "-9,223,372,036,854,775,808");
  EXPECT_EQ(FormatAmount(INT64_MIN, Unit::kYuan, false), "-92233720368547758.08");
  EXPECT_EQ(FormatYuan(29880000), "298800.00");
  EXPECT_EQ(FormatExact(880870000, Unit::kWanyuan), "880.87");
  EXPECT_EQ(FormatExact(12345, Unit::kWanyuan), "0.012345");
  EXPECT_EQ(FormatExact(-4999, Unit::kWanyuan), "-0.004999");
  EXPECT_EQ(FormatExact(1234500, Unit::kWanyuan), "1.2345");
  EXPECT_EQ(FormatExact(0, Unit::kWanyuan), "0.00");
  EXPECT_EQ(FormatExact(INT64_MIN, Unit::kWanyuan), "-9223372036854.775808");
  EXPECT_EQ(FormatExact(1234567890123, Unit::kYuan), "12345678901.23");
  EXPECT_EQ(FormatExact(-1234, Unit::kFen), "-1234");
}

TEST(TextTest, PercentagesAreExact) {
  EXPECT_EQ(FormatPercent(1290), "12.90%");
  EXPECT_EQ(FormatPercent(0), "0.00%");
  EXPECT_EQ(FormatPercent(-5), "-0.05%");
  EXPECT_EQ(FormatPercent(123456), "1234.56%");
}

TEST(TextTest, TablesAlignAndCsvIsSafe) {
  Table table({false, true});
  table.Row({"名称", "金额"});
  table.Row({"吕梁", "1.00"});
  table.Row({"=cmd()", "-12.50"});
  table.Row({"a,\"b\"", "3"});
  std::stringstream text, csv;
  table.Print(text);
  table.PrintCsv(csv);
  EXPECT_EQ(text.str(), "名称      金额\n吕梁      1.00\n=cmd()  -12.50\na,\"b\"        3\n");
  EXPECT_EQ(csv.str(),
            "\xef\xbb\xbf名称,金额\r\n吕梁,1.00\r\n'=cmd(),-12.50\r\n\"a,\"\"b\"\"\",3\r\n");
}

template <typename Enum>
void ExpectReadBack(const google::protobuf::EnumDescriptor* values,
                    std::optional<Enum> (*parse)(const std::string&)) {
  EXPECT_EQ(ChineseName(static_cast<Enum>(0)), "");
  for (int i = 1; i < values->value_count(); ++i) {
    const Enum value = static_cast<Enum>(values->value(i)->number());
    const std::string name = ChineseName(value);
    EXPECT_GT(name.size(), 2u) << values->value(i)->name();
    EXPECT_EQ(parse(name), value) << name;
  }
  // A later server's: read back by nobody as something else.
  EXPECT_EQ(ChineseName(static_cast<Enum>(99)), "99");
  EXPECT_EQ(parse("99"), std::nullopt);
}

TEST(NamesTest, ChineseNamesAreReadBack) {
  ExpectReadBack(b::Stage_descriptor(), &ParseStage);
  ExpectReadBack(b::Direction_descriptor(), &ParseDirection);
  ExpectReadBack(b::Fund_descriptor(), &ParseFund);
  ExpectReadBack(b::Category_descriptor(), &ParseCategory);
  ExpectReadBack(b::FundingYear_descriptor(), &ParseFundingYear);
  ExpectReadBack(b::Analysis_descriptor(), &ParseAnalysis);
  ExpectReadBack(b::ProcurementKind_descriptor(), &ParseProcurementKind);
  ExpectReadBack(b::Scope_descriptor(), &ParseScope);
  ExpectReadBack(b::IndicatorPeriod_descriptor(), &ParseIndicatorPeriod);
  EXPECT_EQ(ChineseName(b::FUND_GENERAL), "一般公共预算");
  EXPECT_EQ(ChineseName(b::STAGE_APPROVED), "年初批复");
}

TEST(JsonTest, AnAnswerIsOneLineInTheOrderItWasMade) {
  EXPECT_EQ(OneLine("a\"b\\\n\x01 吕"), "\"a\\\"b\\\\\\n\\u0001 吕\"");
  EXPECT_EQ(OneLine("\xff"), "\"\ufffd\"");
  Json object = {{"z", "1"}};
  AddAmount("amount", INT64_MIN, &object);
  AddIfAny("none", "", &object);
  AddIfAny("zero", 0, &object);
  AddIfAny("revision", 7, &object);
  object["ok"] = true;
  object["codes"] = JsonList(std::vector<std::string>{"b", "a"});
  EXPECT_EQ(OneLine(object),
            "{\"z\":\"1\",\"amount_fen\":\"-9223372036854775808\","
            "\"amount_yuan\":\"-92233720368547758.08\",\"revision\":7,\"ok\":true,"
            "\"codes\":[\"b\",\"a\"]}");
  EXPECT_EQ(OneLine(JsonList(std::vector<std::string>())), "[]");
}

TEST(JsonTest, AMessageHasItsOwnNames) {
  budget::v1::BudgetKey key;
  key.set_division_code("141100");
  EXPECT_EQ(OneLine(FieldsOf(key, /*every_field=*/false)), "{\"division_code\":\"141100\"}");
  EXPECT_EQ(MessageLine(key, /*every_field=*/true),
            "{\"division_code\":\"141100\",\"agency_code\":\"\",\"fiscal_year\":0,"
            "\"stage\":\"STAGE_UNSPECIFIED\"}");
}

TEST(JsonTest, YamlSaysTheSameAndKeepsTextsTexts) {
  const Json object = {{"code", "0123"},
                       {"none", ""},
                       {"ok", true},
                       {"count", 7},
                       {"list", {"是", "no"}},
                       {"empty", Json::array()},
                       {"group", {{{"code", "a\"b\n"}}}},
                       {"nothing", nullptr}};
  std::stringstream yaml;
  PrintYaml(object, yaml);
  EXPECT_EQ(yaml.str(),
            "---\ncode: \"0123\"\nnone: \"\"\nok: true\ncount: 7\nlist:\n  - \"是\"\n  - \"no\"\n"
            "empty: []\ngroup:\n  - code: \"a\\\"b\\n\"\nnothing: ~\n");
}

TEST(ProgressTest, IsSaidOnATerminalOnceASecondHasPassed) {
  absl::Time now = absl::UnixEpoch();
  auto said = [&now](bool terminal) {
    std::stringstream out;
    {
      Progress progress("lines", terminal, out, [&now] { return now; });
      progress.Count(1);
      now += absl::Seconds(2);
      progress.Count(2);
      now += absl::Milliseconds(100);
      progress.Count(3);
      now += absl::Seconds(1);
      progress.Count(4);
    }
    return out.str();
  };
  EXPECT_EQ(said(true), "\rlines: 2 (2 s)\rlines: 4 (3 s)\n");
  EXPECT_EQ(said(false), "");
}

TEST(NearestTest, OneMistakeOrTwo) {
  EXPECT_EQ(EditDistance("totals", "totals"), 0u);
  EXPECT_EQ(EditDistance("totlas", "totals"), 1u);
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  const std::vector<std::string> words = {"totals", "tables", "submit", "--division"};
  EXPECT_EQ(Nearest("totls", words), "totals");
  EXPECT_EQ(Nearest("SUBMIT", words), "submit");
  EXPECT_EQ(Nearest("--divison", words), "--division");
  EXPECT_EQ(Nearest("sub", words), "submit");
  EXPECT_EQ(Nearest("t", words), "");
  EXPECT_EQ(Nearest("quarantine", words), "");
  EXPECT_EQ(Nearest(std::string(100000, 'x'), words), "");
  EXPECT_EQ(DidYouMean("tabels", words), "; did you mean tables?");
  EXPECT_EQ(DidYouMean("xyz", words), "");
}

TEST(CertificateTest, OnlyTheSignatureOfTheKeyAskedHolds) {
  auto generate = [] { return EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"); };
  auto pem = [](EVP_PKEY* key) {
    BIO* bio = BIO_new(BIO_s_mem());
    EXPECT_EQ(PEM_write_bio_PUBKEY(bio, key), 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    const std::string text(data, static_cast<size_t>(size));
    BIO_free(bio);
    return text;
  };
  EVP_PKEY* key = generate();
  EVP_PKEY* other = generate();
  federation::v1::Certificate certificate;
  certificate.set_upstream("lvliang");
  certificate.set_position("42");
  certificate.set_public_key_pem(pem(key));
  const std::string text = certificate.SerializeAsString();
  unsigned char signature[64];
  size_t size = sizeof(signature);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ASSERT_EQ(EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key), 1);
  ASSERT_EQ(EVP_DigestSign(context, signature, &size,
                           reinterpret_cast<const unsigned char*>(text.data()), text.size()),
            1);
  EXPECT_EQ(CheckSignature(certificate, pem(key)).code(), absl::StatusCode::kUnauthenticated);
  certificate.set_signature(signature, size);
  EXPECT_TRUE(CheckSignature(certificate, pem(key)).ok());
  EXPECT_EQ(CheckSignature(certificate, pem(other)).code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(CheckSignature(certificate, "x").code(), absl::StatusCode::kInvalidArgument);
  certificate.set_position("43");
  EXPECT_EQ(CheckSignature(certificate, pem(key)).code(), absl::StatusCode::kUnauthenticated);
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(other);
  EVP_PKEY_free(key);
}

TEST(NamesTest, PeopleTypeManyThings) {
  EXPECT_EQ(ParseStage("Approved"), b::STAGE_APPROVED);
  EXPECT_EQ(ParseStage("年初批复"), b::STAGE_APPROVED);
  EXPECT_EQ(ParseStage("STAGE_FINAL"), b::STAGE_FINAL);
  EXPECT_EQ(ParseStage("unspecified"), std::nullopt);
  EXPECT_EQ(ParseStage("x"), std::nullopt);
  EXPECT_EQ(ParseFund("g"), b::FUND_GENERAL);
  EXPECT_EQ(ParseFund("一般公共预算"), b::FUND_GENERAL);
  EXPECT_EQ(ParseFund("government-fund"), b::FUND_GOVERNMENT_FUND);
  EXPECT_EQ(ParseFund("unit-business"), b::FUND_UNIT_BUSINESS);
  EXPECT_EQ(ParseCategory("specific-target"), b::CATEGORY_SPECIFIC_TARGET);
  EXPECT_EQ(ParseFundingYear("this-year"), b::FUNDING_YEAR_THIS_YEAR);
  EXPECT_EQ(ParseDimension("dept-economic"), aggregation::v1::DIMENSION_DEPT_ECONOMIC);
  EXPECT_EQ(ParseList("gov-economic"), c::CATALOG_LIST_GOV_ECONOMIC);
  EXPECT_EQ(ParseAgencyKind("事业"), c::AGENCY_KIND_INSTITUTION);
}

TEST(NamesTest, ABareDateIsTheEndOfItsDayInShanghai) {
  EXPECT_EQ(absl::ToUnixSeconds(*ParseTimeOrDate("2024-03-01")),
            1709308799);  // 23:59:59.999999 +08:00
  EXPECT_EQ(absl::ToUnixSeconds(*ParseTimeOrDate("2024-03-01T00:00:00Z")), 1709251200);
  EXPECT_EQ(absl::ToUnixSeconds(*ParseTimeOrDate("2024-03-01T08:00:00+08:00")), 1709251200);
  EXPECT_EQ(ParseTimeOrDate("2024-03-01T00:00:00"), std::nullopt);  // no zone
  EXPECT_EQ(ParseTimeOrDate("2024-13-01"), std::nullopt);
  EXPECT_EQ(ParseTimeOrDate("2024- 3-01"), std::nullopt);
  EXPECT_EQ(ParseTimeOrDate("infinite-future"), std::nullopt);
}

TEST(CsvTest, ListsAreReadOrRefusedByLineAndColumn) {
  auto read = [](const std::string& text, c::CatalogList list) {
    const auto entries = ReadEntries(text, list);
    return entries.ok()
               ? absl::StrCat(entries->size(), " entries, first ", (*entries)[0].ShortDebugString())
               : std::string(entries.status().message());
  };
  EXPECT_EQ(read("\xef\xbb\xbf"
                 "code,name,parent,confidence\r\n208,\"社会, 保障\",,x\r\n",
                 c::CATALOG_LIST_FUNCTIONAL)
                .substr(0, 9),
            "1 entries");
  EXPECT_EQ(read("code,name\n208,a\n", c::CATALOG_LIST_FUNCTIONAL),
            "line 1: column parent_code is missing");
  EXPECT_EQ(read("code,name,parent\n208,a,\n210,b\n", c::CATALOG_LIST_FUNCTIONAL),
            "line 3: 2 cells, the heading has 3");
  EXPECT_EQ(read("code,name,parent\n,a,\n", c::CATALOG_LIST_FUNCTIONAL),
            "line 2, column code: is empty");
  EXPECT_EQ(read("code,name,department_code,kind\n1,a,1,何\n", c::CATALOG_LIST_AGENCY),
            "line 2, column kind: \"何\" is not 行政, 参公 or 事业");
  EXPECT_EQ(read("code,name,department_code,must_report\n1,a,1,maybe\n", c::CATALOG_LIST_AGENCY),
            "line 2, column must_report: \"maybe\" is neither true nor false");
  EXPECT_EQ(read("code,name,parent\n\"208,a,\n", c::CATALOG_LIST_FUNCTIONAL),
            "line 2: a quote is not closed");
  EXPECT_EQ(read("code,name,parent\n", c::CATALOG_LIST_FUNCTIONAL), "the list has no entries");
}

}  // namespace
}  // namespace fiscal::cli
