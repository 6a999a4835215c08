// Line items read from their bytes mean what protobuf says they mean, in whatever order and with
// whatever repeats they come.
#include "services/wire/line_reader.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "fiscal/submission/v1/submission_service.pb.h"
#include "google/protobuf/stubs/logging.h"
#include "gtest/gtest.h"
#include "services/wire/submission_wire.h"
#include "storage/line_blocks.h"

namespace fiscal::services::wire {
namespace {

namespace pb = fiscal::budget::v1;

pb::LineItem RandomItem(std::mt19937_64& random) {
  pb::LineItem item;
  auto sometimes = [&](unsigned of) { return random() % of == 0; };
  if (!sometimes(20)) item.set_line_id(absl::StrCat(sometimes(5) ? "行" : "L", random() % 1000));
  if (!sometimes(10)) item.set_direction(static_cast<pb::Direction>(random() % 3));
  if (!sometimes(5)) item.set_functional_code(absl::StrCat(2080500 + random() % 4));
  if (sometimes(8)) item.set_revenue_code("1030102");
  if (sometimes(2)) item.set_dept_economic_code(absl::StrCat(30100 + random() % 4));
  if (sometimes(2)) item.set_gov_economic_code("50101");
  if (sometimes(2)) item.set_fund(static_cast<pb::Fund>(random() % 11));
  if (sometimes(2)) item.set_category(static_cast<pb::Category>(random() % 7));
  if (sometimes(3)) item.set_funding_year(pb::FUNDING_YEAR_CARRYOVER);
  if (sometimes(3)) item.set_project_code(absl::StrCat("项目", random() % 3));
  item.set_amount_fen(sometimes(10) ? 0 : static_cast<int64_t>(random() >> (random() % 64)));
  if (sometimes(5)) item.set_precision_fen(sometimes(2) ? 10000 : 1);
  if (sometimes(5)) item.set_analysis(pb::ANALYSIS_THREE_PUBLIC);
  if (sometimes(6)) item.set_procurement_kind(pb::PROCUREMENT_KIND_WORKS);
  if (sometimes(7)) item.set_receiving_division_code(sometimes(2) ? "141121" : "141121000");
  if (sometimes(4)) item.set_note(absl::StrCat("备注", random() % 3));
  return item;
}

// The same message with its fields in another order, and some of them said twice: protobuf takes
// the last.
std::string Shuffled(const pb::LineItem& item, std::mt19937_64& random) {
  std::vector<std::string> fields;
  const auto* descriptor = pb::LineItem::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    pb::LineItem one = item;
    for (int k = 0; k < descriptor->field_count(); ++k) {
      if (k != i) one.GetReflection()->ClearField(&one, descriptor->field(k));
    }
    fields.push_back(one.SerializeAsString());
  }
  std::shuffle(fields.begin(), fields.end(), random);
  std::string bytes;
  for (const std::string& f : fields) bytes += random() % 6 == 0 ? f + f : f;
  return bytes;
}

void ExpectSame(const domain::Line& line, const pb::LineItem& item) {
  EXPECT_EQ(line.line_id, item.line_id());
  EXPECT_EQ(static_cast<int>(line.attributes.direction), item.direction());
  EXPECT_EQ(domain::FormatCode(line.functional), item.functional_code());
  EXPECT_EQ(domain::FormatCode(line.revenue), item.revenue_code());
  EXPECT_EQ(domain::FormatCode(line.dept_economic), item.dept_economic_code());
  EXPECT_EQ(domain::FormatCode(line.gov_economic), item.gov_economic_code());
  EXPECT_EQ(static_cast<int>(line.attributes.fund), item.fund());
  EXPECT_EQ(static_cast<int>(line.attributes.category), item.category());
  EXPECT_EQ(static_cast<int>(line.attributes.funding_year), item.funding_year());
  EXPECT_EQ(line.project_code, item.project_code());
  EXPECT_EQ(line.amount_fen, item.amount_fen());
  EXPECT_EQ(domain::kPrecisionFen[line.precision_class],
            std::max<int64_t>(1, item.precision_fen()));
  EXPECT_EQ(static_cast<int>(line.attributes.analysis), item.analysis());
  EXPECT_EQ(static_cast<int>(line.attributes.procurement), item.procurement_kind());
  EXPECT_EQ(domain::FormatCode(line.receiving_division),
            item.receiving_division_code().substr(0, 6));
  EXPECT_EQ(line.note, item.note());
}

TEST(LineReaderTest, ReadsWhatProtobufReads) {
  std::mt19937_64 random(31);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::string> bytes;
    for (int i = 0; i < 400; ++i) {
      const pb::LineItem item = RandomItem(random);
      bytes.push_back(random() % 3 == 0 ? Shuffled(item, random) : item.SerializeAsString());
    }
    domain::Submission s;
    LineReader reader(&s, bytes.size());
    for (const std::string& b : bytes) ASSERT_TRUE(reader.Read(b));
    ASSERT_EQ(s.lines.lines.size(), bytes.size());
    EXPECT_TRUE(s.violations.empty());
    EXPECT_TRUE(s.lines.distinct);
    // Known numbers or none: the bytes are the same.
    std::map<absl::string_view, domain::Line> by_id;
    for (const domain::Line& line : s.lines.lines) by_id.emplace(line.line_id, line);
    domain::LineSet ordered;
    ordered.NumberAs(s.lines);
    for (const auto& [id, line] : by_id) ordered.lines.push_back(line);
    const std::string numbered = storage::EncodeBlocks(ordered).bytes;
    ordered.NumberAs({});
    EXPECT_EQ(numbered, storage::EncodeBlocks(ordered).bytes);
    for (size_t i = 0; i < bytes.size(); ++i) {
      pb::LineItem item;
      ASSERT_TRUE(item.ParseFromString(bytes[i]));
      ExpectSame(s.lines.lines[i], item);
      // Lines have one number when they differ in id, amount and note only.
      for (size_t k = 0; k < i && k < 30; ++k) {
        domain::Line a = s.lines.lines[i];
        const domain::Line& b = s.lines.lines[k];
        a.line_id = b.line_id, a.amount_fen = b.amount_fen, a.note = b.note;
        EXPECT_EQ(a == b, a.combination == b.combination);
      }
    }
  }
}

