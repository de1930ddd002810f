"""The client's ``auth`` object on its way to Synapse's login code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import BadData

PASSWORD = "m.login.password"

_FIELDS = ("type", "user", "medium", "address", "country", "phone", "number")
_OLD_FIELDS = ("user", "medium", "address")  # beside the password, from before `identifier`


def as_synapse_takes_it(auth: Mapping[str, Any]) -> dict[str, Any]:
    """A copy on which Synapse does not fall over.

    Synapse expects an ``identifier`` of strings, and of a phone number its old name too. Raises
    BadData.
    """
    prepared = dict(auth)
    identifier = prepared.get("identifier")
    if identifier is None:
        _check({name: prepared[name] for name in _OLD_FIELDS if name in prepared})
        return prepared
    if not isinstance(identifier, dict):
        raise BadData("'identifier' must be an object.")
    _check(identifier)
    if "phone" in identifier:
        prepared["identifier"] = {**identifier, "number": identifier["phone"]}
    if prepared.get("type") == PASSWORD:  # U19; fields of other types are their providers'
        for name in _OLD_FIELDS:
            prepared.pop(name, None)
    return prepared


def _check(identifier: Mapping[str, Any]) -> None:
    values = [identifier[name] for name in _FIELDS if name in identifier]
    if not all(isinstance(value, str) for value in values):
        raise BadData("The fields of 'identifier' must be strings.")
