// The source tree keeps its own rules: widths, names, who includes whom, READMEs, lengths, format.
// First the tables, then each rule over the whole tree, then a planted offence for each.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/tidy_rules.h"

namespace fiscal::tidy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// --- Tables ------------------------------------------------------------------------------------

// Who includes whom. base <- domain <- storage <- services; clients stand beside storage and
// services, and tests above all. A row allows nothing but itself and what it names.
std::vector<Room> Rooms() {
  return {
      {"base", {}},
      {"domain", {"base"}},
      {"domain/data", {}},
      {"domain/authority", {"base", "domain", "domain/data"}},
      {"domain/disclosure", {"base", "domain", "domain/data"}},
      {"domain/articulation", {"base", "domain", "domain/data", "domain/disclosure"}},
      {"storage", {"base", "domain", "domain/authority"}},
      {"storage/memory", {"base", "storage"}},
      {"storage/rocks", {"base", "storage"}},

      // Decides and answers; knows no transport, no threads and no clock, as rows below say.
      {"services/ledger",
       {"base", "domain", "domain/articulation", "domain/authority", "domain/disclosure", "storage",
        "storage/memory"}},
      {"services/config", {"base", "domain", "domain/authority"}},
      // Translates; it knows neither what is stored nor what is decided.
      {"services/wire", {"base", "domain"}},
      {"services/rpc",
       {"base", "domain", "domain/authority", "storage", "services/ledger", "services/wire"}},
      {"services/door", {"base", "services/config", "services/rpc"}},
      {"services/ops", {"base", "domain", "services/door", "services/rpc"}},
      {"services/submission",
       {"base", "domain", "domain/articulation", "domain/disclosure", "storage", "services/ledger",
        "services/ops", "services/rpc", "services/wire"}},
      {"services/log",
       {"base", "domain", "storage", "services/ledger", "services/ops", "services/rpc",
        "services/wire"}},
      {"services/aggregation",
       {"base", "domain", "storage", "services/ledger", "services/rpc", "services/wire"}},
      {"services/audit",
       {"base", "domain", "storage", "services/ledger", "services/rpc", "services/wire"}},
      {"services/authority",
       {"base", "domain", "domain/authority", "storage", "services/ledger", "services/rpc",
        "services/submission", "services/wire"}},
      {"services/catalog",
       {"base", "domain", "services/ledger", "services/rpc", "services/submission",
        "services/wire"}},
      {"services/disclosure",
       {"base", "domain", "domain/articulation", "domain/disclosure", "storage",
        "services/aggregation", "services/ledger", "services/rpc", "services/wire"}},
      {"services/federation",
       {"base", "domain", "storage", "services/aggregation", "services/ledger", "services/log",
        "services/rpc", "services/submission", "services/wire"}},
      {"services/admin",
       {"base", "domain", "domain/authority", "storage", "storage/rocks", "services/aggregation",
        "services/audit", "services/door", "services/federation", "services/ledger", "services/log",
        "services/ops", "services/rpc", "services/submission", "services/wire"}},
      // The parts of a process, and the wiring: server.h and server.cc.
      {"services/server",
       {"base", "domain", "domain/authority", "storage", "storage/rocks", "services/admin",
        "services/aggregation", "services/audit", "services/catalog", "services/config",
        "services/disclosure", "services/door", "services/federation", "services/ledger",
        "services/log", "services/ops", "services/rpc", "services/submission"}},
      {"services",
       {"base", "storage/rocks", "services/admin", "services/audit", "services/authority",
        "services/config", "services/door", "services/federation", "services/ledger",
        "services/log", "services/ops", "services/rpc", "services/server"}},

      {"clients/cpp", {"base"}},
      {"clients/sheets", {"base"}},
      {"clients/importer", {"base", "domain", "domain/articulation", "domain/disclosure"}},
      {"clients/cli/read", {"base", "domain", "clients/importer", "clients/sheets"}},
      {"clients/cli/print",
       {"base", "domain", "domain/articulation", "domain/disclosure", "clients/cpp",
        "clients/cli/read", "clients/sheets"}},
      {"clients/cli/pki", {"base"}},
      {"clients/cli/shell", {"base", "clients/cpp", "clients/cli/print", "clients/cli/read"}},
      {"clients/cli/commands",
       {"base", "domain/disclosure", "clients/cli/pki", "clients/cli/print", "clients/cli/read",
        "clients/cli/shell", "clients/cpp", "clients/importer"}},
      // The one command that starts a server.
      {"clients/cli/commands/serve.cc",
       {"base", "clients/cli/shell", "services", "services/config"}},
      {"clients/cli", {"base", "clients/cli/shell"}},
      {"tests", {"*"}},
  };
}

