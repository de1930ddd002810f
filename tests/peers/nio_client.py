"""matrix-nio's AsyncClient, in lines of JSON: see client_process.py.

Calls are methods of the client; `new` takes its arguments, and `version` is the library's version.
It runs with Debian's 0.20 too, under Debian's Python.
"""

from __future__ import annotations

import asyncio
import dataclasses
import importlib.metadata
import json
import sys
import traceback
from datetime import datetime
from typing import Any

from nio import AsyncClient  # type: ignore[import-untyped]


def plain(value: Any) -> Any:
    """What JSON has no words for."""
    if isinstance(value, datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value):
        return vars(value)
    return repr(value)


clients: dict[int, AsyncClient] = {}


async def answer(client: int, call: str, arguments: list[Any]) -> Any:
    """The result: the fields of a response and the name of its class."""
    if call == "new":
        clients[client] = AsyncClient(*arguments)
        return None
    if call == "version":
        return importlib.metadata.version("matrix-nio")
    response = await getattr(clients[client], call)(*arguments)
    if response is None:
        return None
    fields = {key: value for key, value in vars(response).items() if key != "transport_response"}
    return {"kind": type(response).__name__, **fields}


async def main() -> None:
    """Answer until standard input ends."""
    for line in sys.stdin:
        try:
            result = {"result": await answer(**json.loads(line))}
        except Exception as error:
            traceback.print_exc()
            result = {"error": {"name": type(error).__name__, "message": str(error)}}
        print(json.dumps(result, default=plain), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
