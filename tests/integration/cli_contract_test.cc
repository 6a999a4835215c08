// The contract of the commands: what scripts of other systems rely on. Runs the program `fiscal`
// against a server in this process.
#include "tests/integration/cli_contract.h"

#include <iconv.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"
#include "gtest/gtest.h"
#include "tests/clients/sheets/workbooks.h"

namespace fiscal::testing {
namespace {

TEST_F(CliContractTest, ImportThenTotals) {
  const Ran dry = Fiscal(absl::StrCat("import ", kReference, " --dry-run -o json"));
  EXPECT_EQ(dry.code, 0);
  EXPECT_EQ(Field(Json(dry.out), "position"), "");
  const Ran first = Fiscal(absl::StrCat("import ", kReference, " -o json"));
  ASSERT_EQ(first.code, 0);
  EXPECT_EQ(std::count(first.out.begin(), first.out.end(), '\n'), 1) << first.out;
  const auto receipt = Json(first.out);
  EXPECT_EQ(Field(receipt, "result"), "RESULT_CREATED");
  EXPECT_EQ(Field(receipt, "revision"), "1");
  EXPECT_EQ(Field(receipt, "line_count"), "16");
  EXPECT_EQ(Field(receipt, "memo_line_count"), "33");
  EXPECT_EQ(Field(receipt, "project_count"), "9");
  EXPECT_TRUE(receipt.fields().at("findings").has_list_value());
  EXPECT_EQ(Field(Json(Fiscal(absl::StrCat("import ", kReference, " -o json")).out), "result"),
            "RESULT_UNCHANGED");

  const std::string text = ReadFile(kReference);
  const std::string one = Write(
      "one.txt", absl::StrReplaceAll(
                     text, {{"知识产权保护经费\t0.30\t0.30", "知识产权保护经费\t1.30\t1.30"}}));
  const Ran refused = Fiscal("import " + one + " -o json");
  EXPECT_EQ(refused.code, 3);
  EXPECT_TRUE(absl::StrContains(refused.out, "T12-02")) << refused.out;
  EXPECT_EQ(Fiscal("import " + Write("empty.txt", "nothing\n")).code, 3);

  const std::string base =
      "totals --division 141100 --year 2024 --department 031 -o json --at-least " +
      Field(receipt, "position");
  const Ran totals = Fiscal(base + " --by functional --depth 3");
  ASSERT_EQ(totals.code, 0);
  EXPECT_EQ(std::count(totals.out.begin(), totals.out.end(), '\n'), 1);
  const auto answer = Json(totals.out);
  EXPECT_EQ(Field(answer.fields().at("grand_total").struct_value(), "amount_fen"), "880870000");
  bool found = false;
  for (const auto& row : answer.fields().at("totals").list_value().values()) {
    const auto& r = row.struct_value();
    if (Code(row) != "2080505") continue;
    found = true;
    const auto& group = r.fields().at("group").list_value().values(0).struct_value();
    EXPECT_EQ(Field(group, "dimension"), "DIMENSION_FUNCTIONAL");
    EXPECT_EQ(Field(group, "level"), "3");
    EXPECT_EQ(Field(r, "amount_fen"), "29880000");
    EXPECT_EQ(Field(r, "precision_fen"), "10000");
    EXPECT_EQ(Field(r, "line_count"), "1");
    EXPECT_EQ(Field(group, "name"), "机关事业单位基本养老保险缴费支出");
  }
  EXPECT_TRUE(found);
  const auto projects = Json(Fiscal(base + " --by project").out);
  EXPECT_EQ(Field(projects, "analysis"), "ANALYSIS_PROJECT");
  EXPECT_EQ(projects.fields().at("totals").list_value().values_size(), 9);
  EXPECT_EQ(Field(projects.fields().at("grand_total").struct_value(), "amount_fen"), "569710000");
  const auto t5 = Json(
      Fiscal(base + " --by functional,category --fund 一般公共 --funding-year this-year --depth 1")
          .out);
  EXPECT_EQ(t5.fields().at("totals").list_value().values_size(), 5);
  const auto none = Json(Fiscal(base + " --by functional --fund state-capital").out);
  EXPECT_EQ(none.fields().at("totals").list_value().values_size(), 0);
  EXPECT_EQ(Fiscal("admin verify").code, 0);
  EXPECT_EQ(Fiscal("admin scrub").code, 0);
  EXPECT_EQ(Fiscal("admin scrub --rate -1").code, 2);
  EXPECT_TRUE(absl::StrContains(Fiscal("totals --division 141100 --year 2024 --by fund -o csv").out,
                                "GENERAL,一般公共预算,8808700.00,8\r\n"));
}

TEST_F(CliContractTest, APositionIsTakenAsPrintedOrAsDigits) {
  const std::string position =
      Field(Json(Fiscal(absl::StrCat("import ", kReference, " -o json")).out), "position");
  const std::string digits = position.substr(0, position.find('-'));
  EXPECT_EQ(position.size(), digits.size() + 13) << position;
  const std::string totals = "totals --division 141100 --year 2024 -o json --position ";
  for (const std::string& given : {position, digits}) {
    const Ran ran = Fiscal(totals + given);
    ASSERT_EQ(ran.code, 0) << given;
    EXPECT_EQ(Field(Json(ran.out), "position"), position);
    EXPECT_EQ(Fiscal("log --after " + given).code, 0);
  }
  EXPECT_TRUE(absl::StrContains(Fiscal("log -o json").out, "\"position\":\"" + position + "\""));
  const std::string prove = absl::StrCat("log prove --tree-size ", digits, " -o json --position ");
  EXPECT_EQ(Fiscal(prove + position).out, Fiscal(prove + digits).out);
  std::string other = position;
  other.back() = other.back() == '0' ? '1' : '0';
  for (const std::string& command : {totals, std::string("log --after "), prove,
                                     std::string("admin quarantine --reason x --position ")}) {
    EXPECT_EQ(Fiscal(command + other).code, 3) << command;
    EXPECT_TRUE(absl::StrContains(said_, "POSITION_OF_OTHER_HISTORY")) << command;
  }
}

// Where it is right already; of the rest clock_test.cc tells.
TEST_F(CliContractTest, AClockThatIsRightNeedsNoAcceptance) {
  const Ran ran = Fiscal("admin clock accept");
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, "nothing to accept: writes are taken, and the clock is not behind the log\n");
  const auto answer = Json(Fiscal("admin clock accept --note why -o json").out);
  EXPECT_FALSE(answer.fields().at("created").bool_value());
  EXPECT_FALSE(Field(answer, "position").empty());
  EXPECT_EQ(Fiscal("admin clock accept --note " + std::string(501, 'x')).code, 3);
  EXPECT_EQ(Fiscal("admin clock").code, 2);
  EXPECT_TRUE(absl::StrContains(Fiscal("admin status").out, ", right\n"));
}

TEST_F(CliContractTest, TablesAreWhatTheDocumentPrints) {
  const auto receipt = Json(Fiscal(absl::StrCat("import ", kReference, " -o json")).out);
  const std::string base = "tables --division 141100 --year 2024 --department 031 --at-least " +
                           Field(receipt, "position");
  const Ran same = Fiscal(absl::StrCat(base, " --compare ", kReference));
  EXPECT_EQ(same.code, 0);
  EXPECT_EQ(same.out, "13 tables, 656 cells: all equal\n");
  // The same money on the other form: what both print.
  EXPECT_EQ(Fiscal(absl::StrCat(base, " --form shanghai-9 --compare ", kReference)).code, 0);
  const std::string other = Write(
      "other.txt", absl::StrReplaceAll(ReadFile(kReference),
                                       {{"办公费\t办公经费\t0.96", "办公费\t办公经费\t0.97"}}));
  const Ran differs = Fiscal(absl::StrCat(base, " -o json --compare ", other));
  EXPECT_EQ(differs.code, 3);
  const auto answer = Json(differs.out);
  EXPECT_EQ(Field(answer, "tables"), "13");
  ASSERT_EQ(answer.fields().at("differences").list_value().values_size(), 1);
  const auto& difference = answer.fields().at("differences").list_value().values(0).struct_value();
  EXPECT_EQ(Field(difference, "row"), "30201");
  EXPECT_EQ(Field(difference, "column"), "total");
  EXPECT_EQ(Field(difference, "ledger"), "0.96");
  EXPECT_EQ(Field(difference, "document"), "0.97");

  EXPECT_EQ(Fiscal(base + " -o xlsx").code, 2);
  EXPECT_EQ(Fiscal("totals --division 141100 --year 2024 -o xlsx").code, 2);
  EXPECT_EQ(Fiscal(base + " --agency 031001").code, 2);
  EXPECT_EQ(Fiscal(base + " --compare " + dir_.path() + "/none.txt").code, 2);
  EXPECT_EQ(Fiscal(base + " --form none").code, 3);
  const std::string book = dir_.path() + "/tables.xlsx", again = dir_.path() + "/again.xlsx";
  EXPECT_EQ(Fiscal(absl::StrCat(base, " -o xlsx --out ", book)).code, 0);
  EXPECT_EQ(Fiscal(absl::StrCat(base, " -o xlsx --out ", again)).code, 0);
  EXPECT_EQ(ReadFile(book).substr(0, 4), "PK\x03\x04");
  EXPECT_TRUE(ReadFile(book) == ReadFile(again));
  EXPECT_TRUE(absl::StrContains(Fiscal(base + " --table 3 -o csv").out,
                                "\r\n2080505,机关事业单位基本养老保险缴费支出,29.88,29.88,\r\n"));
  const auto tables = Json(Fiscal(base + " --table 3 -o json").out);
  EXPECT_EQ(Field(tables, "form"), "shanxi-13");
  EXPECT_EQ(tables.fields().at("tables").list_value().values_size(), 1);
}

TEST_F(CliContractTest, ExitCodes) {
  EXPECT_EQ(Fiscal("--help").code, 0);
  EXPECT_EQ(Fiscal("nonsense").code, 2);
  EXPECT_EQ(Fiscal("totals --division 141100").code, 2);
  EXPECT_EQ(Fiscal("totals --division 141100 --year 2024 --by colour").code, 2);
  EXPECT_EQ(Fiscal("totals --division 141100 --year 2024 --stage x").code, 2);
  EXPECT_EQ(Fiscal("totals --division 141100 --year 2024 --by fund --as-of yesterday").code, 2);
  EXPECT_EQ(Fiscal("totals --division 141100 --year 2024 --department 999 --by fund").code, 4);
  EXPECT_EQ(Fiscal("totals --division 149999 --year 2024 --by fund").code, 4);
  EXPECT_EQ(Fiscal("budgets --division 141100 --agency 031001 --year 2024").code, 4);
  EXPECT_EQ(Fiscal("totals --division 141100 --year 2024 --position 999999").code, 3);
  EXPECT_EQ(Fiscal("totals --division 141100 --year 2024 --position 9-zz").code, 3);
  EXPECT_EQ(
      Fiscal("totals --division 141100 --year 2024 --by fund --timeout 1", "127.0.0.1:1").code, 6);
  const std::string good =
      R"({"requestId": "one",
    "budget": {"divisionCode": "141100", "agencyCode": "031001", "fiscalYear": 2024,
               "stage": "STAGE_APPROVED"},
    "lineItems": [{"lineId": "a", "direction": "DIRECTION_EXPENDITURE",
                   "functionalCode": "2170101", "amountFen": "100"}]})";
  EXPECT_EQ(Fiscal("submit " + Write("good.json", good)).code, 0);
  EXPECT_EQ(Fiscal("submit " + Write("good.json", good)).code, 0);  // a retry
  EXPECT_EQ(
      Fiscal("submit " + Write("reused.json", absl::StrReplaceAll(good, {{"\"100\"", "\"200\""}})))
          .code,
      5);
  EXPECT_EQ(
      Fiscal("submit " + Write("negative.json", absl::StrReplaceAll(good, {{"\"one\"", "\"two\""},
                                                                           {"\"100\"", "\"-1\""}})))
          .code,
      3);
  EXPECT_EQ(Fiscal("submit " +
                   Write("stale.json",
                         absl::StrReplaceAll(
                             good, {{"\"one\"", "\"three\""},
                                    {"\"lineItems\"", "\"expectedRevision\": 9, \"lineItems\""}})))
                .code,
            5);
  EXPECT_EQ(Fiscal("submit " + Write("unknown.json",
                                     absl::StrReplaceAll(good, {{"\"lineId\"", "\"lineIdd\""}})))
                .code,
            3);
  // One bad line of a stream is answered and the rest goes on.
  std::string line = absl::StrReplaceAll(good, {{"\n", " "}});
  const std::string stream = absl::StrCat(
      absl::StrReplaceAll(line, {{"\"one\"", "\"s1\""}, {"\"100\"", "\"300\""}}), "\nnot json\n",
      absl::StrReplaceAll(line, {{"\"one\"", "\"s2\""}, {"\"100\"", "\"400\""}}), "\n");
  const Ran ran = Fiscal("submit " + Write("three.ndjson", stream));
  EXPECT_EQ(ran.code, 3);
  EXPECT_TRUE(absl::StrContains(ran.out, "\"revision\":\"2\"") &&
              absl::StrContains(ran.out, "\"revision\":\"3\""))
      << ran.out;
  EXPECT_TRUE(absl::StrContains(ran.out, "line 2")) << ran.out;
}

