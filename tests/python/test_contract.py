"""The numbers of the contract are those of the headers."""

from __future__ import annotations

import re
from pathlib import Path

from matrix_devices import _contract, _questions

ROOT = Path(__file__).parents[2]
HEADERS = (
    ROOT / "abi/include/matrix_devices/module.h",
    ROOT / "bindings/sqlite/include/matrix_devices/sqlite.h",
)
TEXT = "".join(header.read_text() for header in HEADERS)


def test_every_number_is_that_of_its_define() -> None:
    defines = {
        name: eval(value.replace("u", ""))
        for name, value in re.findall(
            r"^#define MXD_(?:SQLITE_)?(\w+)\s+(\(?-?[\du]+(?: << \d+)?\)?)(?:\s|$)", TEXT, re.M
        )
    }
    ours = {name: value for name, value in vars(_contract).items() if name.isupper()}
    assert len(ours) > 25
    assert {name: defines.get(name) for name in ours} == ours


def test_the_callbacks_are_in_the_order_of_the_table() -> None:
    in_table = re.findall(
        r"^  int32_t \(\*(\w+)\)\(mxd_cookie host, mxd_cookie request, mxd_op", TEXT, re.M
    )
    assert [callback.method for callback in _questions.CALLBACKS] == in_table
    in_core = re.findall(
        r"^  k(\w+),$", (ROOT / "bindings/python/core/exchange.h").read_text(), re.M
    )
    assert [name.lower() for name in in_core] == [name.replace("_", "") for name in in_table]
