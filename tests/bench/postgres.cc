#include "tests/bench/postgres.h"

#include <libpq-fe.h>

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/bench/peer.h"

namespace fiscal::bench {
namespace {

constexpr char kSchema[] = R"sql(
CREATE TABLE path (division int, agency text, type int, node_division int, node text,
                   PRIMARY KEY (division, agency, type, node_division));
CREATE TABLE lines (division int, agency text, year int, stage int, line_id text, direction int,
                    functional int, dept int, gov int, fund int, category int, funding_year int,
                    project text, amount bigint,
                    PRIMARY KEY (division, agency, year, stage, line_id));
CREATE TABLE cells (year int, stage int, node_division int, type int, node text, kind int,
                    functional int, dept int, gov int, project text, direction int, fund int,
                    category int, funding_year int, amount bigint, lines bigint,
                    PRIMARY KEY (year, stage, node_division, type, node, kind, functional, dept,
                                 gov, project, direction, fund, category, funding_year));
CREATE FUNCTION add_cells() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO cells
  SELECT n.year, n.stage, p.node_division, p.type, p.node, k.kind,
         CASE WHEN k.kind IN (0, 2) THEN n.functional ELSE 0 END,
         CASE WHEN k.kind IN (0, 4) THEN n.dept ELSE 0 END,
         CASE WHEN k.kind IN (0, 5) THEN n.gov ELSE 0 END,
         CASE WHEN k.kind = 0 THEN n.project ELSE '' END,
         n.direction, n.fund, n.category, n.funding_year, sum(n.amount), count(*)
  FROM added n
  JOIN path p ON p.division = n.division AND p.agency = n.agency
  JOIN (VALUES (0), (1), (2), (4), (5)) AS k(kind) ON (k.kind = 0) = (p.type = 4)
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
  ON CONFLICT (year, stage, node_division, type, node, kind, functional, dept, gov, project,
               direction, fund, category, funding_year)
  DO UPDATE SET amount = cells.amount + EXCLUDED.amount, lines = cells.lines + EXCLUDED.lines;
  RETURN NULL;
END $$;
CREATE TRIGGER add_cells AFTER INSERT ON lines REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION add_cells();
)sql";

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "fiscal-bench: PostgreSQL: %s\n", what.c_str());
  std::exit(1);
}

class PostgresImpl final : public Postgres {
 public:
  explicit PostgresImpl(const std::string& directory) {
    connection_ =
        PQconnectdb(absl::StrCat("host=", directory, " user=postgres dbname=postgres").c_str());
    if (PQstatus(connection_) != CONNECTION_OK) Die(PQerrorMessage(connection_));
  }
  ~PostgresImpl() override { PQfinish(connection_); }

  std::string Run(const std::string& sql) {
    PGresult* result = PQexec(connection_, sql.c_str());
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) Die(PQerrorMessage(connection_));
    std::string value = PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "";
    PQclear(result);
    return value;
  }

  void CopyIn(const std::string& sql, const std::string& rows) {
    PGresult* result = PQexec(connection_, sql.c_str());
    if (PQresultStatus(result) != PGRES_COPY_IN) Die(PQerrorMessage(connection_));
    PQclear(result);
    if (PQputCopyData(connection_, rows.data(), static_cast<int>(rows.size())) != 1 ||
        PQputCopyEnd(connection_, nullptr) != 1)
      Die(PQerrorMessage(connection_));
    while ((result = PQgetResult(connection_)) != nullptr) {
      if (PQresultStatus(result) != PGRES_COMMAND_OK) Die(PQerrorMessage(connection_));
      PQclear(result);
    }
  }

  void MakeTables(const Province& province) {
    Run("SET client_min_messages = warning");
    Run("DROP TABLE IF EXISTS lines, cells, path; DROP FUNCTION IF EXISTS add_cells()");
    Run(kSchema);
    CopyIn("COPY path FROM STDIN", PathRows(province));
    Run("ANALYZE path");
  }

  double Copy(const std::vector<submission::v1::SubmitBudgetRequest>& budgets) override {
    std::vector<std::string> texts;
    for (const auto& b : budgets) texts.push_back(LineRows(b));
    const absl::Time start = absl::Now();
    for (const std::string& rows : texts) CopyIn("COPY lines FROM STDIN", rows);
    return absl::ToDoubleSeconds(absl::Now() - start);
  }

  int64_t Expenditure(const std::string& division, int year, int stage) override {
    return std::atoll(Run(absl::StrCat("SELECT coalesce(sum(amount), 0) FROM cells WHERE type = 1 "
                                       "AND kind = 1 AND node_division = ",
                                       division, " AND year = ", year, " AND stage = ", stage))
                          .c_str());
  }

  std::string version() const override { return PQparameterStatus(connection_, "server_version"); }

 private:
  PGconn* connection_;
};

}  // namespace

std::unique_ptr<Postgres> Postgres::Connect(const std::string& directory,
                                            const Province& province) {
  auto postgres = std::make_unique<PostgresImpl>(directory);
  postgres->MakeTables(province);
  return postgres;
}

}  // namespace fiscal::bench