// What supervisors and those who read their logs rely on: one line, and an exit code that says not
// to start it again.
TEST_F(CliContractTest, AWrongConfigurationIsOneLineAndTwo) {
  const std::string data = dir_.path() + "/data";
  const std::string good = Write("good.yaml", absl::StrCat("role: all\nserver:\n  data_dir: ", data,
                                                           "\n  listen: \"[::1]:0\"\n"));
  const std::string unknown = Write(
      "unknown.yaml", absl::StrCat("server:\n  data_dir: ", data, "\n  listn: 127.0.0.1:1\n"));
  const std::string file = Write("file", "");
  std::string out;
  const auto serve = [this, &out](const std::string& arguments, const std::string& variables = "") {
    const Ran ran = RunShell(
        absl::StrCat("env ", variables, " ", FiscalProgram(), " serve ", arguments, " </dev/null"));
    out = ran.out;
    return absl::StrCat(ran.code, " ", absl::StrReplaceAll(ran.err, {{dir_.path(), ""}}));
  };
  const std::pair<std::string, std::string> cases[] = {
      {"--config " + unknown,
       "/unknown.yaml:3: server.listn: no such setting; did you mean listen?"},
      {"--config " + dir_.path() + "/none.yaml", "/none.yaml: No such file or directory"},
      {"--config ''", "--config: names no file"},
      {"--config " + good + " --listen 127.0.0.1:65536",
       "server.listen 127.0.0.1:65536: must be HOST:PORT with a port of 0 to 65535, an IPv6 "
       "address in brackets"},
      {"--config " + good + " --listen 0.0.0.0:0",
       "server.listen 0.0.0.0:0: without TLS only loopback is served; --insecure overrides"},
      {"--config " + good +
           " --set server.tls.certificate_file=/none.pem --set "
           "server.tls.key_file=/none.key",
       "server.tls.certificate_file /none.pem: No such file or directory"},
      {"--config " + good + " --data-dir " + file + "/data",
       "server.data_dir /file/data: /file is a file"},
      {"--config " + good + " --data-dir /proc/nowhere",
       "server.data_dir /proc/nowhere: No such file or directory"},
      {"--config " + good + " --log 127.0.0.1:1",
       "--log 127.0.0.1:1: not a setting of the role all"},
      {"--config " + good + " --role both", "--role both: must be all, submission or aggregation"},
      {"--config " + good + " --set server.insecure", "--set server.insecure: must be PATH=VALUE"},
      {"--listen 127.0.0.1:0",
       "server.data_dir is required: in the file, as FISCAL_SERVE_SERVER_DATA_DIR or as "
       "--data-dir"},
  };
  for (const auto& [arguments, error] : cases) {
    for (const std::string check : {"", " --check-config"}) {
      EXPECT_EQ(serve(arguments + check), absl::StrCat("2 fiscal serve: ", error, "\n"));
      EXPECT_EQ(out, "");
    }
  }
  EXPECT_EQ(serve("--config " + good, "FISCAL_SERVE_LISTEN=x"),
            "2 fiscal serve: FISCAL_SERVE_LISTEN: no such setting; did you mean "
            "FISCAL_SERVE_SERVER_LISTEN?\n");

  EXPECT_EQ(serve("--check-config --config " + good, "FISCAL_SERVE_ROLE=submission FISCAL_X=y"),
            "0 ");
  EXPECT_EQ(out,
            absl::StrCat("configuration is good: role submission, listening on [::1]:0, data in ",
                         data, "\n"));
  // The later of two flags counts; lists are joined; a switch may stand alone.
  EXPECT_EQ(serve("--print-config --config " + good +
                  " --set server.drain.seconds=7 --set server.listen=127.0.0.1:1 --listen "
                  "127.0.0.1:2 --set server.drain.seconds=8 --upstream a=h:1 --insecure "
                  "--upstream b=h:2,c=h:3"),
            "0 ");
  const std::string printed = out;
  EXPECT_TRUE(absl::StrContains(printed, "\n  listen: \"127.0.0.1:2\"  # default")) << printed;
  EXPECT_TRUE(absl::StrContains(printed, "\n    seconds: 8  # default 10\n")) << printed;
  EXPECT_TRUE(absl::StrContains(printed, "\n  insecure: true  # default false\n")) << printed;
  EXPECT_TRUE(absl::StrContains(printed, "    - name: c  # required\n      address: h:3"))
      << printed;
  // What is printed is a file that prints the same.
  const std::string again = Write("printed.yaml", printed);
  EXPECT_EQ(serve("--print-config --config " + again), "0 ");
  EXPECT_EQ(out, printed);
  // Nothing was made.
  EXPECT_FALSE(std::filesystem::exists(data));
}

