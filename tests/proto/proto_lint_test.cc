// The API's form, read off its descriptors: names, numbers, pages, request_ids, other languages'
// packages, a comment on everything. scripts/contract.sh asks buf for more.
#include <fstream>
#include <set>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"

namespace fiscal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorSet;

// "budget_v1" and such as "BudgetV1".
std::string Camel(absl::string_view text) {
  std::string out;
  for (const absl::string_view word : absl::StrSplit(text, '_')) {
    out += absl::ascii_toupper(word[0]);
    absl::StrAppend(&out, word.substr(1));
  }
  return out;
}

// "List" of "ListTotals".
std::string Verb(const std::string& method) {
  size_t end = 1;
  while (end < method.size() && !absl::ascii_isupper(method[end])) ++end;
  return method.substr(0, end);
}

class Lint {
 public:
  Lint() {
    std::ifstream in(FISCAL_DESCRIPTORS, std::ios::binary);
    FileDescriptorSet set;
    if (!set.ParseFromIstream(&in)) std::abort();
    for (const auto& file : set.file()) {
      const FileDescriptor* built = pool_.BuildFile(file);
      if (absl::StartsWith(file.name(), "fiscal/")) files_.push_back(built);
    }
  }

  void Run() {
    EXPECT_GE(files_.size(), 6u);
    for (const FileDescriptor* file : files_) File(*file);
  }

  std::string Summary() const {
    std::string out;
    for (const FileDescriptor* file : files_) {
      for (int i = 0; i < file->service_count(); ++i) {
        for (int k = 0; k < file->service(i)->method_count(); ++k) {
          const auto* m = file->service(i)->method(k);
          absl::StrAppend(&out, m->full_name(), "(", m->client_streaming() ? "stream " : "",
                          m->input_type()->full_name(), ") returns (",
                          m->server_streaming() ? "stream " : "", m->output_type()->full_name(),
                          ")\n");
        }
      }
      for (int i = 0; i < file->message_type_count(); ++i) {
        const Descriptor* m = file->message_type(i);
        for (int k = 0; k < m->field_count(); ++k) {
          const FieldDescriptor* f = m->field(k);
          const std::string type =
              f->type() == FieldDescriptor::TYPE_MESSAGE ? f->message_type()->full_name()
              : f->type() == FieldDescriptor::TYPE_ENUM  ? f->enum_type()->full_name()
                                                         : f->type_name();
          absl::StrAppend(&out, m->full_name(), ".", f->name(), " = ", f->number(), " ",
                          f->is_repeated() ? "repeated " : "", type, "\n");
        }
      }
      for (int i = 0; i < file->enum_type_count(); ++i) {
        const EnumDescriptor* e = file->enum_type(i);
        for (int k = 0; k < e->value_count(); ++k) {
          absl::StrAppend(&out, e->full_name(), ".", e->value(k)->name(), " = ",
                          e->value(k)->number(), "\n");
        }
      }
    }
    return out;
  }

 private:
  template <typename D>
  void Documented(const D& d, const std::string& name) {
    google::protobuf::SourceLocation location;
    EXPECT_TRUE(d.GetSourceLocation(&location) && !location.leading_comments.empty())
        << name << " has no comment";
  }

  void File(const FileDescriptor& file) {
    std::string directory = file.name().substr(0, file.name().rfind('/'));
    EXPECT_EQ(absl::StrReplaceAll(directory, {{"/", "."}}), file.package()) << file.name();
    EXPECT_TRUE(absl::EndsWith(file.package(), ".v1")) << file.name();
    EXPECT_LE(file.service_count(), 1) << file.name();
    EXPECT_EQ(file.service_count() == 1, absl::EndsWith(file.name(), "_service.proto"))
        << file.name();
    Packages(file);
    for (int i = 0; i < file.service_count(); ++i) {
      const auto& service = *file.service(i);
      EXPECT_TRUE(absl::EndsWith(service.name(), "Service"));
      Documented(service, service.full_name());
      std::set<std::string> used;
      for (int k = 0; k < service.method_count(); ++k) {
        const auto& m = *service.method(k);
        Documented(m, m.full_name());
        EXPECT_EQ(m.input_type()->name(), m.name() + "Request") << m.full_name();
        EXPECT_EQ(m.output_type()->name(), m.name() + "Response") << m.full_name();
        EXPECT_TRUE(used.insert(m.input_type()->full_name()).second);
        EXPECT_TRUE(used.insert(m.output_type()->full_name()).second);
        Idempotency(m);
        for (const char* verb : {"Submit", "Withdraw", "Import"}) {
          if (absl::StartsWith(m.name(), verb)) {
            EXPECT_NE(m.input_type()->FindFieldByName("request_id"), nullptr)
                << m.full_name() << " writes without a request_id";
          }
        }
        if (absl::StartsWith(m.name(), "List")) {
          EXPECT_NE(m.input_type()->FindFieldByName("page_size"), nullptr) << m.full_name();
          EXPECT_NE(m.input_type()->FindFieldByName("page_token"), nullptr) << m.full_name();
          EXPECT_NE(m.output_type()->FindFieldByName("next_page_token"), nullptr) << m.full_name();
        }
      }
    }
    for (int i = 0; i < file.message_type_count(); ++i) Message(*file.message_type(i));
    for (int i = 0; i < file.enum_type_count(); ++i) Enum(*file.enum_type(i));
  }

