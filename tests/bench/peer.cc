#include "tests/bench/peer.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "absl/strings/str_cat.h"
#include "tests/bench/load.h"

namespace fiscal::bench {
namespace {

std::string Made(const std::string& directory) {
  std::filesystem::create_directories(directory);
  return directory;
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  if (!(file << text) || !file.flush()) Die(absl::StrCat(path, " can't be written"));
}

}  // namespace

std::string PathRows(const Province& province) {
  std::map<std::string, std::string> parents;
  for (const auto& r : province.Catalog(Province::kYear)) {
    if (r.list() != catalog::v1::CATALOG_LIST_DIVISION) continue;
    for (const auto& e : r.entries()) parents[e.code()] = e.parent_code();
  }
  std::string rows;
  for (const Province::Agency& a : province.agencies()) {
    auto row = [&](int type, const std::string& division, const std::string& node) {
      absl::StrAppend(&rows, a.division, "\t", a.code, "\t", type, "\t", division, "\t", node,
                      "\n");
    };
    row(4, a.division, a.code);
    row(3, a.division, a.department);
    row(2, a.division, "");
    for (std::string d = a.division; !d.empty(); d = parents[d]) row(1, d, "");
  }
  return rows;
}

std::string LineRows(const submission::v1::SubmitBudgetRequest& budget) {
  std::string rows;
  for (const auto& l : budget.line_items()) {
    auto code = [](const std::string& c) { return c.empty() ? std::string("0") : c; };
    absl::StrAppend(&rows, budget.budget().division_code(), "\t", budget.budget().agency_code(),
                    "\t", budget.budget().fiscal_year(), "\t", budget.budget().stage(), "\t",
                    l.line_id(), "\t", l.direction(), "\t", code(l.functional_code()));
    absl::StrAppend(&rows, "\t", code(l.dept_economic_code()), "\t", code(l.gov_economic_code()),
                    "\t", l.fund(), "\t", l.category(), "\t", l.funding_year(), "\t",
                    l.project_code(), "\t", l.amount_fen(), "\n");
  }
  return rows;
}

Peer::Peer(const std::string& python, const std::string& engine, const std::string& directory,
           const Province& province)
    : directory_(Made(directory)), process_({python, "tests/bench/peers.py", engine, directory_}) {
  connection_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(process_.port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(connection_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    Die(absl::StrCat(engine, " can't be reached"));
  const std::string paths = directory_ + "/paths";
  WriteFile(paths, PathRows(province));
  Ask(absl::StrCat("paths ", paths));
}

Peer::~Peer() { close(connection_); }

std::string Peer::Ask(const std::string& line) {
  const std::string request = line + "\n";
  if (send(connection_, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size()))
    Die(absl::StrCat("a peer does not take: ", line));
  std::string answer;
  for (char c; recv(connection_, &c, 1, 0) == 1;) {
    if (c == '\n') return answer;
    answer += c;
  }
  Die(absl::StrCat("a peer does not answer: ", line));
}

Peer::Spent Peer::Load(const std::vector<submission::v1::SubmitBudgetRequest>& budgets) {
  std::string request = "load";
  for (size_t i = 0; i < budgets.size(); ++i) {
    const std::string path = absl::StrCat(directory_, "/statement-", i);
    WriteFile(path, LineRows(budgets[i]));
    absl::StrAppend(&request, " ", path);
  }
  Spent spent;
  if (std::sscanf(Ask(request).c_str(), "%lf %lf", &spent.seconds, &spent.cpu_seconds) != 2)
    Die("a peer does not say how long it took");
  return spent;
}

std::string Peer::Expenditure(const std::string& division, int year, int stage) {
  return Ask(absl::StrCat("expenditure ", division, " ", year, " ", stage));
}

}  // namespace fiscal::bench
