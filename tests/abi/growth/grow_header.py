"""Makes the header of the next minor, as a minor may: every growable struct gets a field at its
end, both tables get slots.

grow_header.py HEADER FOLDER [STRUCT]   FOLDER/matrix_devices/module.h, and FOLDER/growth.h with a
                                        macro a struct; with STRUCT only that one grows
grow_header.py HEADER                   the names of the growable structs
"""

import re
import sys
from pathlib import Path

TABLES = ("mxd_host", "mxd_module")
FIELD = "  mxd_view since_next;\n"
SLOTS = """\
  int32_t (*since_next)(mxd_cookie cookie) MXD_NOEXCEPT;
  void (*also_since_next)(mxd_cookie cookie) MXD_NOEXCEPT;
"""
STRUCT = re.compile(r"typedef struct (\w+) \{[^\n]*\n +uint32_t size;.*?^(?=\} \1;)", re.M | re.S)


def growable(header: str) -> list[str]:
    """The structs that begin with `size`: as many as there are sizes of 1.0."""
    names = [match[1] for match in STRUCT.finditer(header)]
    sizes = re.findall(r"^#define (MXD_\w+)_SIZE_1_0 ", header, re.M)
    if sorted(name.upper() for name in names) != sorted(sizes) or not names:
        sys.exit(f"grow_header: growable are {names}, and there are sizes of {sizes}")
    return names


def next_minor(header: str) -> int:
    """That of the grown header."""
    minors = re.findall(r"^#define MXD_ABI_MINOR +(\d+)\b", header, re.M)
    if len(minors) != 1:
        sys.exit("grow_header: expected `#define MXD_ABI_MINOR` once")
    return int(minors[0]) + 1


def grow(header: str, names: list[str]) -> str:
    """The header in which these structs have grown."""

    def longer(match: re.Match[str]) -> str:
        if match[1] not in names:
            return match[0]
        return match[0] + (SLOTS if match[1] in TABLES else FIELD)

    raised = f"#define MXD_ABI_MINOR {next_minor(header)}"
    header = re.sub(r"^#define MXD_ABI_MINOR +\d+\b", raised, header, flags=re.M)
    return STRUCT.sub(longer, header)


def main() -> None:
    """As the text at the top says."""
    header = Path(sys.argv[1]).read_text()
    names = growable(header)
    if len(sys.argv) == 2:
        print("\n".join(names))
        return
    grown = sys.argv[3:] or names
    if not set(grown) <= set(names):
        sys.exit(f"grow_header: {grown[0]} is none of {names}")
    folder = Path(sys.argv[2])
    macros = [
        "/* For each struct whether its new field is there, and how large it was without. */",
        f"#define NEXT_MINOR {next_minor(header)}",
        "#define GROWTH_NONE (-1)",
    ]
    for name in names:
        if name in grown:
            macros.append(f"#define IN_NEXT_{name}(record) MXD_HAS(record, since_next)")
            macros.append(f"#define KNOWN_{name} offsetof({name}, since_next)")
        else:
            macros.append(f"#define IN_NEXT_{name}(record) GROWTH_NONE")
            macros.append(f"#define KNOWN_{name} sizeof({name})")
    for path, text in (
        (folder / "matrix_devices/module.h", grow(header, grown)),
        (folder / "growth.h", "\n".join(macros) + "\n"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


main()
