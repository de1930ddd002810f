"""Over a network the server has to prove who it is, unless somebody says otherwise."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import Cluster
from matrix_device_conformance.client import TIME_FACTOR
from matrix_device_conformance.ports import own_port
from matrix_device_conformance.server import server_binary
from programs import give

HOST = "db.example.org"
# To this machine, and no loopback address.
ADDRESS = "0.0.0.0"


def openssl(folder: Path, *arguments: str) -> None:
    """Run it there."""
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a CA, ca.crt, and the server's key and certificate."""
    folder = tmp_path_factory.mktemp("tls")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "other"):
        openssl(
            folder,
            "req",
            "-x509",
            *key,
            "-days",
            "2",
            "-subj",
            f"/CN={name}",
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.crt",
        )
    openssl(folder, "req", *key, "-subj", f"/CN={HOST}", "-keyout", "server.key", "-out", "csr")
    (folder / "names").write_text(f"subjectAltName=DNS:{HOST}\n")
    openssl(
        folder,
        "x509",
        "-req",
        "-in",
        "csr",
        "-CA",
        "ca.crt",
        "-CAkey",
        "ca.key",
        "-days",
        "2",
        "-CAcreateserial",
        "-extfile",
        "names",
        "-out",
        "server.crt",
    )
    return folder


@pytest.fixture(scope="module")
def cluster(authority: Path) -> Iterator[Cluster]:
    """One that listens on TCP, with TLS."""
    port = str(own_port())
    cluster = Cluster(settings={"listen_addresses": "127.0.0.1", "port": port, "ssl": "on"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGPORT", port)  # part of the name of its socket
        try:
            for name in ("server.key", "server.crt"):
                path = cluster.folder / name
                path.write_bytes((authority / name).read_bytes())
                path.chmod(0o600)
                give(path)
            cluster.settings |= {
                "ssl_cert_file": str(cluster.folder / "server.crt"),
                "ssl_key_file": str(cluster.folder / "server.key"),
            }
            cluster.make()
            with (cluster.data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all 127.0.0.1/32 trust\n")
            cluster.start()
            yield cluster
        finally:
            cluster.remove()


class Client:
    """Commands on the cluster over TCP."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder

    def ask(
        self,
        *,
        host: str = HOST,
        address: str = ADDRESS,
        environment: dict[str, str] | None = None,
        **words: str,
    ) -> subprocess.CompletedProcess[str]:
        """`user list` with these key words of libpq, and those of the host."""
        binary = server_binary(None)
        assert binary is not None
        given = {
            "host": host,
            "hostaddr": address,
            "user": "postgres",
            "port": self.cluster.settings["port"],
            **words,
        }
        connection = " ".join(f"{word}={value}" for word, value in given.items() if value)
        return subprocess.run(
            [binary, "user", "list", "--database", connection],
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
                "HOME": str(self.folder),  # without a root.crt
                **(environment or {}),
            },
            capture_output=True,
            text=True,
            timeout=60 * TIME_FACTOR,
            check=False,
        )

    def expect_reached(self, **words: str) -> None:
        """The database is asked; it has no tables yet, and no server name is given."""
        done = self.ask(**words)
        assert done.returncode == 1, done
        assert "server name" in done.stderr, done

    def expect_refused(self, *parts: str, **words: str) -> None:
        """It is not connected to; the line has these parts."""
        done = self.ask(**words)
        assert done.returncode == 1, done
        for part in parts:
            assert part in done.stderr, done
        assert done.stderr.count("\n") == 1


@pytest.fixture
def client(cluster: Cluster, tmp_path: Path) -> Client:
    """With a home of its own."""
    return Client(cluster, tmp_path)


def test_the_right_certificate_is_taken(client: Client, authority: Path) -> None:
    client.expect_reached(sslrootcert=str(authority / "ca.crt"))


def test_without_the_certificate_of_a_ca_it_says_what_to_do(client: Client) -> None:
    client.expect_refused("root certificate file", "sslrootcert=FILE", "sslmode=disable")


def test_a_certificate_of_another_ca_is_refused(client: Client, authority: Path) -> None:
    client.expect_refused(
        "certificate verify failed", "CA that signed", sslrootcert=str(authority / "other.crt")
    )


def test_a_certificate_for_another_name_is_refused(client: Client, authority: Path) -> None:
    client.expect_refused(
        "does not match host name",
        "connect to a name",
        host="elsewhere.example.org",
        sslrootcert=str(authority / "ca.crt"),
    )


def test_somebody_may_say_otherwise(client: Client, tmp_path: Path) -> None:
    client.expect_reached(sslmode="disable")
    client.expect_reached(sslmode="require")
    assert "server name" in client.ask(environment={"PGSSLMODE": "require"}).stderr
    services = tmp_path / "services"
    services.write_text("[plain]\nsslmode=disable\n[silent]\nport=1\n")
    named = {"PGSERVICEFILE": str(services)}
    assert "server name" in client.ask(service="plain", environment=named).stderr
    silent = client.ask(service="silent", environment=named)
    assert "root certificate file" in silent.stderr, silent


def test_this_machine_needs_no_certificate(client: Client, cluster: Cluster) -> None:
    client.expect_reached(host="localhost", address="127.0.0.1")
    client.expect_reached(host="127.0.0.1", address="")
    client.expect_reached(host=str(cluster.folder), address="")