std::vector<KeptApart> KeptApartHeaders() {
  return {
      {".pb.h",
       {"clients",
        "tests",
        "services/wire",
        "services/config",
        "services/server",
        "services/server.h",
        "services/server.cc",
        "services/admin/admin_rpc.h",
        "services/admin/admin_rpc.cc",
        "services/admin/coverage_watch.h",
        "services/admin/coverage_watch.cc",
        "services/admin/status_answer.cc",
        "services/aggregation/aggregation_rpc.cc",
        "services/aggregation/positioned_reads.h",
        "services/aggregation/watch_rpc.h",
        "services/audit/audit_rpc.cc",
        "services/authority/authority_rpc.cc",
        "services/catalog/catalog_rpc.cc",
        "services/disclosure/disclosure_rpc.cc",
        "services/disclosure/narrative.h",
        "services/federation/federation_rpc.cc",
        "services/federation/upstream.h",
        "services/federation/upstream.cc",
        "services/log/log_copier.cc",
        "services/log/log_rpc.cc",
        "services/ops/call_monitor.cc",
        "services/ops/reflection_rpc.cc",
        "services/rpc/credentials.h",
        "services/rpc/gate.cc",
        "services/rpc/methods.cc",
        "services/rpc/status.h",
        "services/rpc/status.cc",
        "services/submission/stream_budgets.cc",
        "services/submission/submission_rpc.cc"},
       "a message becomes a value of domain in services/wire"},
      {"rocksdb/", {"storage/rocks"}, "storage/kv.h is the seam"},
      {"storage/rocks/",
       {"storage/rocks", "services/server", "services/server.cc", "services/admin", "tests"},
       "take a storage::Kv; the wiring says which"},
  };
}

std::vector<Banned> BannedText() {
  std::vector<Banned> rows;
  for (const char* folder : {"domain", "services/ledger"}) {
    rows.push_back({folder, "absl::Now", "take the time, or a Clock"});
    rows.push_back({folder, "std::thread", "a caller owns the threads"});
    rows.push_back({folder, "std::jthread", "a caller owns the threads"});
    rows.push_back({folder, "std::async", "a caller owns the threads"});
    rows.push_back({folder, "<thread>", "a caller owns the threads"});
    rows.push_back({folder, "grpc", "services/rpc answers calls"});
    rows.push_back({folder, "google/protobuf", "services/wire knows messages"});
    rows.push_back({folder, "google::protobuf", "services/wire knows messages"});
    rows.push_back({folder, ".pb.h", "services/wire knows messages"});
  }
  for (const char* folder : {"storage", "services"}) {
    for (const char* text : {"::Encoded(", ".encoded()"}) {
      rows.push_back({folder,
                      text,
                      "storage/schema.h makes and cuts keys",
                      {"storage/key.h", "storage/schema.cc", "storage/rocks/rocks_kv.cc"}});
    }
  }
  for (const char* folder : {"admin", "aggregation", "audit", "catalog", "disclosure", "door",
                             "federation", "log", "ops", "server", "submission"}) {
    for (const char* text : {"->peer()", ".peer()", "auth_context", "client_metadata"})
      rows.push_back({absl::StrCat("services/", folder), text, "rpc::Call knows the caller"});
  }
  for (const char* folder : {"admin", "aggregation", "audit", "catalog", "disclosure", "federation",
                             "log", "submission"}) {
    rows.push_back({absl::StrCat("services/", folder), "ServerContext", "take the rpc::Call"});
  }
  return rows;
}

