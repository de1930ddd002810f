"""Options are understood, and what is wrong with one is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from matrix_device_conformance.options import account, service


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("alice:pw", ("alice", "pw")),
        ("alice:p:w:", ("alice", "p:w:")),
        ("@alice:example.org:pw", ("@alice:example.org", "pw")),
        ("@alice:example.org:p:w", ("@alice:example.org", "p:w")),
    ],
)
def test_an_account(text: str, pair: tuple[str, str]) -> None:
    assert account(text) == pair


@pytest.mark.parametrize("text", ["", "alice", ":pw", "@alice:pw"])
def test_no_account(text: str) -> None:
    with pytest.raises(pytest.UsageError, match="expected NAME:PASSWORD"):
        account(text)


def test_an_application_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rest = "prefix=br_,sender=@bot:h"
    path = tmp_path / "token"
    path.write_text("from-file\n")
    monkeypatch.setenv("TOKEN_OF_A_BRIDGE", "from-environment")
    given = service(f"token=t0,{rest},rate-limited=yes")
    assert (given.name, given.rate_limited, given.as_token) == ("limited", True, "t0")
    assert (given.prefix, given.sender) == ("br_", "@bot:h")
    assert service(f"token-file={path},{rest},rate-limited=no").as_token == "from-file"
    given = service(f"token-env=TOKEN_OF_A_BRIDGE,{rest},rate-limited=no")
    assert (given.name, given.as_token) == ("unlimited", "from-environment")
    assert "from-environment" not in repr(given)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("token", "separated by commas"),
        ("tokn=x", "separated by commas"),
        ("prefix=a,sender=@b:h,rate-limited=no", "token=…"),
        ("token-env=NOT_SET_ANYWHERE,prefix=a,sender=@b:h,rate-limited=no", "token=…"),
        ("token-file=/no/such/file,prefix=a,sender=@b:h,rate-limited=no", "token-file"),
        ("token=t,sender=@b:h,rate-limited=no", "prefix="),
        ("token=t,prefix=a,sender=bot,rate-limited=no", "sender=@NAME:SERVER"),
        ("token=t,prefix=a,sender=@b:h", "rate-limited=yes or"),
        ("token=t,prefix=a,sender=@b:h,rate-limited=maybe", "rate-limited=yes or"),
    ],
)
def test_no_application_service(text: str, says: str) -> None:
    with pytest.raises(pytest.UsageError, match=says):
        service(text)