  // docs/adr/0013 says why these.
  void Packages(const FileDescriptor& file) {
    const auto& options = file.options();
    const std::vector<std::string> parts = absl::StrSplit(file.package(), '.');
    const std::string directory = absl::StrJoin(parts, "/");
    EXPECT_EQ(options.go_package(),
              absl::StrCat(directory, ";", absl::StrJoin(parts.begin() + 1, parts.end(), "")))
        << file.name();
    EXPECT_EQ(options.java_package(), file.package()) << file.name();
    EXPECT_TRUE(options.java_multiple_files()) << file.name();
    std::string name = file.name().substr(directory.size() + 1);
    name.resize(name.size() - std::string(".proto").size());
    EXPECT_EQ(options.java_outer_classname(), Camel(name) + "Proto") << file.name();
    EXPECT_EQ(options.csharp_namespace(),
              absl::StrJoin(parts, ".",
                            [](std::string* out, const std::string& part) {
                              absl::StrAppend(out, Camel(part));
                            }))
        << file.name();
  }

  // Tools and caches take a method by its option, people by its verb: the two say the same.
  void Idempotency(const google::protobuf::MethodDescriptor& m) {
    static const std::set<std::string> reads = {"Batch",    "Check", "Compare", "Explain",
                                                "Get",      "List",  "Read",    "Reconcile",
                                                "Validate", "Watch", "Who"};
    static const std::set<std::string> acts = {"Accept",     "Approve", "Grant",  "Import",
                                               "Quarantine", "Revoke",  "Rotate", "Scrub",
                                               "Stream",     "Submit",  "Verify", "Withdraw"};
    const std::string verb = Verb(m.name());
    EXPECT_NE(reads.contains(verb), acts.contains(verb))
        << m.full_name() << ": neither a read nor an act; name its verb here";
    EXPECT_EQ(m.options().idempotency_level() == google::protobuf::MethodOptions::NO_SIDE_EFFECTS,
              reads.contains(verb))
        << m.full_name();
  }

  void Message(const Descriptor& m) {
    Documented(m, m.full_name());
    for (int i = 0; i < m.field_count(); ++i) {
      const FieldDescriptor& f = *m.field(i);
      Documented(f, f.full_name());
      EXPECT_EQ(f.name(), absl::AsciiStrToLower(f.name())) << f.full_name();
      for (auto type : {FieldDescriptor::TYPE_UINT32, FieldDescriptor::TYPE_UINT64,
                        FieldDescriptor::TYPE_FIXED32, FieldDescriptor::TYPE_FIXED64,
                        FieldDescriptor::TYPE_FLOAT, FieldDescriptor::TYPE_DOUBLE}) {
        EXPECT_NE(f.type(), type) << f.full_name() << ": no unsigned, no floating point";
      }
      if (f.type() == FieldDescriptor::TYPE_MESSAGE &&
          f.message_type()->full_name() == "google.protobuf.Timestamp") {
        EXPECT_TRUE(absl::EndsWith(f.name(), "_time") || f.name() == "as_of") << f.full_name();
      }
      if (f.is_repeated() && f.name() != "group" && f.name() != "group_by") {
        EXPECT_TRUE(absl::EndsWith(f.name(), "s"))
            << f.full_name() << ": repeated fields are plural";
      }
      if (f.type() == FieldDescriptor::TYPE_INT64 && absl::StrContains(f.name(), "amount")) {
        EXPECT_TRUE(absl::EndsWith(f.name(), "_fen")) << f.full_name();
      }
    }
  }

  void Enum(const EnumDescriptor& e) {
    Documented(e, e.full_name());
    std::string prefix;
    for (size_t i = 0; i < e.name().size(); ++i) {
      if (i > 0 && absl::ascii_isupper(e.name()[i])) prefix += '_';
      prefix += absl::ascii_toupper(e.name()[i]);
    }
    for (int i = 0; i < e.value_count(); ++i) {
      Documented(*e.value(i), e.value(i)->full_name());
      EXPECT_TRUE(absl::StartsWith(e.value(i)->name(), prefix + "_")) << e.value(i)->full_name();
    }
    EXPECT_EQ(e.value(0)->number(), 0);
    EXPECT_EQ(e.value(0)->name(), prefix + "_UNSPECIFIED");
  }

  DescriptorPool pool_;
  std::vector<const FileDescriptor*> files_;
};

TEST(ProtoLintTest, TheApiKeepsItsForm) { Lint().Run(); }

// A number or type that changes breaks every client: the golden file changes only on purpose, and
// is reviewed like code.
TEST(ProtoLintTest, GoldenDescriptor) {
  const char kPath[] = "tests/golden/proto.golden";
  const std::string summary = Lint().Summary();
  if (std::getenv("FISCAL_UPDATE_GOLDEN") != nullptr) std::ofstream(kPath) << summary;
  std::ifstream file(kPath);
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(summary, golden.str()) << "FISCAL_UPDATE_GOLDEN=1 writes it anew";
}

}  // namespace
}  // namespace fiscal