std::vector<LengthBound> LengthBounds() {
  // A test tells one story from the beginning to the end.
  return {{"", 70}, {"tests", 140}};
}

std::vector<Exception> LongFunctions() {
  return {
      {"AllReasons", "a table, a row for each reason"},
      {"Asks", "a table, a row for each way to ask a method"},
      {"ExplainChange", "each step takes its part out of what is left to explain"},
      {"Watch::Find", "the states of a watcher in the order it goes through them"},
  };
}

// Headers of services that no test is named after: threads, calls and files together, which a test
// of a whole process sees. The list becomes shorter, never longer.
std::vector<Exception> UntestedHeaders() {
  return {
      {"services/admin/admin_rpc.h", "a handler: operations_test.cc, checks_test.cc"},
      {"services/admin/scrubber.h", "files of RocksDB: checks_test.cc"},
      {"services/admin/coverage_watch.h", "a thread over totals: operations_test.cc"},
      {"services/admin/system_parts.h", "all parts of a process: operations_test.cc"},
      {"services/aggregation/aggregation_rpc.h", "a handler: compare_test.cc, explain_test.cc"},
      {"services/aggregation/positioned_reads.h", "finishes calls: end_to_end_test.cc"},
      {"services/aggregation/watch_rpc.h", "a handler: watch_crash_test.cc"},
      {"services/catalog/catalog_rpc.h", "a handler: refusals_test.cc"},
      {"services/disclosure/disclosure_rpc.h", "a handler: statutory_tables_test.cc"},
      {"services/federation/federation_rpc.h", "a handler: federation_test.cc"},
      {"services/federation/upstream.h", "a thread over a channel: federation_test.cc"},
      {"services/log/log_copier.h", "a thread over a channel: roles_test.cc"},
      {"services/log/log_rpc.h", "a handler: signing_test.cc, roles_test.cc"},
      {"services/log/log_stream.h", "a call's reactor: memory_test.cc, roles_test.cc"},
      {"services/server.h", "a process: operations_test.cc, roles_test.cc"},
      {"services/server/edge.h", "the wiring: operations_test.cc"},
      {"services/server/process.h", "the wiring: operations_test.cc"},
      {"services/server/reader.h", "the wiring: roles_test.cc"},
      {"services/server/stores.h", "the wiring: golden_data_test.cc"},
      {"services/server/writer.h", "the wiring: roles_test.cc"},
      {"services/submission/stream_budgets.h", "a call's reactor: refusals_test.cc"},
      {"services/submission/submission_rpc.h", "a handler: refusals_test.cc"},
  };
}

// Names in comments and documents that are none of the tree's.
std::vector<Exception> ForeignNames() {
  return {
      {"Corruption", "RocksDB: how a status begins in its log"},
      {"kPointInTimeRecovery", "RocksDB: the recovery mode that is not taken"},
      {"*_reconnect_backoff_ms", "gRPC: names of channel arguments"},
      {"keepalive_time_ms", "gRPC: a channel argument"},
      {"max_pings_without_data", "gRPC: a channel argument"},
      {"dmesg", "Linux: a program"},
      {"RLIMIT_RTPRIO", "Linux: a limit of processes"},
      {"CAP_SYS_NICE", "Linux: a capability"},
      {"TCP_*", "Linux: states of a connection, which glibc has only as an enum of its own"},
      {"go_package_prefix", "buf: a key of its files"},
      {"submission_service_pb2", "Python: a generated module"},
      {"UPPER_SNAKE_CASE", "a way of writing names"},
      {"smartctl", "Linux: a program"},
      {"newName", "kustomize: a key of its files"},
      {"FISCAL_SERVE_*", "variables are made from the paths of settings"},
      {"SplitMix64", "an algorithm, by the name it was published under"},
  };
}

// --- The tree ----------------------------------------------------------------------------------

// The test runs in the root of the tree. What is built and what git keeps is not in these.
constexpr absl::string_view kFolders[] = {"base",    "domain", "storage", "services",
                                          "clients", "tests",  "proto",   "docs",
                                          "cmake",   "k8s",    "scripts"};
