"""DuckDB or ClickHouse doing the same job, for comparison: each statement one durable insert of its
lines, and the same cells kept beside them (leaf cells of agencies; unclassified, functional and
economic cells of department, own level and every division above).

    peers.py duckdb|clickhouse DIRECTORY

Serves one connection on loopback and says its port as the benchmark's other servers do. A request
is a line, its answer another: `version`; `paths FILE`, `load FILE...` (tab-separated rows), which
answers seconds of the clock and of the processor; `expenditure DIVISION YEAR STAGE`, in fen.
"""
import resource
import socket
import sys
import time

LINES = [("division", "INTEGER"), ("agency", "VARCHAR"), ("year", "INTEGER"), ("stage", "INTEGER"),
         ("line_id", "VARCHAR"), ("direction", "INTEGER"), ("functional", "INTEGER"),
         ("dept", "INTEGER"), ("gov", "INTEGER"), ("fund", "INTEGER"), ("category", "INTEGER"),
         ("funding_year", "INTEGER"), ("project", "VARCHAR"), ("amount", "BIGINT")]
PATHS = [("division", "INTEGER"), ("agency", "VARCHAR"), ("type", "INTEGER"),
         ("node_division", "INTEGER"), ("node", "VARCHAR")]
CELL_KEY = ("year, stage, node_division, type, node, kind, functional, dept, gov, project, "
            "direction, fund, category, funding_year")


def cells_of(lines, kinds):
    """The cells that some lines add to; `kinds` makes a row for each kind of p.type."""
    return f"""
        SELECT year, stage, node_division, type, node, kind,
               CASE WHEN kind IN (0, 2) THEN functional ELSE 0 END AS functional,
               CASE WHEN kind IN (0, 4) THEN dept ELSE 0 END AS dept,
               CASE WHEN kind IN (0, 5) THEN gov ELSE 0 END AS gov,
               CASE WHEN kind = 0 THEN project ELSE '' END AS project,
               direction, fund, category, funding_year, sum(amount) AS amount, count(*) AS lines
        FROM (SELECT n.*, p.type, p.node_division, p.node, {kinds} AS kind
              FROM {lines} AS n
              INNER JOIN path AS p ON p.division = n.division AND p.agency = n.agency)
        GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14"""


class DuckDb:
    """A transaction a statement; the write-ahead log is synced when it commits, as by default."""

    def __init__(self, directory):
        import duckdb
        self.version = f"DuckDB {duckdb.__version__}"
        self.db = duckdb.connect(f"{directory}/duckdb")
        columns = ", ".join(f"{name} {kind}" for name, kind in LINES)
        self.db.execute(f"CREATE TABLE lines ({columns})")
        self.db.execute("CREATE TABLE path (division INTEGER, agency VARCHAR, type INTEGER, "
                        "node_division INTEGER, node VARCHAR)")
        self.db.execute(
            "CREATE TABLE cells (year INTEGER, stage INTEGER, node_division INTEGER, "
            "type INTEGER, node VARCHAR, kind INTEGER, functional INTEGER, dept INTEGER, "
            "gov INTEGER, project VARCHAR, direction INTEGER, fund INTEGER, category INTEGER, "
            f"funding_year INTEGER, amount HUGEINT, lines BIGINT, PRIMARY KEY ({CELL_KEY}))")
        kinds = "unnest(CASE WHEN p.type = 4 THEN [0] ELSE [1, 2, 4, 5] END)"
        self.add = ("INSERT INTO cells " + cells_of("added", kinds) +
                    f" ON CONFLICT ({CELL_KEY}) DO UPDATE SET "
                    "amount = amount + EXCLUDED.amount, lines = lines + EXCLUDED.lines")

    @staticmethod
    def read(file, columns):
        types = ", ".join(f"'{name}': '{kind}'" for name, kind in columns)
        return (f"read_csv('{file}', delim='\t', header=false, quote='', nullstr='\\N', "
                f"columns={{{types}}})")

    def paths(self, file):
        self.db.execute(f"INSERT INTO path SELECT * FROM {self.read(file, PATHS)}")

    def load(self, file):
        self.db.execute("BEGIN")
        self.db.execute(
            f"CREATE OR REPLACE TEMP TABLE added AS SELECT * FROM {self.read(file, LINES)}")
        self.db.execute("INSERT INTO lines SELECT * FROM added")
        self.db.execute(self.add)
        self.db.execute("COMMIT")

    def expenditure(self, division, year, stage):
        return self.db.execute(
            "SELECT coalesce(sum(amount), 0) FROM cells WHERE type = 1 AND kind = 1 "
            f"AND node_division = {division} AND year = {year} AND stage = {stage}").fetchone()[0]


