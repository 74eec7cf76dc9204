"""duckdb: SQL on two threads; it calls no Python function."""

import duckdb

from benchmarks.peers import work
from benchmarks.peers.command import main

#: A file of lines as a table of one column. The separator is in no input.
LINES = """read_csv({files}, columns={{'line': 'VARCHAR'}}, delim='\x01', quote='',
    escape='', header=false, auto_detect=false, strict_mode=false, new_line='\\n')"""
COPY = "COPY ({query}) TO '{out}' (HEADER false, DELIMITER '\t', QUOTE '', ESCAPE '')"


def connection(out: str, ordered: bool) -> duckdb.DuckDBPyConnection:
    """A database in memory, that spills beside the output."""
    made = duckdb.connect()
    made.execute(f"SET threads = {work.WORKERS}")
    made.execute(f"SET preserve_insertion_order = {str(ordered).lower()}")
    made.execute(f"SET temp_directory = '{out}.spilled'")
    return made


def copy(query: str, out: str, ordered: bool = False) -> None:
    """Run the query and write its columns between tabs."""
    connection(out, ordered).execute(COPY.format(query=query, out=out))


def words(out: str, inputs: list[str]) -> None:
    """Count words."""
    lines = LINES.format(files=inputs)
    copy(
        f"""SELECT word, count(*) FROM
        (SELECT unnest(string_split(lower(line), ' ')) AS word FROM {lines})
        WHERE word <> '' GROUP BY word""",
        out,
    )


def group(out: str, inputs: list[str]) -> None:
    """Group JSON lines."""
    copy(
        f"""SELECT user_id, sum(amount)::BIGINT, count(*), max(amount)
        FROM read_json({inputs}, format='newline_delimited',
            columns={{'user_id': 'VARCHAR', 'amount': 'BIGINT'}})
        GROUP BY user_id""",
        out,
    )


def index(out: str, inputs: list[str]) -> None:
    """Index the words of all lines; the order of the lines must be kept for that."""
    numbered = " UNION ALL ".join(
        f"SELECT line, {work.first_place(path)} - 1 + row_number() OVER () AS id "
        f"FROM {LINES.format(files=[path])}"
        for path in inputs
    )
    copy(
        f"""SELECT word,
            array_to_string(list_sort(list(DISTINCT id)), ' ')
        FROM (SELECT unnest(string_split(lower(line), ' ')) AS word, id
            FROM ({numbered}))
        WHERE word <> '' GROUP BY word""",
        out,
        ordered=True,
    )


def sort(out: str, inputs: list[str]) -> None:
    """Sort records into one total order, which must then be kept when written."""
    copy(f"SELECT line FROM {LINES.format(files=inputs)} ORDER BY line", out, True)


if __name__ == "__main__":
    main(
        {
            "tiny": words,
            "words": words,
            "distinct": words,
            "group": group,
            "index": index,
            "sort": sort,
        }
    )