// Names of other files are known, their text is not read.
constexpr absl::string_view kTextEndings[] = {".h",   ".cc",      ".proto",    ".cmake",    ".md",
                                              ".sh",  ".go",      ".awk",      ".yaml",     ".json",
                                              ".csv", ".service", "Lists.txt", "Dockerfile"};

std::string Read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

std::vector<File> ReadTree() {
  std::vector<File> files;
  const auto add = [&](const std::filesystem::path& path) {
    const std::string name = path.generic_string();
    const bool text =
        std::any_of(std::begin(kTextEndings), std::end(kTextEndings),
                    [&](absl::string_view ending) { return absl::EndsWith(name, ending); });
    files.push_back({name, text ? Read(path) : ""});
  };
  for (absl::string_view folder : kFolders) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(std::string(folder))) {
      if (entry.is_regular_file()) add(entry.path());
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(".")) {
    if (entry.is_regular_file()) add(entry.path().filename());
  }
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.path < b.path; });
  return files;
}

// Kept as others publish it.
constexpr absl::string_view kCopied[] = {"proto/google/", "proto/grpc/"};

bool LeftAsItIs(absl::string_view path) {
  return std::any_of(std::begin(kCopied), std::end(kCopied), [&](absl::string_view beginning) {
    return absl::StartsWith(path, beginning);
  });
}

class TidyTest : public testing::Test {
 protected:
  static const std::vector<File>& Tree() {
    static const auto* tree = new std::vector<File>(ReadTree());
    return *tree;
  }

  // Runs `rule`, File -> Offences, over the whole tree.
  template <typename Rule>
  static std::string OverTree(const Rule& rule) {
    EXPECT_GT(Tree().size(), 500u) << "the test runs in the root of the tree";
    Offences all;
    for (const File& file : Tree()) {
      for (Offence& offence : rule(file)) all.push_back(std::move(offence));
    }
    return Printed(all);
  }
  // The same without what is left as it is.
  template <typename Rule>
  static std::string OverSettled(const Rule& rule) {
    return OverTree(
        [&](const File& file) { return LeftAsItIs(file.path) ? Offences{} : rule(file); });
  }

  // Rows of a table of exceptions that nothing needs any more.
  static std::string Unused(const std::vector<Exception>& rows, const Used& used) {
    std::string out;
    for (const Exception& row : rows) {
      if (used.count(row.name) == 0) absl::StrAppend(&out, row.name, ": nothing needs it\n");
    }
    return out;
  }
};

TEST_F(TidyTest, Width) { EXPECT_EQ(OverSettled(CheckWidth), ""); }

TEST_F(TidyTest, NamesInCommentsAndDocumentsExist) {
  // What this test names in its tables and plants is no code.
  std::vector<File> code;
  for (const File& file : Tree()) {
    const bool own = absl::StrContains(file.path, "tests/tidy_test");
    code.push_back({file.path, own ? "" : file.text});
  }
  const Names names(code);
  Used used;
  EXPECT_EQ(
      OverSettled([&](const File& file) { return CheckNames(file, names, ForeignNames(), &used); }),
      "");
  EXPECT_EQ(Unused(ForeignNames(), used), "");
}

TEST_F(TidyTest, RoomsIncludeWhatTheyMay) {
  const std::vector<Room> rooms = Rooms();
  EXPECT_EQ(OverTree([&](const File& file) { return CheckIncludes(file, rooms); }), "");
}

TEST_F(TidyTest, HeadersKeptApart) {
  const std::vector<KeptApart> rows = KeptApartHeaders();
  EXPECT_EQ(OverTree([&](const File& file) { return CheckKeptApart(file, rows); }), "");
}

TEST_F(TidyTest, RoomsDoWithoutWhatIsNotForThem) {
  const std::vector<Banned> rows = BannedText();
  EXPECT_EQ(OverTree([&](const File& file) { return CheckBanned(file, rows); }), "");
}

