"""The two database roles, created by the script from the manual."""

import subprocess
import uuid

from tests.conftest import PostgreSQL, postgresql_binaries
from tests.support.paths import PROJECT

SCRIPT = PROJECT / "debian/roles.sql"


class Roles:
    """The roles of a database: its owner, and the service.

    The names are unique, because roles belong to the whole server. With ``like``, a second database uses the roles of
    the first.
    """

    def __init__(self, server: PostgreSQL, database: str, like: "Roles | None" = None) -> None:
        self._server, self._database = server, database
        suffix = uuid.uuid4().hex
        self.owner, self.service = (like.owner, like.service) if like else (f"owner_{suffix}", f"service_{suffix}")

    def create(self) -> None:
        """Run the script as an operator does."""
        names = [f"--variable=owner={self.owner}", f"--variable=service={self.service}"]
        url = self._server.url(self._database)
        command = [postgresql_binaries() / "psql", "--no-psqlrc", "--quiet", *names, f"--file={SCRIPT}", url]
        process = subprocess.run(command, check=False, capture_output=True, text=True)
        assert (process.returncode, process.stderr) == (0, ""), process.stderr

    def url_of(self, role: str) -> str:
        return self._server.url(self._database).replace("postgres@", f"{role}@")

    @property
    def owner_url(self) -> str:
        return self.url_of(self.owner)

    @property
    def service_url(self) -> str:
        return self.url_of(self.service)
