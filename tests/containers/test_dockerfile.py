"""A Dockerfile is read as `docker build` reads it, and what is not known here is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerfile import Stage, UnknownInstructionError, stages_of

TWO = """# a comment
ARG BASE=one:1
FROM ${BASE} AS build
WORKDIR /src
ENV HOME_OF=/src
COPY a b $HOME_OF/
RUN first \\
  && second
FROM two
COPY --from=build /src /dst
USER 8:9
ENV A=1 B="two words"
RUN third
VOLUME /data
EXPOSE 80
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=1s CMD ["ask", "it"]
ENTRYPOINT ["serve", "--all"]
"""


def read(folder: Path, text: str) -> list[Stage]:
    path = folder / "Dockerfile"
    path.write_text(text)
    return stages_of(path)


def test_stages_and_their_steps_in_order(tmp_path: Path) -> None:
    build, last = read(tmp_path, TWO)
    assert (build.base, build.name, last.base) == ("one:1", "build", "two")
    assert [step.name for step in build.steps] == ["WORKDIR", "COPY", "RUN"]
    assert build.steps[1].words == ("a", "b", "/src/")
    assert build.steps[2].words[0].split() == ["first", "&&", "second"]
    assert build.steps[2].folder == "/src"
    assert (last.steps[0].source, last.steps[0].words) == ("build", ("/src", "/dst"))


def test_a_step_is_done_by_the_user_of_that_point(tmp_path: Path) -> None:
    last = read(tmp_path, TWO)[-1]
    assert [step.user for step in last.steps] == ["root", "8:9"]
    assert last.steps[1].environment == {"A": "1", "B": "two words"}
    assert (last.user, last.uid) == ("8:9", 8)


def test_what_an_image_says_of_itself(tmp_path: Path) -> None:
    last = read(tmp_path, TWO)[-1]
    assert last.health == ["ask", "it"]
    assert last.entry_point == ["serve", "--all"]
    assert (last.volumes, last.ports, last.stop_signal) == (["/data"], ["80"], "SIGTERM")


@pytest.mark.parametrize(
    "line",
    [
        "ADD a b",
        "RUN --mount=type=cache,target=/x y",
        'RUN ["a"]',
        "COPY --link a b",
        "HEALTHCHECK --retries=3 CMD [\"a\"]",
        "SHELL [\"/bin/bash\"]",
        "ENV old style",
    ],
)  # fmt: skip
def test_what_is_not_done_here_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(UnknownInstructionError):
        read(tmp_path, f"FROM one\n{line}\n")