TEST_F(TidyTest, EveryFolderHasAReadme) { EXPECT_EQ(Printed(CheckReadmes(Tree())), ""); }

TEST_F(TidyTest, EverySourceIsBuilt) { EXPECT_EQ(Printed(CheckBuilt(Tree())), ""); }

TEST_F(TidyTest, EveryHeaderOfServicesHasItsTest) {
  Used used;
  EXPECT_EQ(Printed(CheckTested(Tree(), "services", UntestedHeaders(), &used)), "");
  EXPECT_EQ(Unused(UntestedHeaders(), used), "");
  EXPECT_LE(UntestedHeaders().size(), 22u) << "write its test instead";
}

TEST_F(TidyTest, GuardsArePaths) { EXPECT_EQ(OverTree(CheckGuard), ""); }

TEST_F(TidyTest, FunctionsAreShort) {
  Used used;
  EXPECT_EQ(OverTree([&](const File& file) {
              return CheckFunctions(file, LengthBounds(), LongFunctions(), &used);
            }),
            "");
  EXPECT_EQ(Unused(LongFunctions(), used), "");
  EXPECT_LE(LongFunctions().size(), 12u) << "split one instead";
}

TEST_F(TidyTest, SourcesAreFormatted) {
  std::vector<std::string> paths;
  for (const File& file : Tree()) {
    const bool source = absl::EndsWith(file.path, ".h") || absl::EndsWith(file.path, ".cc");
    if (source && !LeftAsItIs(file.path)) paths.push_back(file.path);
  }
  EXPECT_EQ(Printed(CheckFormat(".", paths)), "");
}

// --- Planted offences --------------------------------------------------------------------------

// Each offence as path:line: what is wrong.
std::vector<std::string> Lines(const Offences& offences) {
  std::vector<std::string> lines;
  for (const Offence& o : offences) lines.push_back(Printed({o}));
  return lines;
}

TEST(TidyRulesTest, ALineOfCodeIsTooWide) {
  const std::string wide(101, 'x');
  EXPECT_THAT(Lines(CheckWidth({"base/a.h", absl::StrCat("int a;\n// ", wide, "\n")})),
              ElementsAre("base/a.h:2: 104 characters: break it at 100\n"));
  EXPECT_THAT(Lines(CheckWidth({"proto/a.proto", wide})), testing::SizeIs(1));
  EXPECT_THAT(Lines(CheckWidth({"cmake/a.cmake", wide})), testing::SizeIs(1));
  EXPECT_THAT(CheckWidth({"base/a.h", absl::StrCat("// https://", wide)}), IsEmpty());
  std::string chinese;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&chinese, "预");
  EXPECT_THAT(CheckWidth({"base/a.h", chinese}), IsEmpty());
}

TEST(TidyRulesTest, ALineOfProseIsTooWide) {
  const std::string wide = absl::StrCat("a", std::string(120, 'b'));
  EXPECT_THAT(Lines(CheckWidth({"docs/a.md", absl::StrCat("# A\n\n- ", wide, "\n")})),
              ElementsAre("docs/a.md:3: 123 characters: break it at 120\n"));
  for (const std::string& block :
       {absl::StrCat("| ", wide, " |\n"), absl::StrCat("    ", wide, "\n"),
        absl::StrCat("```\n", wide, "\n```\n"), absl::StrCat("see https://", wide, "\n")}) {
    EXPECT_THAT(CheckWidth({"docs/a.md", absl::StrCat("A.\n\n", block)}), IsEmpty()) << block;
  }
}

// A tree of two files, for names.
const Names& Few() {
  static const auto* names = new Names({{"base/here.h",
                                         "class Here { void Stay(int count_max); };"
                                         "  // Gone is no code."},
                                        {"docs/adr/0001-why.md", "# Why"},
                                        {"proto/a.proto", "string request_id = 1;"}});
  return *names;
}

Offences NamesOf(const File& file) {
  Used used;
  return CheckNames(file, Few(), {{"RocksDB", "another program"}}, &used);
}

