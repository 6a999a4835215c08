// fiscal log: lists the records of the event log, gets its tree heads and proofs, checks them
// offline.
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>

#include "CLI/CLI.hpp"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/print/json.h"
#include "clients/cli/print/proofs.h"
#include "clients/cli/read/names.h"
#include "clients/cli/shell/bounds.h"
#include "clients/cli/shell/context.h"
#include "fiscal/log/v1/event_log_service.grpc.pb.h"

namespace fiscal::cli {
namespace {

struct Flags {
  std::string after;
  int64_t limit = 100;
  std::string position;
  int64_t since = -1;
  int64_t tree_size = 0;
  std::string public_key, seen;
  std::string proof = "-";
};

int Run(Context& context, const Flags& f) {
  const grpc::Status connected = context.connection().Connect();
  if (!connected.ok()) return Report(context, connected);
  const auto stub = fiscal::log::v1::EventLogService::NewStub(context.connection().channel());
  fiscal::log::v1::ReadRequest request;
  request.set_after_position(f.after);
  request.set_until_head(true);
  grpc::ClientContext call;
  auto reader = stub->Read(&call, request);
  Table table({true, false, true, false});
  table.Row({"position", "commit time", "bytes", "chain hash"});
  fiscal::log::v1::ReadResponse response;
  int64_t listed = 0;
  bool cut = false;
  while (!cut && reader->Read(&response)) {
    for (const auto& r : response.records()) {
      if (listed++ == f.limit) {
        cut = true;
        break;
      }
      const std::string time = FormatTime(r.commit_time().seconds(), r.commit_time().nanos());
      const std::string hash = absl::BytesToHexString(r.chain_hash());
      if (context.json()) {
        context.Print(Json{{"position", r.position()},
                           {"commit_time", time},
                           {"bytes", r.record().size()},
                           {"chain_hash", hash}});
      } else {
        table.Row({r.position(), time, absl::StrCat(r.record().size()), hash});
      }
    }
  }
  if (cut) call.TryCancel();
  const grpc::Status status = reader->Finish();
  if (!cut && !status.ok()) return Report(context, status);
  if (!context.json()) context.output == "csv" ? table.PrintCsv(std::cout) : table.Print(std::cout);
  if (cut)
    std::cerr << "fiscal: only " << f.limit
              << " records are shown; --after and --limit show more\n";
  return kOk;
}

int Print(Context& context, const absl::StatusOr<Proof>& proof, const std::string& key = "") {
  if (!proof.ok()) {
    std::cerr << "fiscal: " << proof.status().message() << "\n";
    return kFailure;
  }
  if (context.json()) {
    std::cout << ToJson(*proof);
  } else {
    std::cout << "the server says: " << Describe(*proof) << "\n" << key;
    std::cerr << "fiscal: -o json writes what `fiscal log verify` checks\n";
  }
  return kOk;
}

int RunTreeHead(Context& context) {
  const auto stub = fiscal::log::v1::EventLogService::NewStub(context.connection().channel());
  fiscal::log::v1::GetTreeHeadResponse r;
  const grpc::Status status = context.connection().Call([&](grpc::ClientContext* c) {
    return stub->GetTreeHead(c, fiscal::log::v1::GetTreeHeadRequest(), &r);
  });
  if (!status.ok()) return Report(context, status);
  return Print(context, FromProto(r.tree_head()), r.public_key_pem());
}

// The whole file, or stdin for "-".
std::optional<std::string> ReadAll(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& in = path == "-" ? std::cin : file;
  if (!in) return std::nullopt;
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) return std::nullopt;
  return bytes;
}

// The keys as the log says; with a trusted one, that and those it leads to, for
// `log verify --public-key`.
int RunKeys(Context& context, const Flags& f) {
  const auto stub = fiscal::log::v1::EventLogService::NewStub(context.connection().channel());
  fiscal::log::v1::GetKeysResponse r;
  const grpc::Status status = context.connection().Call([&](grpc::ClientContext* c) {
    return stub->GetKeys(c, fiscal::log::v1::GetKeysRequest(), &r);
  });
  if (!status.ok()) return Report(context, status);
  if (!f.public_key.empty()) {
    const std::optional<std::string> trusted = ReadAll(f.public_key);
    if (!trusted.has_value()) return Usage(absl::StrCat("can't read ", f.public_key));
    std::vector<client::KeyChange> changes;
    for (const auto& c : r.changes()) changes.push_back({c.public_key_pem(), c.signature()});
    std::cout << client::FollowKeys(*trusted, absl::HexStringToBytes(r.log_id()), changes);
    return kOk;
  }
  for (const auto& c : r.changes()) {
    const std::string time = FormatTime(c.commit_time().seconds(), c.commit_time().nanos());
    if (context.json()) {
      context.Print(Json{{"position", c.position()},
                         {"commit_time", time},
                         {"principal", c.principal()},
                         {"public_key_pem", c.public_key_pem()},
                         {"signature", absl::BytesToHexString(c.signature())}});
    } else {
      std::cout << "event " << c.position() << ", " << time << ", by " << c.principal()
                << (c.signature().empty() ? "" : ", vouched for by the key before") << "\n"
                << c.public_key_pem();
    }
  }
  return kOk;
}

int RunProve(Context& context, const Flags& f) {
  if (f.position.empty() == (f.since < 0)) return Usage("prove: one of --position and --since");
  const auto stub = fiscal::log::v1::EventLogService::NewStub(context.connection().channel());
  if (!f.position.empty()) {
    fiscal::log::v1::GetInclusionProofRequest request;
    fiscal::log::v1::GetInclusionProofResponse r;
    request.set_position(f.position);
    request.set_tree_size(f.tree_size);
    const grpc::Status status = context.connection().Call(
        [&](grpc::ClientContext* c) { return stub->GetInclusionProof(c, request, &r); });
    if (!status.ok()) return Report(context, status);
    return Print(context, FromProto(f.position, r));
  }
  fiscal::log::v1::GetConsistencyProofRequest request;
  fiscal::log::v1::GetConsistencyProofResponse r;
  request.set_old_tree_size(f.since);
  request.set_new_tree_size(f.tree_size);
  const grpc::Status status = context.connection().Call(
      [&](grpc::ClientContext* c) { return stub->GetConsistencyProof(c, request, &r); });
  if (!status.ok()) return Report(context, status);
  return Print(context, FromProto(r));
}

int RunVerify(Context& context, const Flags& f) {
  auto refuse = [&](const std::string& why) {
    std::cerr << "fiscal: " << why << "\n";
    if (context.json()) context.Print(Json{{"ok", false}, {"message", why}});
    return kRejected;
  };
  std::string texts[3];
  const std::string* const paths[] = {&f.public_key, &f.proof, &f.seen};
  for (size_t i = 0; i < 3; ++i) {
    if (paths[i]->empty()) continue;
    std::optional<std::string> text = ReadAll(*paths[i]);
    if (!text.has_value()) return Usage(absl::StrCat("can't read ", *paths[i]));
    texts[i] = *std::move(text);
  }
  const absl::StatusOr<Proof> proof = ParseProof(texts[1]);
  if (!proof.ok()) return refuse(absl::StrCat(f.proof, " is no proof: ", proof.status().message()));
  client::TreeHead seen;
  if (!f.seen.empty()) {
    const absl::StatusOr<Proof> kept = ParseProof(texts[2]);
    if (!kept.ok()) return refuse(absl::StrCat(f.seen, " is no proof: ", kept.status().message()));
    seen = HeadsOf(*kept).back();
  }
  const absl::Status status = VerifyProof(*proof, f.seen.empty() ? nullptr : &seen, texts[0]);
  if (!status.ok()) return refuse(absl::StrCat("NOT PROVED: ", status.message()));
  if (context.json()) {
    context.Print(Json{{"ok", true}, {"message", Describe(*proof)}});
  } else {
    std::cout << "proved: " << Describe(*proof) << "\n";
  }
  return kOk;
}

}  // namespace