TEST_F(CliContractTest, WatchTellsOneLineAMessageAndResumes) {
  EXPECT_EQ(Fiscal(std::string("import ") + kReference).code, 0);
  d_.AwaitTotals();
  const std::string watch =
      "watch --division 141100 --year 2024 --by functional --depth 3 --once -o json";
  const Ran first = Fiscal(watch);
  ASSERT_EQ(first.code, 0);
  const std::vector<std::string> lines = absl::StrSplit(absl::StripSuffix(first.out, "\n"), '\n');
  ASSERT_EQ(lines.size(), 2u) << first.out;
  const google::protobuf::Struct snapshot = Json(lines[0]);
  EXPECT_EQ(Field(snapshot, "event"), "WATCH_EVENT_SNAPSHOT");
  EXPECT_EQ(Field(Json(lines[1]), "event"), "WATCH_EVENT_CAUGHT_UP");
  std::map<std::string, std::string> amounts;
  const auto take = [&amounts](const google::protobuf::Struct& message) {
    for (const auto& change : message.fields().at("changes").list_value().values()) {
      const auto& total = change.struct_value().fields().at("total");
      amounts[Code(total)] = Field(total.struct_value(), "amount_fen");
    }
  };
  take(snapshot);
  EXPECT_EQ(amounts["208"], "29880000");
  EXPECT_EQ(amounts["2170199"], "420000000");
  d_.SubmitExamples();
  d_.AwaitTotals();
  const std::string token = Field(snapshot, "resume_token");
  const Ran later = Fiscal(watch + " --resume " + token);
  ASSERT_EQ(later.code, 0);
  for (const std::string& line :
       std::vector<std::string>(absl::StrSplit(absl::StripSuffix(later.out, "\n"), '\n'))) {
    const google::protobuf::Struct message = Json(line);
    EXPECT_NE(Field(message, "event"), "WATCH_EVENT_SNAPSHOT");
    take(message);
  }
  const google::protobuf::Struct totals =
      Json(Fiscal("totals --division 141100 --year 2024 --by functional --depth 3 --analysis "
                  "counted -o json")
               .out);
  for (const auto& row : totals.fields().at("totals").list_value().values())
    EXPECT_EQ(amounts[Code(row)], Field(row.struct_value(), "amount_fen"));
  // Another filter's token is refused.
  EXPECT_EQ(Fiscal("watch --division 141100 --year 2024 --once --resume " + token).code, 3);
  EXPECT_EQ(Fiscal("watch --division 141100 --year 2024 --once --resume nonsense").code, 3);
}