TEST(TidyRulesTest, ACommentNamesAFileThatIsNotThere) {
  EXPECT_THAT(Lines(NamesOf({"base/a.h", "// See here.h and base/there.h.\n"})),
              ElementsAre("base/a.h:1: there is no file base/there.h: name what there is, or take "
                          "it out\n"));
  EXPECT_THAT(NamesOf({"base/a.h", "// docs/adr/0001, base/*.h and here.{h,h}; and/or\n"}),
              IsEmpty());
}

TEST(TidyRulesTest, ACommentNamesAnIdentifierThatIsNotThere) {
  EXPECT_THAT(Lines(NamesOf({"base/a.h", "int a;  // Here::Leave, `gone`, GoneToo, count_min\n"})),
              ElementsAre(HasSubstr("no gone:"), HasSubstr("no Leave:"), HasSubstr("no GoneToo:"),
                          HasSubstr("no count_min:")));
  EXPECT_THAT(NamesOf({"base/a.h", "// Here::Stay takes count_max; RocksDB; request_ids.\n"}),
              IsEmpty());
  EXPECT_THAT(NamesOf({"base/a.h", "const char* a = \"GoneToo\";\n"}), IsEmpty());
}

TEST(TidyRulesTest, ADocumentNamesWhatIsNotThere) {
  EXPECT_THAT(Lines(NamesOf({"docs/a.md", "A.\n\n`base/gone.h` has `Here::Leave`.\n"})),
              ElementsAre(HasSubstr("docs/a.md:3: there is no file base/gone.h"),
                          HasSubstr("docs/a.md:3: the code has no Leave")));
  EXPECT_THAT(NamesOf({"docs/a.md", "A.\n\n    a block with `Gone` and base/gone.h\n"}), IsEmpty());
  EXPECT_THAT(NamesOf({"docs/a.md", "`Here` has `requestId`, `--flag` and `two words`.\n"}),
              IsEmpty());
}

Offences IncludesOf(const std::string& path, const std::string& header) {
  return CheckIncludes({path, absl::StrCat("\n#include \"", header, "\"\n")}, Rooms());
}

TEST(TidyRulesTest, AFloorIncludesOneAboveIt) {
  EXPECT_THAT(Lines(IncludesOf("domain/a.cc", "storage/kv.h")),
              ElementsAre("domain/a.cc:2: domain must not include storage: move what is needed "
                          "down, or hand it in\n"));
  EXPECT_THAT(IncludesOf("base/a.h", "domain/fen.h"), testing::SizeIs(1));
  EXPECT_THAT(IncludesOf("storage/a.h", "services/server.h"), testing::SizeIs(1));
  EXPECT_THAT(IncludesOf("services/log/a.h", "clients/cpp/error.h"), testing::SizeIs(1));
  EXPECT_THAT(IncludesOf("services/log/a.h", "tests/support/http.h"), testing::SizeIs(1));
  EXPECT_THAT(IncludesOf("storage/a.h", "domain/fen.h"), IsEmpty());
}

TEST(TidyRulesTest, ARoomIncludesOneThatItsRowDoesNotName) {
  EXPECT_THAT(IncludesOf("services/ledger/decide/a.cc", "services/rpc/call.h"), testing::SizeIs(1));
  EXPECT_THAT(IncludesOf("services/ledger/decide/a.cc", "services/wire/bounds.h"),
              testing::SizeIs(1));
  EXPECT_THAT(IncludesOf("services/ledger/decide/a.cc", "services/ledger/fold/b.h"), IsEmpty());
  EXPECT_THAT(IncludesOf("services/door/a.cc", "services/admin/scrubber.h"), testing::SizeIs(1));
  EXPECT_THAT(IncludesOf("clients/cli/commands/totals.cc", "services/server.h"),
              testing::SizeIs(1));
  EXPECT_THAT(IncludesOf("clients/cli/commands/serve.cc", "services/server.h"), IsEmpty());
  EXPECT_THAT(Lines(IncludesOf("attic/a.cc", "base/check.h")),
              ElementsAre(HasSubstr("no row in the table of rooms")));
}

