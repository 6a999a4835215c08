#include "clients/sheets/xml.h"

#include <expat.h>

#include <climits>
#include <memory>
#include <type_traits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace fiscal::sheets {
namespace {

constexpr size_t kDepthMax = 64;
// Stands between a namespace and a name in what expat gives.
constexpr char kSeparator = '|';

// Transitional and strict workbooks differ in their namespaces.
constexpr absl::string_view kVocabularies[] = {
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
    "http://schemas.openxmlformats.org/package/2006/relationships",
};

// The name without its namespace; empty when that is a foreign one.
absl::string_view OwnName(absl::string_view name) {
  const size_t at = name.rfind(kSeparator);
  if (at == absl::string_view::npos) return {};
  for (absl::string_view vocabulary : kVocabularies) {
    if (name.substr(0, at) == vocabulary) return name.substr(at + 1);
  }
  return {};
}

struct Walk {
  XML_Parser parser;
  XmlHandler& handler;
  XmlHandler::Path path;
  // Elements that are open below and with the foreign one they belong to.
  size_t foreign = 0;
  absl::Status status;

  void Stop(absl::Status why) {
    if (status.ok()) status = std::move(why);
    XML_StopParser(parser, XML_FALSE);
  }
};

void OnStart(void* data, const char* name, const char** attributes) {
  Walk& walk = *static_cast<Walk*>(data);
  if (!walk.status.ok()) return;
  if (walk.path.size() + walk.foreign == kDepthMax) {
    walk.Stop(absl::InvalidArgumentError(
        absl::StrCat("elements are nested more than ", kDepthMax, " deep")));
    return;
  }
  const absl::string_view own = walk.foreign > 0 ? absl::string_view() : OwnName(name);
  if (own.empty()) {
    ++walk.foreign;
    return;
  }
  walk.path.emplace_back(own);
  absl::Status status = walk.handler.Start(walk.path, XmlAttributes(attributes));
  if (!status.ok()) walk.Stop(std::move(status));
}

void OnEnd(void* data, const char*) {
  Walk& walk = *static_cast<Walk*>(data);
  if (!walk.status.ok()) return;
  if (walk.foreign > 0) {
    --walk.foreign;
    return;
  }
  absl::Status status = walk.handler.End(walk.path);
  walk.path.pop_back();
  if (!status.ok()) walk.Stop(std::move(status));
}

void OnText(void* data, const char* text, int length) {
  Walk& walk = *static_cast<Walk*>(data);
  if (!walk.status.ok() || walk.foreign > 0) return;
  walk.handler.Text(walk.path, absl::string_view(text, static_cast<size_t>(length)));
}

void OnDocumentType(void* data, const char*, const char*, const char*, int) {
  static_cast<Walk*>(data)->Stop(
      absl::InvalidArgumentError("it declares a document type, which no workbook does"));
}

}  // namespace

absl::string_view XmlAttributes::Get(absl::string_view name) const {
  for (const char* const* at = list_; *at != nullptr; at += 2) {
    if (name == *at) return at[1];
  }
  return {};
}

absl::string_view XmlAttributes::RelationshipId() const {
  for (const char* const* at = list_; *at != nullptr; at += 2) {
    if (absl::EndsWith(*at, "/relationships|id")) return at[1];
  }
  return {};
}

absl::Status ParseXml(absl::string_view xml, XmlHandler& handler) {
  if (xml.size() > INT_MAX) return absl::InvalidArgumentError("too large");
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, void (*)(XML_Parser)> parser(
      XML_ParserCreateNS(nullptr, kSeparator), &XML_ParserFree);
  Walk walk{parser.get(), handler, {}, 0, absl::OkStatus()};
  XML_SetUserData(parser.get(), &walk);
  XML_SetElementHandler(parser.get(), &OnStart, &OnEnd);
  XML_SetCharacterDataHandler(parser.get(), &OnText);
  XML_SetStartDoctypeDeclHandler(parser.get(), &OnDocumentType);
  // In one piece: a long token in many pieces is scanned again with each.
  const XML_Status parsed =
      XML_Parse(parser.get(), xml.data(), static_cast<int>(xml.size()), XML_TRUE);
  if (parsed == XML_STATUS_OK) return absl::OkStatus();
  const std::string why = walk.status.ok() ? XML_ErrorString(XML_GetErrorCode(parser.get()))
                                           : std::string(walk.status.message());
  return absl::InvalidArgumentError(
      absl::StrCat("line ", XML_GetCurrentLineNumber(parser.get()), ": ", why));
}

}  // namespace fiscal::sheets