TEST_F(CliContractTest, ATotalIsExplainedAndTheMissingAreNamed) {
  d_.SubmitExamples();
  d_.AwaitTotals();
  const google::protobuf::Struct explained = Json(
      Fiscal("explain --division 141100 --year 2024 --functional 208 --depth lines -o json").out);
  int64_t sum = 0;
  for (const auto& part : explained.fields().at("contributions").list_value().values()) {
    EXPECT_EQ(Field(part.struct_value(), "kind"), "CONTRIBUTION_KIND_LINE_ITEM");
    int64_t amount = 0;
    ASSERT_TRUE(absl::SimpleAtoi(Field(part.struct_value(), "amount_fen"), &amount));
    sum += amount;
  }
  EXPECT_EQ(Field(explained.fields().at("total").struct_value(), "amount_fen"),
            std::to_string(sum));
  EXPECT_TRUE(absl::StrContains(
      Fiscal("explain --division 141100 --year 2024 --functional 208 --depth lines").out,
      "LINE_ITEM"));
  const google::protobuf::Struct coverage =
      Json(Fiscal("coverage --division 141100 --year 2024 --stage approved -o json").out);
  const auto& all = coverage.fields().at("coverage").struct_value();
  EXPECT_EQ(Field(all, "expected_count"), "6");
  EXPECT_EQ(Field(all, "received_count"), "5");
  const google::protobuf::Struct missing =
      Json(Fiscal("coverage --division 141100 --year 2024 --stage approved --missing -o json").out);
  const auto& agencies = missing.fields().at("agencies").list_value().values();
  ASSERT_EQ(agencies.size(), 1);
  EXPECT_EQ(Field(agencies[0].struct_value(), "agency_code"), "031001");
  EXPECT_EQ(Fiscal("reconcile --upstream nobody").code, 3);
  EXPECT_EQ(Fiscal("federation status -o json").code, 0);
  EXPECT_EQ(Fiscal("compare --division 141100 --year 2024 --with-position 12 -o json").code, 0);
}