class ClickHouse:
    """An INSERT a statement, parts synced; a materialized view keeps cells, summed when merged."""

    TYPES = {"INTEGER": "Int32", "VARCHAR": "String", "BIGINT": "Int64"}
    DURABLE = "SETTINGS fsync_after_insert = 1, fsync_part_directory = 1"

    def __init__(self, directory):
        import chdb
        from chdb import session
        self.db = session.Session(f"{directory}/clickhouse")
        self.version = f"ClickHouse {self.ask('SELECT version()')} (chdb {chdb.__version__})"
        self.ask("CREATE DATABASE bench ENGINE = Atomic")
        self.ask("USE bench")
        self.ask(f"CREATE TABLE lines ({self.columns(LINES)}) ENGINE = MergeTree "
                 f"ORDER BY (division, agency, year, stage, line_id) {self.DURABLE}")
        self.ask(f"CREATE TABLE path ({self.columns(PATHS)}) ENGINE = Join(ALL, INNER, division, "
                 "agency)")
        self.ask("CREATE TABLE cells (year Int32, stage Int32, node_division Int32, type Int32, "
                 "node String, kind Int32, functional Int32, dept Int32, gov Int32, "
                 "project String, direction Int32, fund Int32, category Int32, "
                 "funding_year Int32, amount Int128, lines Int64) "
                 f"ENGINE = SummingMergeTree((amount, lines)) ORDER BY ({CELL_KEY}) {self.DURABLE}")

    def columns(self, columns):
        return ", ".join(f"{name} {self.TYPES[kind]}" for name, kind in columns)

    def ask(self, sql):
        return self.db.query(sql, "CSV").data().strip().strip('"')

    def read(self, file, columns):
        return f"file('{file}', 'TSV', '{self.columns(columns)}')"

    def paths(self, file):
        self.ask(f"INSERT INTO path SELECT * FROM {self.read(file, PATHS)}")
        view = cells_of("lines", "arrayJoin(if(p.type = 4, [0], [1, 2, 4, 5]))")
        self.ask(f"CREATE MATERIALIZED VIEW adding TO cells AS {view}")

    def load(self, file):
        self.ask(f"INSERT INTO lines SELECT * FROM {self.read(file, LINES)}")

    def expenditure(self, division, year, stage):
        return self.ask("SELECT sum(amount) FROM cells WHERE type = 1 AND kind = 1 "
                        f"AND node_division = {division} AND year = {year} AND stage = {stage}")


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def answer(engine, command, words):
    if command == "version":
        return engine.version
    if command == "expenditure":
        return engine.expenditure(*words)
    start, processor = time.monotonic(), processor_seconds()
    for file in words:
        (engine.paths if command == "paths" else engine.load)(file)
    return f"{time.monotonic() - start:.6f} {processor_seconds() - processor:.6f}"


def main():
    engine = {"duckdb": DuckDb, "clickhouse": ClickHouse}[sys.argv[1]](sys.argv[2])
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"serving on port {listener.getsockname()[1]}", file=sys.stderr, flush=True)
    connection, _ = listener.accept()
    with connection.makefile("rw") as stream:
        for line in stream:
            command, *words = line.split()
            stream.write(f"{answer(engine, command, words)}\n")
            stream.flush()


if __name__ == "__main__":
    main()
