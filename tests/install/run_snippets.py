"""Run what the documents show, as a reader would paste it.

run_snippets.py SOURCE BUILD --cmake CMAKE --cc CC --cxx CXX --minimal-host FILE --module FILE
                [--python PYTHON] [DOCUMENT...]

Each document is read from its first fenced block to its last, in a fresh directory in which the
checkout seems to lie, on a machine on which the build is installed (snippets/place.py). Its shell
and its interpreter stay from one block to the next. What a block needs beside those before it
stands in marks, HTML comments right before it:

  <!-- given: COMMANDS -->   run first, in that shell: what a reader has already
  <!-- serves: ADDRESS -->   it runs until it is stopped: go on as soon as ADDRESS answers, and stop
                             it before the next server of the document, or at its end
  <!-- file: NAME -->        it is the content of a file of that name, which later blocks use
  <!-- output -->            it is what the block before printed, or with `output: COMMANDS` what
                             these print; `…` stands for anything, and
                             how many spaces there are does not count
  <!-- typed: LINE -->       what a command asks for on its input
  <!-- test: NAME -->        a file of tests, for pytest
  <!-- run: NAME -->         a program in Python, by itself
  <!-- quote: FILE TAG -->   that part of FILE, an example which tests/install builds and runs
  <!-- config -->            settings, which the module accepts; `config: LIBRARY`: another module
  <!-- server config -->     settings, with which the server starts
  <!-- sql -->               run in one database, one after the other

YAML is parsed, and each `config` in it accepted by the module; units are verified by systemd.
Blocks without a language, or in `text`, are pictures. A block that nothing reads fails, unless
snippets_not_run.txt has it with a reason; an entry there without its block fails too.

Exit status 0: all were run or have their reason; 1: a document is wrong.
"""

import argparse
import pathlib
import shutil
import sys
import tempfile

from snippets.documents import Problem, documents_of, snippets_of
from snippets.not_run import NotRun
from snippets.place import Build, Place, isolate
from snippets.readers import Reader, Skipped


def read_document(place: Place, name: str, text: str, not_run: NotRun) -> list[str]:
    """What is wrong with it: the first that fails, as others may need what it does."""
    counts = {"run": 0, "not run": 0, "skipped": 0}
    reader = Reader(place, name)
    skipping = False
    try:
        for snippet in snippets_of(name, text):
            try:
                if not_run.lists(snippet):
                    counts["not run"] += 1
                elif skipping:
                    counts["skipped"] += 1
                else:
                    reader.read(snippet)
                    counts["run"] += 1
            except Skipped as reason:
                counts["skipped"] += 1
                skipping = reason.and_what_follows
                print(f"{snippet}: skipped{', and what follows' if skipping else ''}: {reason}")
            except Problem as problem:
                return [f"{snippet}: {snippet.first_line}\n{problem}"]
    finally:
        try:
            reader.close()
        except Problem as problem:
            return [f"{name}: {problem}"]
    if any(counts.values()):
        print(f"{name}: " + ", ".join(f"{n} {what}" for what, n in counts.items() if n))
    return []


def run(build: Build, chosen: list[str], reason: str | None) -> list[str]:
    """What is wrong with the chosen documents, or with all."""
    if reason:
        print(f"no namespaces ({reason}): ports and directories are those of this machine")
    names = chosen or [str(path.relative_to(build.source)) for path in documents_of(build.source)]
    work = pathlib.Path(tempfile.mkdtemp(prefix="mxd_snippets."))
    problems = []
    try:
        place = Place(build, work, isolated=reason is None)
        not_run = NotRun(build.source / "tests/install/snippets_not_run.txt")
        for name in names:
            problems += read_document(place, name, (build.source / name).read_text(), not_run)
        if not problems and not chosen:
            problems += not_run.stale()
    finally:
        shutil.rmtree(work)
    return problems


def parse_arguments() -> tuple[Build, list[str]]:
    """The build, and the documents that were chosen."""
    parser = argparse.ArgumentParser(description="Run what the documents show.")
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("build", type=pathlib.Path)
    for option in ("--cmake", "--cc", "--cxx"):
        parser.add_argument(option, required=True)
    for option in ("--minimal-host", "--module"):
        parser.add_argument(option, type=pathlib.Path, required=True)
    parser.add_argument("--python")
    parser.add_argument("documents", nargs="*", help="relative to SOURCE; all unless given")
    arguments = parser.parse_intermixed_args()
    build = Build(
        source=arguments.source.resolve(),
        directory=arguments.build.resolve(),
        cmake=arguments.cmake,
        c_compiler=arguments.cc,
        cxx_compiler=arguments.cxx,
        minimal_host=arguments.minimal_host.resolve(),
        module=arguments.module.resolve(),
        python=arguments.python,
    )
    return build, arguments.documents


def main() -> int:
    build, chosen = parse_arguments()
    problems = run(build, chosen, isolate())
    print(*problems, sep="\n\n", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
