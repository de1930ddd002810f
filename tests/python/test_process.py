"""Ends of processes: nothing crashes, whatever is in flight."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import matrix_devices

PATH = [str(Path(__file__).parent), str(Path(matrix_devices.__file__).parents[1])]

PREAMBLE = """
import asyncio, os, sys, threading, time
sys.path[:0] = {path!r}
import matrix_devices
from doubles import *
from matrix_devices import *

def store(path):
    host = SqliteHost(path, server_name="example.org")
    host.add_user("alice", "secret")
    login = host.login("alice")
    headers = [("Authorization", "Bearer " + login.access_token)]
    put = Request("PUT", DEVICES + "/" + login.device_id, headers, b'{{"display_name":"new"}}')
    return host, put
"""


def run(program: str, tmp_path: Path, *, status: int = 0) -> str:
    """Run the program in an interpreter of its own, in an empty folder; what it printed."""
    source = PREAMBLE.format(path=PATH) + textwrap.dedent(program)
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", source],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert "Fatal" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done.stdout


ENDS = {
    "a module that nobody closed": """
        module = Module.open(SmallHost())
        print(module.handle(get()).status)
    """,
    "a question that is open": """
        module = Module.open_stepwise()
        exchange = module.begin(get())
        question = exchange.next()
        print(200)
    """,
    "a store that nobody closed": """
        host, put = store("devices.db")
        module = Module.open(host)
        print(module.handle(put).status)
    """,
    "a daemon thread inside a host": """
        inside = threading.Event()
        def forever(*_):
            inside.set()
            threading.Event().wait()
        module = Module.open(bent("list_devices", forever))
        threading.Thread(target=module.handle, args=[get()], daemon=True).start()
        inside.wait()
        print(200)
    """,
    "daemon threads inside the store": """
        host, put = store("devices.db")
        module = Module.open(host)
        started = threading.Semaphore(0)
        def again_and_again():
            started.release()
            while True:
                module.handle(put)
        for _ in range(4):
            threading.Thread(target=again_and_again, daemon=True).start()
        for _ in range(4):
            started.acquire()
        print(module.handle(put).status)
    """,
    "an event loop that was stopped half way": """
        reached = None
        async def forever(*_):
            reached.set()
            await asyncio.Event().wait()
        async def main():
            global reached, module
            reached = asyncio.Event()
            module = Module.open(bent("list_devices", forever))
            task = asyncio.ensure_future(module.ahandle(get()))
            await reached.wait()
            print(200)
        asyncio.run(main())
    """,
    "a deletion in the background of a loop that ends": """
        reached = None
        async def forever(*_):
            reached.set()
            await asyncio.Event().wait()
        async def main():
            global reached, module
            reached = asyncio.Event()
            module = Module.open(bent("delete_devices", forever))
            task = asyncio.ensure_future(module.ahandle(delete("D0")))
            await reached.wait()
            task.cancel()
            await asyncio.sleep(0)
            print(200)
        asyncio.run(main())
    """,
    "writes in flight on an event loop that ends": """
        host, put = store("devices.db")
        module = Module.open(host)
        async def main():
            for _ in range(100):
                asyncio.ensure_future(module.ahandle(put))
            await asyncio.sleep(0)
            print(200)
        asyncio.run(main())
    """,
    "sys.exit in the middle of a request": """
        module = Module.open_stepwise()
        exchange = module.begin(get())
        print(200)
        sys.exit(0)
    """,
}


@pytest.mark.parametrize("program", ENDS.values(), ids=[name.replace(" ", "_") for name in ENDS])
def test_the_interpreter_ends_cleanly(program: str, tmp_path: Path) -> None:
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        assert run(program, folder).split() == ["200"]


def test_a_forked_child_opens_its_own(tmp_path: Path) -> None:
    out = run(
        """
        host, put = store("devices.db")
        modules = [Module.open(host), Module.open(SmallHost()), Module.open_stepwise()]
        exchange = modules[2].begin(get())
        question = exchange.next()
        child = os.fork()
        if child == 0:
            for module in modules:
                try:
                    module.handle(get())
                except ClosedError as error:
                    print("closed", flush=True)
                module.close()
            try:
                host.add_user("bob")
            except ClosedError:
                print("closed", flush=True)
            del question, exchange, modules
            own = Module.open(SmallHost())
            print(own.handle(get()).status, flush=True)
            own_store = SqliteHost("devices.db")
            print(Module.open(own_store).handle(put).status, flush=True)
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print(modules[0].handle(put).status)
        print(modules[1].handle(get()).status)
        """,
        tmp_path,
    )
    assert out.split() == ["closed"] * 4 + ["200"] * 4


def test_modules_that_are_dropped_are_freed(tmp_path: Path) -> None:
    run(
        """
        import gc
        for _ in range(200):
            module = Module.open(SmallHost())
            module.handle(get())
            cycle = [module]
            cycle.append(cycle)
        exchange = Module.open_stepwise().begin(get())
        loop = [exchange, exchange.next()]
        loop.append(loop)
        del module, cycle, exchange, loop
        gc.collect()
        from matrix_devices._engine import _open_engines
        assert not list(_open_engines), list(_open_engines)
        """,
        tmp_path,
    )


def test_a_module_is_closed_while_other_threads_are_inside(tmp_path: Path) -> None:
    """They leave its memory first. OPTIONS, since that is answered inside the module."""
    out = run(
        """
        host, put = store("devices.db")
        options = Request("OPTIONS", DEVICES)
        told = []
        def ask(module, first):
            try:
                while module.handle(options).status == 204:
                    first.release()
            except ClosedError:
                told.append(True)
        for _ in range(150):
            module = Module.open(host)
            first = threading.Semaphore(0)
            threads = [threading.Thread(target=ask, args=[module, first]) for _ in range(4)]
            for thread in threads:
                thread.start()
            for _ in range(8):
                first.acquire()
            module.close()
            for thread in threads:
                thread.join()
        print(len(told))
        """,
        tmp_path,
    )
    assert out.split() == ["600"]


def test_there_is_one_sqlite(tmp_path: Path) -> None:
    """The store takes the copy that Python's sqlite3 has brought, wherever that came from.

    Two copies in one process do not see each other's locks.
    """
    where = (
        "import re, sqlite3\nprint(*re.findall(r'/.*libsqlite3.*', open('/proc/self/maps').read()))"
    )
    found = subprocess.run(
        [sys.executable, "-c", where], capture_output=True, text=True, check=True
    ).stdout.split()
    if not found:
        pytest.skip("this Python has SQLite compiled in")
    # Stands in for a Python that has a library of its own, as those of conda do.
    own = tmp_path / "own" / "libsqlite3.so.0"
    own.parent.mkdir()
    shutil.copy(found[0], own)
    (tmp_path / "sqlite3.py").write_text(f"import ctypes\nctypes.CDLL({str(own)!r})\n")
    brought = run(
        f"""
        import pathlib
        sys.path.insert(0, {str(tmp_path)!r})
        store("devices.db")
        lines = pathlib.Path("/proc/self/maps").read_text().splitlines()
        print(*{{line.split()[-1] for line in lines if "libsqlite3" in line}})
        """,
        tmp_path,
    )
    assert brought.split() == [str(own)]
