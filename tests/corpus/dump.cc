// fiscal-corpus [--documents N] [--seed S] --dump DIR: writes made disclosures and labels.json into
// a folder.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "tests/corpus/corpus.h"

int main(int argc, char** argv) {
  std::string folder;
  uint64_t seed = 1;
  int documents = 40;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--dump") folder = argv[i + 1];
    if (flag == "--seed") seed = std::strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--documents") documents = std::atoi(argv[i + 1]);
  }
  if (folder.empty()) {
    std::fprintf(stderr, "usage: fiscal-corpus [--documents N] [--seed S] --dump DIR\n");
    return 2;
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!fiscal::corpus::DumpSamples(folder, seed, documents)) {
    std::fprintf(stderr, "cannot write into %s\n", folder.c_str());
    return 1;
  }
  return 0;
}