TEST_F(CliContractTest, SpreadsheetsAreSubmitted) {
  const std::string example = "docs/examples/line_items.csv";
  const Ran first = Fiscal("submit " + example);
  ASSERT_EQ(first.code, 0) << said_;
  EXPECT_TRUE(absl::StrContains(first.out, "141100/101001/2024/REQUESTED  CREATED  revision 1"))
      << first.out;
  EXPECT_TRUE(absl::StrContains(first.out, "5 lines, 0 memo lines, 1 projects")) << first.out;
  // The same text in GB18030 states the same.
  std::string utf8 = ReadFile(example).substr(3);
  std::string gb(utf8.size(), '\0');
  char *in = utf8.data(), *out = gb.data();
  size_t left = utf8.size(), room = gb.size();
  const iconv_t converter = iconv_open("GB18030", "UTF-8");
  ASSERT_NE(iconv(converter, &in, &left, &out, &room), static_cast<size_t>(-1));
  iconv_close(converter);
  gb.resize(gb.size() - room);
  const Ran again = Fiscal("submit -o json " + Write("gb.CSV", gb));
  EXPECT_EQ(again.code, 0);
  const std::vector<std::string> lines = absl::StrSplit(absl::StripSuffix(again.out, "\n"), '\n');
  ASSERT_EQ(lines.size(), 2u) << again.out;
  EXPECT_EQ(Field(Json(lines[1]).fields().at("budget").struct_value(), "agency_code"), "101002");
  EXPECT_EQ(Field(Json(lines[1]), "index"), "1");
  EXPECT_EQ(Field(Json(lines[1]).fields().at("receipt").struct_value(), "result"),
            "RESULT_UNCHANGED");

  const std::vector<std::vector<std::string>> rows = {
      {"单位代码", "明细编号", "收支方向", "功能科目编码", "项目代码", "项目名称", "金额（万元）"},
      {"101001", "1", "支出", "2050202", "", "", "880.87"},
      {"101001", "2", "支出", "2050203", "P1", "示例", "0.123456"},
      {},
      {"102001", "1", "支出", "2200101", "", "", "7"}};
  auto book = [&](const std::string& name, std::vector<std::vector<std::string>> changed) {
    return Write(
        name, WriteWorkbook([&](lxw_workbook* workbook) { FillSheet(workbook, "明细", changed); }));
  };
  const std::string flags = " --division 141100 --year 2024 --stage 年初批复 ";
  const std::string good = book("good.xlsx", rows);
  ASSERT_EQ(Fiscal("submit " + good + flags).code, 0) << said_;
  auto totals = [&](const std::string& stage) {
    d_.AwaitTotals();
    std::string shown;
    const auto answer = Json(
        Fiscal("totals --division 141100 --year 2024 --by agency -o json --stage " + stage).out);
    for (const auto& row : answer.fields().at("totals").list_value().values())
      absl::StrAppend(&shown, Code(row), "=", Field(row.struct_value(), "amount_fen"), " ");
    return shown;
  };
  EXPECT_EQ(totals("requested"), "101001=603735512 101002=545172386 ");
  EXPECT_EQ(totals("approved"), "101001=880993456 102001=7000000 ");

  // What is wrong with the file itself is told in both languages.
  auto worse = rows;
  worse[2][6] = "壹";
  EXPECT_EQ(Fiscal("submit " + book("worse.xlsx", worse) + flags).code, 3);
  EXPECT_TRUE(absl::StrContains(said_, "\"壹\" is no amount")) << said_;
  EXPECT_TRUE(absl::StrContains(said_, "\"壹\"不是金额，请用半角数字")) << said_;

  // What the server finds is told by sheet and cell, and the other budget of the file is kept.
  auto bad = rows;
  bad[2][3] = "999";
  bad[4][6] = "8";
  const std::string refused = book("refused.xlsx", bad);
  EXPECT_EQ(Fiscal("submit " + refused + flags).code, 3);
  const std::string cell = refused + ", sheet 明细, cell D3: CODE_UNKNOWN (line_id 2): 999 is not";
  EXPECT_TRUE(absl::StrContains(said_, cell)) << said_;
  EXPECT_EQ(totals("approved"), "101001=880993456 102001=8000000 ");
  const Ran told = Fiscal("submit -o json " + refused + flags);
  EXPECT_EQ(told.code, 3);
  EXPECT_TRUE(absl::StrContains(told.out, cell)) << told.out;
  EXPECT_TRUE(absl::StrContains(told.out, "\"field\":\"line_items[1].functional_code\""))
      << told.out;
  bad[4][0] = "109999";
  EXPECT_EQ(Fiscal("submit " + book("agency.xlsx", bad) + flags).code, 3);
  EXPECT_TRUE(absl::StrContains(said_, "agency.xlsx, sheet 明细, cell A5: AGENCY_UNKNOWN"));

  // What is wrong with the file itself is told all at once, and nothing of it is sent.
  bad = rows;
  bad[1][6] = "1";
  bad[2][2] = "up";
  bad[4][6] = "";
  const Ran unsent = Fiscal("submit -o json " + book("bad.xlsx", bad) + flags);
  EXPECT_EQ(unsent.code, 3);
  const google::protobuf::Struct answer = Json(unsent.out);
  const auto& violations =
      answer.fields().at("error").struct_value().fields().at("violations").list_value().values();
  ASSERT_EQ(violations.size(), 2) << unsent.out;
  EXPECT_TRUE(absl::EndsWith(Field(violations[0].struct_value(), "field"),
                             "bad.xlsx, sheet 明细, cell C3"));
  EXPECT_TRUE(absl::EndsWith(Field(violations[1].struct_value(), "field"),
                             "bad.xlsx, sheet 明细, cell G5"));
  EXPECT_EQ(totals("approved"), "101001=880993456 102001=8000000 ");
  EXPECT_EQ(Fiscal("submit " + good + " --division 141100 --year 2024").code, 3);  // no stage
  EXPECT_EQ(Fiscal("submit " + good + flags + "--sheet 明细 --note x").code, 0);
  EXPECT_EQ(Fiscal("submit " + good + flags + "--sheet 汇总").code, 3);
  EXPECT_EQ(Fiscal("submit " + good + flags + "--request-id x").code, 2);
  EXPECT_EQ(Fiscal("submit " + good + " --stage never").code, 2);
  EXPECT_EQ(Fiscal("submit " + Write("old.xls", "x")).code, 2);
  EXPECT_EQ(Fiscal("submit " + Write("empty.xlsx", "")).code, 3);
  EXPECT_EQ(Fiscal("admin verify").code, 0);
}