TEST(TidyRulesTest, AGeneratedHeaderIsIncludedWhereItMustNotBe) {
  const File file{"storage/a.cc", "#include \"fiscal/budget/v1/budget.pb.h\"\n"};
  EXPECT_THAT(Lines(CheckKeptApart(file, KeptApartHeaders())),
              ElementsAre(HasSubstr("storage/a.cc:1: fiscal/budget/v1/budget.pb.h is not for "
                                    "here: ")));
  EXPECT_THAT(CheckKeptApart({"services/wire/a.cc", file.text}, KeptApartHeaders()), IsEmpty());
}

TEST(TidyRulesTest, RocksDbIsIncludedOutsideItsRoom) {
  const File file{"storage/a.cc", "#include \"rocksdb/db.h\"\n"};
  EXPECT_THAT(CheckKeptApart(file, KeptApartHeaders()), testing::SizeIs(1));
  EXPECT_THAT(CheckKeptApart({"storage/rocks/a.cc", file.text}, KeptApartHeaders()), IsEmpty());
}

TEST(TidyRulesTest, TheLedgerHasAClockAThreadOrATransport) {
  const auto of = [](const std::string& text) {
    return CheckBanned({"services/ledger/decide/a.cc", text}, BannedText());
  };
  EXPECT_THAT(Lines(of("int a;\nauto t = absl::Now();\n")),
              ElementsAre("services/ledger/decide/a.cc:2: services/ledger has no absl::Now: take "
                          "the time, or a Clock\n"));
  EXPECT_THAT(of("std::thread t;\n"), testing::SizeIs(1));
  EXPECT_THAT(of("#include <thread>\n"), testing::SizeIs(1));
  EXPECT_THAT(of("#include \"grpcpp/server.h\"\n"), testing::SizeIs(1));
  EXPECT_THAT(of("google::protobuf::Arena arena;\n"), testing::SizeIs(1));
  EXPECT_THAT(of("#include \"fiscal/budget/v1/budget.pb.h\"\n"), testing::SizeIs(1));
  EXPECT_THAT(of("// absl::Now\nconst char* a = \"std::thread\";\n"), IsEmpty());
}

TEST(TidyRulesTest, AKeyIsMadeOrCutOutsideTheSchema) {
  const auto of = [](const std::string& path, const std::string& text) {
    return CheckBanned({path, text}, BannedText());
  };
  EXPECT_THAT(Lines(of("storage/heads.cc", "Key key = Key::Encoded(prefix + id);\n")),
              ElementsAre("storage/heads.cc:1: storage has no ::Encoded(: storage/schema.h makes "
                          "and cuts keys\n"));
  EXPECT_THAT(of("services/ledger/compare/a.cc", "auto part = it->key().encoded().substr(1);\n"),
              testing::SizeIs(1));
  EXPECT_THAT(of("services/log/a.cc", "Seek(storage::KeyView::Encoded(bytes));\n"),
              testing::SizeIs(1));
  EXPECT_THAT(of("storage/schema.cc", "return Key::Encoded(std::move(key));\n"), IsEmpty());
  EXPECT_THAT(of("tests/contract/a.cc", "Key::Encoded(bytes);\n"), IsEmpty());
}

TEST(TidyRulesTest, AFolderHasNoReadme) {
  EXPECT_THAT(Lines(CheckReadmes(
                  {{"base/a.h", ""}, {"proto/README.md", "# proto\n\nDoes not belong: x.\n"}})),
              ElementsAre(HasSubstr("base/README.md:1: missing")));
  EXPECT_THAT(Lines(CheckReadmes({{"proto/README.md", "# Messages\n"}})),
              ElementsAre(HasSubstr("begin with # proto"), HasSubstr("what does not belong")));
}

TEST(TidyRulesTest, ASourceIsLeftOutOfTheBuild) {
  EXPECT_THAT(Lines(CheckBuilt({{"base/a/b.cc", ""},
                                {"base/c.cc", ""},
                                {"base/CMakeLists.txt", "library(x SRCS a/b.cc d.cc) # c.cc"}})),
              ElementsAre("base/c.cc:1: in no CMakeLists.txt: build it, or delete it\n"));
}

