"""The rooms of CONTRIBUTING.md, and what their sources include."""

import re

from .tree import Tree, found, table_after

CONTRIBUTING = "CONTRIBUTING.md"
PUBLIC = {
    "matrix_devices/module.h": "abi/include/",
    "matrix_devices/module.hpp": "bindings/cpp/",
    "matrix_devices/store.h": "bindings/store/include/",
}


def allowed_by_table(table: list[list[str]]) -> dict[str, set[str]]:
    """What each room may include: those that are named and, where it says so, those below them."""
    rooms = [room.strip("`") for room, _lives, _may in table]
    allowed = {}
    for index, (_room, _lives, may) in enumerate(table):
        folder = rooms[index].partition("/")[0] + "/"
        names = {name if name in rooms else folder + name for name in re.findall(r"`(.+?)`", may)}
        if "below" in may:
            names |= {room for room in rooms[index + 1 :] if room.startswith(folder)}
        if "all of" in may:
            names |= {room for room in rooms if room.startswith(folder)}
        allowed[rooms[index]] = names
    return allowed


def check_rooms(tree: Tree) -> None:
    allowed = allowed_by_table(table_after(tree.text(CONTRIBUTING), "rooms"))

    def room_of(path: str) -> str | None:
        return next((room for room in allowed if path.startswith(room)), None)

    seen = []
    for folder in ("abi", "bindings", "module"):
        for path in tree.files(f"{folder}/**/*.[ch]", f"{folder}/**/*.cc", f"{folder}/**/*.hpp"):
            name = str(path.relative_to(tree.root))
            room = room_of(name)
            if room is None:
                tree.problems.append(f"{CONTRIBUTING}: {name} is in none of the rooms")
                continue
            for included in re.findall(r'^#include "([^"]+/[^"]+)"', path.read_text(), re.M):
                seen.append(included)
                other = PUBLIC.get(included) or room_of(included)
                if other != room and other not in allowed[room]:
                    tree.problems.append(f"{name}: {room} may not include {included}")
    found(seen, "includes", 500)