TEST_F(CliContractTest, ExportedLinesAreSentAgain) {
  ASSERT_EQ(Fiscal(std::string("import ") + kReference).code, 0);
  const std::string lines = "lines --division 141100 --agency 031001 --year 2024 ";
  const std::string book = dir_.path() + "/lines.xlsx", csv = dir_.path() + "/lines.csv";
  ASSERT_EQ(Fiscal(lines + "-o xlsx --out " + book).code, 0) << said_;
  EXPECT_EQ(said_,
            "fiscal: submitting this file with changes states it anew, without the document it was "
            "imported from\n");
  const Ran sent = Fiscal("submit -o json " + book);
  EXPECT_EQ(sent.code, 0) << said_;
  EXPECT_EQ(Field(Json(sent.out).fields().at("receipt").struct_value(), "result"),
            "RESULT_UNCHANGED");
  // What CSV does not hold is named.
  ASSERT_EQ(Fiscal(lines + "-o csv --out " + csv).code, 0) << said_;
  EXPECT_TRUE(
      absl::StrContains(said_,
                        "submitting this file would not state the same: projects.attribute, "
                        "projects.basis, "))
      << said_;
  EXPECT_TRUE(absl::StrContains(said_, "; -o xlsx has projects whole\n")) << said_;

  ASSERT_EQ(Fiscal("submit docs/examples/line_items.csv").code, 0) << said_;
  const std::string school =
      "lines --division 141100 --agency 101002 --year 2024 --stage requested ";
  const Ran shown = Fiscal(school + "-o csv");
  EXPECT_EQ(said_, "");
  EXPECT_EQ(shown.out.substr(0, 3), "\xef\xbb\xbf");
  EXPECT_TRUE(absl::StrContains(shown.out, "项目名称,金额（元）,金额精度（分）,")) << shown.out;
  EXPECT_TRUE(absl::StrContains(shown.out, ",XM-02,示例教师培训,120000.00,1,,")) << shown.out;
  EXPECT_TRUE(absl::StrContains(Fiscal(school + "-o csv --unit wanyuan").out, "金额（万元）"));
  const std::string edited = absl::StrReplaceAll(shown.out, {{"120000.00", "120000.01"}});
  const Ran revised = Fiscal("submit -o json " + Write("edited.csv", edited));
  EXPECT_EQ(Field(Json(revised.out).fields().at("receipt").struct_value(), "result"),
            "RESULT_REVISED");
  EXPECT_EQ(
      Fiscal("submit " +
             Write("noted.csv", absl::StrReplaceAll(edited, {{",否,,\r\n", ",否,,why\r\n"}})) +
             " --note because")
          .code,
      2);
  EXPECT_TRUE(absl::StrContains(said_, "column 预算备注 (Y): has a note and --note is given"))
      << said_;
  d_.AwaitTotals();
  const Ran total =
      Fiscal("totals --division 141100 --year 2024 --stage requested --agency 101002 -o csv");
  EXPECT_EQ(total.out, "\xef\xbb\xbf金额（元）,行数\r\n5451723.87,2\r\n");

  EXPECT_EQ(Fiscal(school + "-o xlsx").code, 2);
  EXPECT_EQ(Fiscal(school + "--out x").code, 2);
  EXPECT_EQ(Fiscal("projects --division 141100 --agency 031001 --year 2024 -o xlsx").code, 2);
  EXPECT_EQ(Fiscal("lines --division 141100 --agency 101009 --year 2024 -o csv").code, 4);
}