// Nothing is no 0.
TEST(LineReaderTest, AnAmountThatIsMissingIsSaid) {
  pb::LineItem item;
  item.set_line_id("1");
  const auto wrong = [](const pb::LineItem& of) {
    domain::Submission s;
    LineReader reader(&s, 1);
    EXPECT_TRUE(reader.Read(of.SerializeAsString()));
    return s.violations.empty() ? ""
                                : absl::StrCat(domain::InfoOf(s.violations[0].reason).id, " ",
                                               s.violations[0].field, " ", s.violations[0].line_id);
  };
  EXPECT_EQ(wrong(item), "REQUIRED_FIELD_MISSING line_items[0].amount_fen 1");
  item.set_amount_fen(0);
  EXPECT_EQ(wrong(item), "");
}

// Values of the enumerations are without gaps: a comparison finds those that are none.
TEST(LineReaderTest, EnumeratorsAreCountedThrough) {
  for (int value = -1; value <= 20; ++value) {
    EXPECT_EQ(pb::Direction_IsValid(value), value >= 0 && value <= pb::Direction_MAX);
    EXPECT_EQ(pb::Fund_IsValid(value), value >= 0 && value <= pb::Fund_MAX);
    EXPECT_EQ(pb::Category_IsValid(value), value >= 0 && value <= pb::Category_MAX);
    EXPECT_EQ(pb::FundingYear_IsValid(value), value >= 0 && value <= pb::FundingYear_MAX);
    EXPECT_EQ(pb::Analysis_IsValid(value), value >= 0 && value <= pb::Analysis_MAX);
    EXPECT_EQ(pb::ProcurementKind_IsValid(value), value >= 0 && value <= pb::ProcurementKind_MAX);
  }
}

// Damaged bytes: refused when protobuf refuses them; otherwise read as it reads them, or answered
// as a field nobody knows.
TEST(LineReaderTest, DamagedItems) {
  google::protobuf::LogSilencer silent;  // it says of every refusal why
  std::mt19937_64 random(32);
  int refused = 0, read = 0;
  for (int i = 0; i < 100000; ++i) {
    std::string bytes = RandomItem(random).SerializeAsString();
    if (bytes.empty()) continue;
    for (uint64_t n = 1 + random() % 2; n > 0; --n)
      bytes[random() % bytes.size()] ^= static_cast<char>(1 << (random() % 8));
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    domain::Submission s;
    LineReader reader(&s, 1);
    const bool ok = reader.Read(bytes);
    pb::LineItem item;
    const bool parses = item.ParseFromString(bytes);
    if (!ok) {
      // Groups, which protobuf would keep as unknown fields, are not taken at all.
      EXPECT_TRUE(!parses || !item.GetReflection()->GetUnknownFields(item).empty());
      ++refused;
      continue;
    }
    EXPECT_TRUE(parses) << absl::BytesToHexString(bytes);
    if (!s.violations.empty()) continue;
    ++read;
    ExpectSame(s.lines.lines[0], item);
  }
  EXPECT_GT(refused, 10000);
  EXPECT_GT(read, 10000);
}

// A request cut into line items and the rest is the request, in pieces too.
TEST(ReadSubmitTest, EnvelopeAndItems) {
  std::mt19937_64 random(33);
  submission::v1::SubmitBudgetRequest request;
  request.set_request_id("r");
  request.mutable_budget()->set_agency_code("101001");
  request.set_note("注");
  request.add_projects()->set_project_code("P");
  for (int i = 0; i < 20; ++i) *request.add_line_items() = RandomItem(random);
  submission::v1::StreamBudgetsRequest frame;
  *frame.mutable_budget() = request;
  frame.set_more(true);
  // Protobuf merges a field that comes twice.
  submission::v1::StreamBudgetsRequest second;
  *second.mutable_budget()->add_line_items() = RandomItem(random);
  second.mutable_budget()->set_certify(true);
  const std::string bytes = frame.SerializeAsString() + second.SerializeAsString();
  google::protobuf::Arena arena;
  BoundedFields counted;
  const auto raw = ReadFrame(bytes, &counted, &arena);
  ASSERT_TRUE(raw.ok());
  submission::v1::StreamBudgetsRequest whole;
  ASSERT_TRUE(whole.ParseFromString(bytes));
  EXPECT_EQ(ReadFrameHead(bytes).more, whole.more());
  EXPECT_EQ(ReadFrameHead(bytes).request_id, "r");
  ASSERT_EQ(raw->line_items.size(), 21u);
  for (size_t i = 0; i < 21; ++i)
    EXPECT_EQ(raw->line_items[i],
              whole.budget().line_items(static_cast<int>(i)).SerializeAsString());
  whole.mutable_budget()->clear_line_items();
  EXPECT_EQ(raw->envelope->SerializeAsString(), whole.budget().SerializeAsString());
  EXPECT_FALSE(ReadFrame(bytes.substr(0, bytes.size() - 1), &counted, &arena).ok());
}

}  // namespace
}  // namespace fiscal::services::wire