TEST(TidyRulesTest, AHeaderOfServicesIsIncludedByNoTestNamedAfterIt) {
  Used used;
  const std::vector<File> files = {
      {"services/a/b.h", ""},
      {"services/a/c.h", ""},
      {"services/a/d.h", ""},
      {"base/e.h", ""},
      // Named after it, wherever it is.
      {"tests/integration/b_test.cc", "#include \"services/a/b.h\"\n"},
      // Of another name; and not included by the one that has its name.
      {"tests/services/a/b_test.cc", "#include \"services/a/c.h\"\n"},
      {"tests/services/a/c_test.cc", "// #include \"services/a/c.h\"\n"}};
  EXPECT_THAT(Lines(CheckTested(files, "services", {{"services/a/d.h", "why"}}, &used)),
              ElementsAre("services/a/c.h:1: no test named after it includes it: write "
                          "tests/services/a/c_test.cc\n"));
  EXPECT_THAT(used, ElementsAre("services/a/d.h"));
}

TEST(TidyRulesTest, AGuardIsOfAnotherPath) {
  EXPECT_THAT(Lines(CheckGuard({"base/a_b.h", "#ifndef FISCAL_A_B_H_\n#define FISCAL_A_B_H_\n"})),
              ElementsAre("base/a_b.h:1: its guard is not its path: make it FISCAL_BASE_A_B_H_\n"));
}

// A function of so many lines, in a class, after other braces.
std::string LongText(int lines) {
  std::string text =
      "namespace a {\nstruct Table {\n  int rows[2] = {1, 2};\n};\n"
      "class Reader : public Base {\n public:\n  std::function<void(int)> Read(int a) const {\n";
  for (int i = 0; i < lines; ++i) absl::StrAppend(&text, "    if (a) { a = '}'; }  // {\n");
  return absl::StrCat(text, "  }\n};\n}  // namespace a\n");
}

TEST(TidyRulesTest, AFunctionIsTooLong) {
  Used used;
  const auto of = [&](const File& file) {
    return CheckFunctions(file, {{"", 70}, {"tests", 140}}, {{"Reader::Listed", "why"}}, &used);
  };
  EXPECT_THAT(Lines(of({"base/a.h", LongText(71)})),
              ElementsAre("base/a.h:7: Reader::Read has 71 lines: split it, at most 70\n"));
  EXPECT_THAT(of({"base/a.h", LongText(70)}), IsEmpty());
  EXPECT_THAT(of({"tests/a.cc", LongText(71)}), IsEmpty());
  std::string body = "TEST_F(A, B) {\n";
  for (int i = 0; i < 141; ++i) absl::StrAppend(&body, "  Go();\n");
  EXPECT_THAT(Lines(of({"tests/a.cc", absl::StrCat(body, "}\n")})),
              ElementsAre(HasSubstr("tests/a.cc:1: A.B has 141 lines")));
  EXPECT_THAT(used, IsEmpty());
  body = "void Reader::Listed(int a) {\n";
  for (int i = 0; i < 71; ++i) absl::StrAppend(&body, "  Go();\n");
  EXPECT_THAT(of({"base/a.cc", absl::StrCat(body, "}\n")}), IsEmpty());
  EXPECT_THAT(used, ElementsAre("Reader::Listed"));
}

TEST(TidyRulesTest, AFileIsNotFormatted) {
  const std::filesystem::path root = std::filesystem::path(testing::TempDir()) / "tidy_format";
  std::filesystem::create_directories(root);
  std::filesystem::copy_file(".clang-format", root / ".clang-format",
                             std::filesystem::copy_options::overwrite_existing);
  std::ofstream(root / "wrong.cc") << "int a;\nint  b ;\nint  c;\n";
  std::ofstream(root / "right.cc") << "int a;\n";
  EXPECT_THAT(Lines(CheckFormat(root.string(), {"right.cc", "wrong.cc"})),
              ElementsAre(HasSubstr("wrong.cc:2: not as clang-format-14 writes it")));
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace fiscal::tidy
