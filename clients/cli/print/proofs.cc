#include "clients/cli/print/proofs.h"

#include <map>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "clients/cli/print/json.h"
#include "domain/moment.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace fiscal::cli {
namespace {

using client::ConsistencyProof;
using client::InclusionProof;
using client::TreeHead;
using google::protobuf::Struct;
using google::protobuf::Value;

std::string TimeText(int64_t us) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6S%Ez", absl::FromUnixMicros(us),
                          absl::FixedTimeZone(8 * 60 * 60));
}

std::string Hex(absl::string_view bytes) { return absl::BytesToHexString(bytes); }

Json HeadJson(const TreeHead& h) {
  return {{"log_id", Hex(h.log_id)},
          {"tree_size", absl::StrCat(h.tree_size)},
          {"root_hash", Hex(BytesOf(h.root_hash))},
          {"head_time", TimeText(h.time_us)},
          {"signature", Hex(h.signature)}};
}

Json PathJson(const std::vector<Digest>& path) {
  return JsonList(path, [](const Digest& d) { return Json(Hex(BytesOf(d))); });
}

// Reads the fields of one object, each once; the first that is wrong is kept as the error.
class Fields {
 public:
  Fields(const Struct& object, std::string path) : object_(object), path_(std::move(path)) {}

  const Value* Get(const std::string& name, Value::KindCase kind) {
    ++read_;
    auto it = object_.fields().find(name);
    if (it == object_.fields().end()) return Fail(name, "is missing");
    if (it->second.kind_case() != kind) return Fail(name, "has another type");
    return &it->second;
  }
  std::string Text(const std::string& name) {
    const Value* value = Get(name, Value::kStringValue);
    return value == nullptr ? "" : value->string_value();
  }
  // `size` bytes; any number when 0.
  std::string Bytes(const std::string& name, size_t size) { return Unhex(name, Text(name), size); }
  Digest Hash(const std::string& name) { return ToDigest(Bytes(name, 32)); }
  uint64_t Number(const std::string& name) {
    const std::string text = Text(name);
    uint64_t v = 0;
    if (!absl::SimpleAtoi(text, &v) || absl::StrCat(v) != text) Fail(name, "is no number");
    return v;
  }
  int64_t Time(const std::string& name) {
    const std::string text = Text(name);
    absl::Time time;
    // Only the form that is written, so that what is checked is what is read.
    if (!absl::ParseTime(absl::RFC3339_full, text, &time, nullptr) ||
        TimeText(absl::ToUnixMicros(time)) != text) {
      Fail(name, "is not of the form 2024-03-01T10:00:00.000000+08:00");
    }
    return absl::ToUnixMicros(time);
  }
  std::vector<Digest> Path(const std::string& name) {
    std::vector<Digest> path;
    const Value* value = Get(name, Value::kListValue);
    if (value == nullptr) return path;
    for (const Value& hash : value->list_value().values())
      path.push_back(ToDigest(Unhex(name, hash.string_value(), 32)));
    return path;
  }
  TreeHead Head(const std::string& name) {
    TreeHead head;
    const Value* value = Get(name, Value::kStructValue);
    if (value == nullptr) return head;
    Fields fields(value->struct_value(), absl::StrCat(path_, name, "."));
    head.log_id = fields.Bytes("log_id", 16);
    head.tree_size = fields.Number("tree_size");
    head.root_hash = fields.Hash("root_hash");
    head.time_us = fields.Time("head_time");
    head.signature = fields.Bytes("signature", 64);
    const absl::Status status = fields.End();
    if (status_.ok()) status_ = status;
    return head;
  }
  // After all were read.
  absl::Status End() {
    if (status_.ok() && object_.fields_size() != read_)
      return absl::InvalidArgumentError(absl::StrCat(path_, "it has fields that are unknown"));
    return status_;
  }

 private:
  const Value* Fail(const std::string& name, absl::string_view what) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat(path_, name, " ", what));
    return nullptr;
  }
  std::string Unhex(const std::string& name, const std::string& hex, size_t size) {
    std::string bytes;
    if (hex.size() % 2 == 0 && hex.find_first_not_of("0123456789abcdef") == std::string::npos)
      bytes = absl::HexStringToBytes(hex);
    if (bytes.empty() || (size > 0 && bytes.size() != size)) {
      Fail(name, size == 0 ? "is not lower-case hexadecimal"
                           : absl::StrCat("is not ", size, " bytes in lower-case hexadecimal"));
      return "";
    }
    return bytes;
  }
  static Digest ToDigest(const std::string& bytes) {
    return bytes.size() == 32 ? DigestOf(bytes) : Digest{};
  }

  const Struct& object_;
  const std::string path_;
  int read_ = 0;
  absl::Status status_;
};

absl::Status Malformed() {
  return absl::InvalidArgumentError("the server's answer is no proof: a field has another size");
}

template <typename Hashes>
bool ReadPath(const Hashes& hashes, std::vector<Digest>* path) {
  for (const std::string& hash : hashes) {
    if (hash.size() != 32) return false;
    path->push_back(DigestOf(hash));
  }
  return true;
}

std::string Size(const TreeHead& head) {
  return absl::StrCat(head.tree_size, head.tree_size == 1 ? " event" : " events",
                      head.tree_size == 0 ? "" : absl::StrCat(" (", TimeText(head.time_us), ")"));
}

template <typename... T>
struct Overloaded : T... {
  using T::operator()...;
};
template <typename... T>
Overloaded(T...) -> Overloaded<T...>;

}  // namespace

