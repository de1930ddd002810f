"""A standby by streaming replication, which can take the place of its primary.

with Cluster(durable=True, settings=SYNCHRONOUS) as primary, Standby(primary) as standby:
    url = url_of(primary, standby, database="postgres")
    standby.follow()      # nothing is answered from here on that it does not have
    primary.crash()
    standby.promote()
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from cluster import START_S, Cluster, Postgres
from matrix_device_conformance.server import poll
from programs import USER

# A commit is answered when a standby has it too, as soon as follow() says that there is one.
SYNCHRONOUS = {"wal_level": "replica", "synchronous_commit": "on"}


class Standby(Cluster):
    """A copy of a running cluster that follows it."""

    def __init__(self, primary: Postgres, *, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(durable=True, settings=settings)
        self.primary = primary

    def make(self) -> None:
        """Copy the primary."""
        self.run(
            *("pg_basebackup", "-D", str(self.data), "-d", self._replication()),
            *("--write-recovery-conf", "--checkpoint=fast", "--no-sync"),
        )

    def _replication(self) -> str:
        return f"host={self.primary.folder} user={USER} application_name=standby"

    def follow(self) -> None:
        """Wait until it has all, and let commits wait for it from here on."""
        self.primary.sql(
            "ALTER SYSTEM SET synchronous_standby_names = 'standby'; SELECT pg_reload_conf()"
        )
        streaming = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"
        poll(lambda: self.primary.sql(streaming), START_S, "the standby follows")

    def promote(self) -> None:
        """Take the primary's place, with no standby of its own."""
        self.sql("ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf()")
        self.sql("SELECT pg_promote()")


def url_of(*hosts: Postgres, database: str) -> str:
    """One of several, of which a client looks for the one that can be written to."""
    folders = ",".join(str(host.folder) for host in hosts)
    return f"postgresql://{USER}@/{database}?{urlencode({'host': folders}, safe='/,')}"