TEST_F(CliContractTest, TreeHeadsAndProofsAreCheckedOffline) {
  const std::string nowhere = "127.0.0.1:1";
  d_.SubmitExamples();
  const auto stub = fiscal::log::v1::EventLogService::NewStub(d_.channel);
  auto key = [&] {
    fiscal::log::v1::GetTreeHeadResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(stub->GetTreeHead(&context, {}, &response).ok());
    return response.public_key_pem();
  };
  const std::string pem = Write("key.pem", key());
  auto verify = [&](const std::string& arguments) {
    return Fiscal(absl::StrCat("log verify --public-key ", pem, " ", arguments), nowhere).code;
  };
  const Ran seen = Fiscal("log tree-head -o json");
  ASSERT_EQ(seen.code, 0);
  const std::string kept = Write("seen.json", seen.out);
  const int64_t size =
      std::stoll(Field(Json(seen.out).fields().at("tree_head").struct_value(), "tree_size"));
  d_.MustSubmit(d_.Reference(ReadFile(kReference), "later"));

  const Ran event = Fiscal("log prove --position 3 -o json");
  const Ran then = Fiscal(absl::StrCat("log prove --position 3 --tree-size ", size, " -o json"));
  const Ran grown = Fiscal(absl::StrCat("log prove --since ", size, " -o json"));
  for (const Ran& ran : {seen, event, then, grown}) {
    EXPECT_EQ(ran.code, 0);
    const std::string path = Write("proof.json", ran.out);
    EXPECT_EQ(verify(path), 0) << ran.out << said_;
    EXPECT_EQ(verify("< " + path), 0);
    EXPECT_EQ(verify("--seen " + kept + " " + path), ran.out == event.out ? 3 : 0);
    // Any digit of any hash, size, position or time; any field too many or too few.
    for (size_t i = 0, tried = 0; i < ran.out.size() && tried < 60; ++i) {
      if (!isdigit(ran.out[i])) continue;
      if (i % 17 != 0) continue;
      ++tried;
      std::string forged = ran.out;
      forged[i] = forged[i] == '9' ? '8' : static_cast<char>(forged[i] + 1);
      EXPECT_EQ(verify(Write("forged.json", forged)), 3) << forged;
    }
    for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
             {"\"tree_size\":\"", "\"tree_size\":\"0"},
             {"\"log_id\"", "\"log\""},
             {"{\"proof\"", "{\"note\":\"\",\"proof\""},
             {"{\"proof\"", "[{\"proof\""}}) {
      const std::string forged = absl::StrReplaceAll(ran.out, {{from, to}});
      EXPECT_EQ(verify(Write("forged.json", forged)), 3) << forged;
    }
  }
  EXPECT_TRUE(absl::StrContains(Fiscal("log tree-head").out, "-----BEGIN PUBLIC KEY-----"));
  EXPECT_EQ(verify(dir_.path() + "/none.json"), 2);
  EXPECT_EQ(Fiscal("log prove").code, 2);
  EXPECT_EQ(Fiscal("log --limit 1 -o json").code, 0);

  // The key and what was proved stay over a restart; another deployment's key proves nothing.
  const std::string before = key();
  d_.Restart();
  EXPECT_EQ(Fiscal("log prove --position 3 --tree-size " + std::to_string(size) + " -o json").out,
            then.out);
  const auto again = fiscal::log::v1::EventLogService::NewStub(d_.channel);
  fiscal::log::v1::GetTreeHeadResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(again->GetTreeHead(&context, {}, &response).ok());
  EXPECT_EQ(response.public_key_pem(), before);
  Deployment other(/*with_catalog=*/false);
  const Ran empty = Fiscal("log tree-head -o json", other.address());
  EXPECT_EQ(verify(Write("empty.json", empty.out)), 3);
}