void AddLog(CLI::App& app, Context& context) {
  auto f = std::make_shared<Flags>();
  CLI::App* c = app.add_subcommand("log", "List the records of the event log");
  c->add_option("--after", f->after, "Start after this position");
  c->add_option("--limit", f->limit, "At most so many")->capture_default_str()->check(AtLeast(1));
  c->callback([&context, c, f] {
    if (c->get_subcommands().empty()) context.run = [&context, f] { return Run(context, *f); };
  });

  c->add_subcommand("tree-head", "The log as it stands, in one signed hash")->callback([&context] {
    context.run = [&context] { return RunTreeHead(context); };
  });
  CLI::App* keys = c->add_subcommand("keys", "The keys that sign tree heads, as the log says");
  keys->add_option("--public-key", f->public_key,
                   "A key you trust (PEM): prints it and those it leads to, for `log verify`")
      ->type_name("FILE");
  keys->callback([&context, f] { context.run = [&context, f] { return RunKeys(context, *f); }; });
  CLI::App* prove =
      c->add_subcommand("prove", "Prove that an event is in the log, or that it only grew");
  prove->add_option("--position", f->position, "The event's position");
  prove->add_option("--since", f->since, "A tree size seen before")->check(AtLeast(0));
  prove->add_option("--tree-size", f->tree_size, "As of this size; without it, as of now")
      ->check(AtLeast(1));
  prove->callback([&context, f] { context.run = [&context, f] { return RunProve(context, *f); }; });
  CLI::App* verify =
      c->add_subcommand("verify", "Check a tree head or proof offline; exit 0 only when it holds");
  verify
      ->add_option("--public-key", f->public_key,
                   "The log's public key (PEM); several, one behind the other, from `log keys`")
      ->required()
      ->type_name("FILE");
  verify
      ->add_option("--seen", f->seen,
                   "A document whose newest tree head must be one of the proof's")
      ->type_name("FILE");
  verify->add_option("proof", f->proof, "The document; - or nothing is stdin")->type_name("FILE");
  verify->callback(
      [&context, f] { context.run = [&context, f] { return RunVerify(context, *f); }; });
}

}  // namespace fiscal::cli
