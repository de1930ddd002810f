"""Credentials on their way to Synapse's login code."""

from __future__ import annotations

from typing import Any

from .. import BadData, UiaAttempt

_PASSWORD = "m.login.password"
_STRINGS = ("type", "user", "medium", "address", "country", "phone", "number")


def as_synapse_takes_it(attempt: UiaAttempt) -> dict[str, Any]:
    """An ``auth`` object on which Synapse does not fall over. Raises BadData."""
    if attempt.type != _PASSWORD:
        return _of_a_provider(attempt.auth)
    identifier: dict[str, Any]
    if attempt.user is not None:
        identifier = {"type": "m.id.user", "user": attempt.user}
    elif attempt.country is not None:
        identifier = _phone({"type": "m.id.phone", "country": attempt.country}, attempt.address)
    elif attempt.medium is not None:
        identifier = {
            "type": "m.id.thirdparty",
            "medium": attempt.medium,
            "address": attempt.address,
        }
    else:
        raise BadData("'identifier' must be of type m.id.user, m.id.thirdparty or m.id.phone.")
    return {"type": _PASSWORD, "identifier": identifier, "password": attempt.password}


def _of_a_provider(auth: dict[str, Any]) -> dict[str, Any]:
    """Whatever else the password provider asks for: Synapse maps the identifier to a user."""
    identifier = auth.get("identifier", {})
    if not isinstance(identifier, dict):
        raise BadData("'identifier' must be an object.")
    for fields in (identifier, auth):
        if not all(isinstance(fields.get(name, ""), str) for name in _STRINGS):
            raise BadData("The fields of 'identifier' must be strings.")
    if "phone" in identifier:
        auth["identifier"] = _phone(identifier, identifier["phone"])
    return auth


def _phone(identifier: dict[str, Any], number: str | None) -> dict[str, Any]:
    """Synapse looks for the old name of the number too."""
    return {**identifier, "phone": number, "number": number}