TEST_F(CliContractTest, ProofsBeyondTheLogAreRefused) {
  const auto stub = fiscal::log::v1::EventLogService::NewStub(d_.channel);
  auto inclusion = [&](const std::string& position, int64_t size) {
    fiscal::log::v1::GetInclusionProofRequest request;
    fiscal::log::v1::GetInclusionProofResponse response;
    request.set_position(position);
    request.set_tree_size(size);
    grpc::ClientContext context;
    return client::ToError(stub->GetInclusionProof(&context, request, &response)).reason;
  };
  auto consistency = [&](int64_t from, int64_t to) {
    fiscal::log::v1::GetConsistencyProofRequest request;
    fiscal::log::v1::GetConsistencyProofResponse response;
    request.set_old_tree_size(from);
    request.set_new_tree_size(to);
    grpc::ClientContext context;
    return client::ToError(stub->GetConsistencyProof(&context, request, &response)).reason;
  };
  EXPECT_EQ(inclusion("1", 0), "");
  EXPECT_EQ(inclusion("1", 1), "");
  EXPECT_EQ(inclusion("", 0), "POSITION_INVALID");
  EXPECT_EQ(inclusion("0", 0), "POSITION_INVALID");
  EXPECT_EQ(inclusion("x", 0), "POSITION_INVALID");
  EXPECT_EQ(inclusion("1", -1), "QUERY_INVALID");
  EXPECT_EQ(inclusion("2", 1), "QUERY_INVALID");
  EXPECT_EQ(inclusion("1", 1000), "POSITION_AHEAD");
  EXPECT_EQ(inclusion("1000", 0), "POSITION_AHEAD");
  EXPECT_EQ(inclusion("1000", 1), "POSITION_AHEAD");
  EXPECT_EQ(consistency(0, 0), "");
  EXPECT_EQ(consistency(1, 2), "");
  EXPECT_EQ(consistency(2, 1), "QUERY_INVALID");
  EXPECT_EQ(consistency(-1, 0), "QUERY_INVALID");
  EXPECT_EQ(consistency(1000, 0), "POSITION_AHEAD");
  EXPECT_EQ(consistency(1, 1000), "POSITION_AHEAD");
}

}  // namespace
}  // namespace fiscal::testing
