// Configurations: any bytes of a file, and any text of a variable or flag, load or are refused in
// one line, without a crash; what loads prints as a file that loads to the same. The first byte
// says which: a file, or a path and a value. A seed: tests/fuzz/seeds/config.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "services/config/config.h"

namespace {

// A file in memory with these bytes; the loader takes paths.
const std::string& FileWith(absl::string_view bytes) {
  static const int fd = memfd_create("config", MFD_CLOEXEC);
  static const auto* const path = new std::string(absl::StrCat("/proc/self/fd/", fd));
  if (ftruncate(fd, 0) != 0 ||
      pwrite(fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    std::abort();
  return *path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  fiscal::services::ConfigSources sources;
  sources.flags.push_back({"server.data_dir", "/d", "--data-dir"});
  if (data[0] % 2 == 0) {
    sources.file = FileWith(bytes);
  } else {
    const std::string text(bytes);
    const size_t equals = text.find('=');
    const std::string value = equals == std::string::npos ? "" : text.substr(equals + 1);
    if (data[0] % 4 == 1) sources.flags.push_back({text.substr(0, equals), value, "--set"});
    if (data[0] % 4 == 3)
      sources.environment.emplace_back("FISCAL_SERVE_" + text.substr(0, equals), value);
  }
  const auto config = fiscal::services::Load(sources);
  if (!config.ok()) {
    const absl::string_view message = config.status().message();
    if (message.empty() || message.find('\n') != absl::string_view::npos ||
        message.find('\r') != absl::string_view::npos)
      std::abort();
    return 0;
  }
  const std::string printed = fiscal::services::Print(*config);
  const auto again = fiscal::services::Load({FileWith(printed), {}, {}});
  if (!again.ok() || again->SerializeAsString() != config->SerializeAsString()) std::abort();
  return 0;
}
