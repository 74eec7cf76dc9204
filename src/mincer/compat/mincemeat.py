"""mincemeatpy on mincer: `from mincer.compat import mincemeat` for `import mincemeat`.

    python -m mincer.compat.mincemeat [-p PASSWORD] [-P PORT] [-v] [-V] [server_name]

joins a server. What is better here, and what differs: docs/moving.md.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

from mincer.api import Job
from mincer.arguments import ProgressChoice
from mincer.cli.worker import work
from mincer.compat.calling import collecting, with_list
from mincer.compat.joining import join, secret_for
from mincer.errors import UsageError, preview
from mincer.net.settings import Address, address_of, is_secret_set
from mincer.runners.report import Report
from mincer.runners.serve import Serve
from mincer.runners.worker import Worker
from mincer.sources import items
from mincer.sources.memory import is_mapping

__all__ = ["DEFAULT_PORT", "VERSION", "Client", "Server", "run_client"]

#: The one whose names these are.
VERSION = "0.1.4"
DEFAULT_PORT = 11235

_log = logging.getLogger("mincemeat")


class Server:
    """A job, and the coordinator of the clients that join to work on it.

    `datasource`: anything with `__iter__` (its keys) and `__getitem__`. `mapfn(k, v)`
    yields pairs; `reducefn(k, vs)` returns one value for a list of them;
    `collectfn(k, vs)`, if there is one, does so before, for the pairs of one record.

    New here: `progress`, as of `mincer.Job.run`, and `report`, of the last run.
    """

    def __init__(self) -> None:
        self.datasource: Any = None
        self.mapfn: Callable[[Any, Any], Any] | None = None
        self.reducefn: Callable[[Any, list[Any]], Any] | None = None
        self.collectfn: Callable[[Any, list[Any]], Any] | None = None
        self.password: str | None = None
        self.progress: ProgressChoice = None
        self.report: Report | None = None

    def run_server(
        self, password: str = "", port: int = DEFAULT_PORT
    ) -> dict[Any, Any]:
        """Run the job on the clients that join; return `{key: value}` when it is done.

        With a password it listens on all interfaces, and clients must give the same.
        Without one it listens on loopback alone, for clients of the same user.
        """
        job = self._job()
        if not is_mapping(self.datasource):
            raise UsageError(
                "datasource must be a dict, or have __iter__ and __getitem__ as one, "
                f"not {preview(self.datasource)}",
                hint="The items of a list are numbered by  dict(enumerate(items)).",
            )
        self.password = password
        is_open = bool(password) or is_secret_set()
        address = Address("0.0.0.0" if is_open else "127.0.0.1", port)
        secret = secret_for(address, password, "")
        with Serve(
            str(address), password=secret.password, key_file=secret.key_file
        ) as serve:
            source = items(self.datasource)
            with job.run(source, runner=serve, progress=self.progress) as results:
                self.report = results.report
                return results.to_dict()

    def _job(self) -> Job:
        mapfn, reducefn = self.mapfn, self.reducefn
        # As it was given, so that what is wrong is told by its name.
        told = Job(mapfn, reducefn, combinefn=self.collectfn)  # type: ignore[arg-type]
        assert mapfn is not None
        if reducefn is None:
            raise UsageError("this Server has no reducefn")
        return Job(
            collecting(mapfn, self.collectfn), with_list(reducefn), name=told.title
        )


class Client:
    """A worker for a `Server`, with the `password` that this has."""

    def __init__(self) -> None:
        self.password = ""

    def conn(self, server: str, port: int = DEFAULT_PORT) -> None:
        """Work until the server is done. It need not be there yet."""
        self._worker(server, port).run()

    def _worker(self, server: str, port: int) -> Worker:
        host = address_of(server).host
        address = Address(host, port)
        line = f"python -m mincer.compat.mincemeat -p PASSWORD -P {port} {server}"
        secret = secret_for(address, self.password, f"{line}   (the server's password)")
        return join(address, secret, _log.info)


def run_client() -> int:
    """What `python -m mincer.compat.mincemeat` does; returns its exit code."""
    from argparse import ArgumentParser

    parser = ArgumentParser(
        prog="mincemeat.py", description="Work for a server until it is done."
    )
    parser.add_argument("-p", "--password", default="", help="the server's password")
    parser.add_argument(
        "-P", "--port", type=int, default=DEFAULT_PORT, help="default: %(default)s"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="say what the worker does"
    )
    parser.add_argument("-V", "--loud", action="store_true", help="say even more")
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    parser.add_argument(
        "server_name", nargs="?", default="127.0.0.1", help="default: %(default)s"
    )
    typed = parser.parse_args()
    if typed.verbose or typed.loud:
        logging.basicConfig(level=logging.DEBUG if typed.loud else logging.INFO)
    client = Client()
    client.password = typed.password
    return work(
        lambda: client._worker(typed.server_name, typed.port),
        verbose=typed.loud,
        tell=_log.info,
    )


if __name__ == "__main__":
    sys.exit(run_client())
