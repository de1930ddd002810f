"""The numbers of the contract are those of the headers."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

import matrix_devices
from matrix_devices import _contract, _questions

ROOT = Path(__file__).parents[2]
HEADERS = (
    ROOT / "abi/include/matrix_devices/module.h",
    ROOT / "bindings/store/include/matrix_devices/store.h",
)
TEXT = "".join(header.read_text() for header in HEADERS)


def test_every_number_is_that_of_its_define() -> None:
    defines = {
        name: int(value.strip("()"))
        for name, value in re.findall(
            r"^#define MXD_(?:STORE_)?(\w+)\s+(\d+|\(-\d+\))(?:\s|$)", TEXT, re.M
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


RECORDS = {
    "Credentials": "mxd_credentials",
    "DeviceQuery": "mxd_device_query",
    "DeviceKey": "mxd_device_key",
    "DeviceUpdate": "mxd_device_update",
    "Deletion": "mxd_deletion",
    "UiaOperation": "mxd_uia_operation",
    "NewSession": "mxd_uia_session",
    "SessionKey": "mxd_uia_session_key",
    "Replacement": "mxd_uia_replacement",
    "UiaAttempt": "mxd_uia_attempt",
    "Validation": "mxd_validation",
    "LimitRequest": "mxd_limit_request",
    "Principal": "mxd_principal",
    "Device": "mxd_device",
    "KeptSession": "mxd_uia_kept",
    "CompletedStage": "mxd_uia_completed",
    "Limit": "mxd_limit",
}
OF_THE_CONTRACT = {"size", "flags", "reserved", "cookie", "device_id_count", "limit_count"}
OF_FLAGS = {"guest", "oauth", "unlimited", "finished"}
BESIDE = {"request", "completed"}  # what comes another way: the caller's own, emit_completed()


@pytest.mark.parametrize(("record", "struct"), RECORDS.items())
def test_a_record_has_the_fields_of_its_struct(record: str, struct: str) -> None:
    body = re.search(rf"^typedef struct {struct} {{(.*?)^}} {struct};", TEXT, re.M | re.S)
    assert body is not None
    code = re.sub(r"/\*.*?\*/", "", body[1], flags=re.S)
    fields = set(re.findall(r"(\w+);", code)) - OF_THE_CONTRACT
    ours = {field.name for field in dataclasses.fields(getattr(matrix_devices, record))}
    assert ours - OF_FLAGS - BESIDE == fields
