"""The two roles of a database, made by the file that the manual prints."""

import subprocess
import uuid

from tests.conftest import PostgreSQL, binaries
from tests.support.paths import PROJECT

SCRIPT = PROJECT / "debian/roles.sql"


class Roles:
    """An owner and a service's role, with names of their own: roles belong to the whole server."""

    def __init__(self, server: PostgreSQL, database: str, like: "Roles | None" = None) -> None:
        self._server, self._database = server, database
        suffix = uuid.uuid4().hex
        self.owner, self.service = (like.owner, like.service) if like else (f"owner_{suffix}", f"service_{suffix}")

    def make(self) -> None:
        """Run the script, as an operator does."""
        names = [f"--variable=owner={self.owner}", f"--variable=service={self.service}"]
        url = self._server.url(self._database)
        command = [binaries() / "psql", "--no-psqlrc", "--quiet", *names, f"--file={SCRIPT}", url]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr

    def url_of(self, role: str) -> str:
        return self._server.url(self._database).replace("postgres@", f"{role}@")

    @property
    def owner_url(self) -> str:
        return self.url_of(self.owner)

    @property
    def service_url(self) -> str:
        return self.url_of(self.service)
