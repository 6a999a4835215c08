#include "clients/importer/pdf.h"

#include <poppler/cpp/poppler-document.h>
#include <poppler/cpp/poppler-global.h>
#include <poppler/cpp/poppler-page.h>

#include <algorithm>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace fiscal::importer {
namespace {

constexpr int kPagesMax = 2000;

// Drops poppler's messages: damage is reported once, by us.
void Silent(const std::string&, void*) {}

}  // namespace

bool IsPdf(absl::string_view bytes) { return absl::StartsWith(bytes, "%PDF-"); }

absl::StatusOr<std::string> PdfToText(absl::string_view bytes) {
  poppler::set_debug_error_function(Silent, nullptr);
  const std::unique_ptr<poppler::document> document(poppler::document::load_from_raw_data(
      bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), 1u << 30))));
  if (document == nullptr) return absl::InvalidArgumentError("the PDF is damaged");
  if (document->is_locked()) return absl::InvalidArgumentError("the PDF is encrypted");
  if (document->pages() > kPagesMax)
    return absl::InvalidArgumentError(absl::StrCat("the PDF has more than ", kPagesMax, " pages"));
  std::string text;
  bool any = false;
  for (int i = 0; i < document->pages(); ++i) {
    const std::unique_ptr<poppler::page> page(document->create_page(i));
    if (page == nullptr)
      return absl::InvalidArgumentError(absl::StrCat("page ", i + 1, " of the PDF is damaged"));
    const poppler::byte_array utf8 =
        page->text(poppler::rectf(), poppler::page::physical_layout).to_utf8();
    for (char c : utf8) any = any || static_cast<unsigned char>(c) > ' ';
    if (i > 0) text += '\f';
    text.append(utf8.data(), utf8.size());
    if (!absl::EndsWith(text, "\n")) text += '\n';
  }
  if (!any) return absl::InvalidArgumentError("the PDF has no text: it is a scan");
  return text;
}

}  // namespace fiscal::importer
