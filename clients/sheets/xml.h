// One part of a workbook as XML: elements of the workbook's own vocabularies, nothing of foreign
// ones, no document types.
#ifndef FISCAL_CLIENTS_SHEETS_XML_H_
#define FISCAL_CLIENTS_SHEETS_XML_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fiscal::sheets {

// The attributes of one element; valid while it starts.
class XmlAttributes {
 public:
  // Expat's list: name, value, name, value, null.
  explicit XmlAttributes(const char* const* list) : list_(list) {}
  // Empty where there is none.
  absl::string_view Get(absl::string_view name) const;
  // The id of a relationship, r:id.
  absl::string_view RelationshipId() const;

 private:
  const char* const* list_;
};

class XmlHandler {
 public:
  virtual ~XmlHandler() = default;
  // `path` names the elements that are open, the outermost first and the one that starts or ends
  // last, without their namespaces. An error ends the parsing.
  using Path = std::vector<std::string>;
  virtual absl::Status Start(const Path& path, const XmlAttributes& attributes) = 0;
  virtual absl::Status End(const Path& path) { return absl::OkStatus(); }
  // Text comes in pieces.
  virtual void Text(const Path& path, absl::string_view text) {}
};

// INVALID_ARGUMENT with the line for what is not well-formed, nests deeper than 64 or declares a
// document type.
absl::Status ParseXml(absl::string_view xml, XmlHandler& handler);

}  // namespace fiscal::sheets

#endif  // FISCAL_CLIENTS_SHEETS_XML_H_
