"""Refusals have texts for whoever reads a log, and show nothing secret."""

from __future__ import annotations

import pickle

import pytest

import matrix_devices
from matrix_devices import LimitExceeded, MatrixError, Refusal, Refused, UnknownToken

SECRET = "s3cr3t"


def refusals() -> list[Refusal]:
    """One of each kind, as it is raised without arguments, and those that take some."""
    kinds = [
        kind
        for name in matrix_devices.__all__
        if isinstance(kind := getattr(matrix_devices, name), type)
        and issubclass(kind, Refusal)
        and kind is not MatrixError
    ]
    return [
        *(kind() for kind in kinds),
        UnknownToken(soft_logout=True),
        LimitExceeded(1500),
        Refused("Try the other password."),
        MatrixError(403, "ORG_EXPIRED", "Renew it.", retry_after_ms=5, token=SECRET),
    ]


@pytest.mark.parametrize("refusal", refusals(), ids=repr)
def test_a_refusal_has_a_text_and_a_repr(refusal: Refusal) -> None:
    text = str(refusal)
    assert text[0].isupper() or text[0].isdigit()
    assert text.endswith(".")
    assert " " in text
    assert repr(refusal).startswith(f"{type(refusal).__name__}(")
    assert SECRET not in text + repr(refusal)
    again = pickle.loads(pickle.dumps(refusal))
    assert (str(again), repr(again), vars(again)) == (text, repr(refusal), vars(refusal))


def test_refusals_say_what_they_carry() -> None:
    assert repr(UnknownToken(soft_logout=True)) == "UnknownToken(soft_logout=True)"
    assert str(UnknownToken(soft_logout=True)) != str(UnknownToken())
    assert repr(LimitExceeded(1500)) == "LimitExceeded(retry_after_ms=1500)"
    assert "1500 ms" in str(LimitExceeded(1500))
    assert str(Refused("Try the other.")) == "Try the other."
    assert Refused().reason is None  # the default text is for the log, not for the client
    error = MatrixError(403, "ORG_EXPIRED", "Renew it.", retry_after_ms=5, renew_at=SECRET)
    assert str(error) == "403 ORG_EXPIRED: Renew it."
    assert (
        repr(error) == "MatrixError(403, 'ORG_EXPIRED', 'Renew it.', retry_after_ms=5, renew_at=…)"
    )