std::string ToJson(const Proof& proof) {
  const Json json =
      std::visit(Overloaded{[](const TreeHead& head) {
                              return Json{{"proof", "tree_head"}, {"tree_head", HeadJson(head)}};
                            },
                            [](const InclusionProof& p) {
                              return Json{{"proof", "inclusion"},
                                          {"tree_head", HeadJson(p.head)},
                                          {"position", absl::StrCat(p.position)},
                                          {"record_header", Hex(p.record_header)},
                                          {"hashes", PathJson(p.path)}};
                            },
                            [](const ConsistencyProof& p) {
                              return Json{{"proof", "consistency"},
                                          {"old_tree_head", HeadJson(p.old_head)},
                                          {"new_tree_head", HeadJson(p.new_head)},
                                          {"hashes", PathJson(p.path)}};
                            }},
                 proof);
  return OneLine(json) + "\n";
}

absl::StatusOr<Proof> ParseProof(const std::string& json) {
  Struct object;
  if (!google::protobuf::util::JsonStringToMessage(json, &object).ok())
    return absl::InvalidArgumentError("it is not a JSON object");
  Fields fields(object, "");
  const std::string kind = fields.Text("proof");
  Proof proof;
  if (kind == "tree_head") {
    proof = fields.Head("tree_head");
  } else if (kind == "inclusion") {
    InclusionProof p;
    p.head = fields.Head("tree_head");
    p.position = fields.Number("position");
    p.record_header = fields.Bytes("record_header", 0);
    p.path = fields.Path("hashes");
    proof = std::move(p);
  } else if (kind == "consistency") {
    ConsistencyProof p;
    p.old_head = fields.Head("old_tree_head");
    p.new_head = fields.Head("new_tree_head");
    p.path = fields.Path("hashes");
    proof = std::move(p);
  } else {
    return absl::InvalidArgumentError("proof is none of tree_head, inclusion, consistency");
  }
  FISCAL_RETURN_IF_ERROR(fields.End());
  return proof;
}

std::vector<TreeHead> HeadsOf(const Proof& proof) {
  return std::visit(
      Overloaded{[](const TreeHead& head) { return std::vector<TreeHead>{head}; },
                 [](const InclusionProof& p) { return std::vector<TreeHead>{p.head}; },
                 [](const ConsistencyProof& p) {
                   return std::vector<TreeHead>{p.old_head, p.new_head};
                 }},
      proof);
}

absl::Status VerifyProof(const Proof& proof, const TreeHead* seen,
                         absl::string_view public_key_pem) {
  FISCAL_RETURN_IF_ERROR(
      std::visit([&](const auto& p) { return client::Verify(p, public_key_pem); }, proof));
  if (seen == nullptr) return absl::OkStatus();
  for (const TreeHead& head : HeadsOf(proof)) {
    if (head.tree_size == seen->tree_size)
      return client::Verify(ConsistencyProof{*seen, head, {}}, public_key_pem);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the proof has no tree head of size ", seen->tree_size, ", the one seen"));
}

std::string Describe(const Proof& proof) {
  return std::visit(
      Overloaded{[](const TreeHead& h) {
                   return absl::StrCat("the log ", Hex(h.log_id), " has ", Size(h), " with root ",
                                       Hex(BytesOf(h.root_hash)));
                 },
                 [](const InclusionProof& p) {
                   return absl::StrCat(
                       "event ", p.position, ", whose payload has digest ",
                       Hex(absl::string_view(p.record_header).substr(p.record_header.size() - 32)),
                       ", is in the log ", Hex(p.head.log_id), " of ", Size(p.head));
                 },
                 [](const ConsistencyProof& p) {
                   return absl::StrCat("the log ", Hex(p.new_head.log_id), " of ", Size(p.new_head),
                                       " starts with that of ", Size(p.old_head));
                 }},
      proof);
}

absl::StatusOr<TreeHead> FromProto(const log::v1::SignedTreeHead& head) {
  TreeHead out;
  out.log_id = absl::HexStringToBytes(head.log_id());
  if (head.root_hash().size() != 32 || head.tree_size() < 0) return Malformed();
  out.tree_size = static_cast<uint64_t>(head.tree_size());
  out.root_hash = DigestOf(head.root_hash());
  out.time_us = absl::ToUnixMicros(absl::FromUnixSeconds(head.head_time().seconds()) +
                                   absl::Nanoseconds(head.head_time().nanos()));
  out.signature = head.signature();
  return out;
}

absl::StatusOr<Proof> FromProto(const std::string& position,
                                const log::v1::GetInclusionProofResponse& response) {
  InclusionProof p;
  FISCAL_ASSIGN_OR_RETURN(p.head, FromProto(response.tree_head()));
  const std::optional<domain::Moment> at = domain::Moment::Parse(position);
  if (at.has_value()) p.position = at->position().value();
  if (!at.has_value() || !ReadPath(response.hashes(), &p.path) ||
      response.record_header().size() < 32)
    return Malformed();
  p.record_header = response.record_header();
  return p;
}

absl::StatusOr<Proof> FromProto(const log::v1::GetConsistencyProofResponse& response) {
  ConsistencyProof p;
  FISCAL_ASSIGN_OR_RETURN(p.old_head, FromProto(response.old_tree_head()));
  FISCAL_ASSIGN_OR_RETURN(p.new_head, FromProto(response.new_tree_head()));
  if (!ReadPath(response.hashes(), &p.path)) return Malformed();
  return p;
}

}  // namespace fiscal::cli
