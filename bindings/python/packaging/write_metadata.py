"""Write what importlib.metadata, pip and pytest read of an installed package.

write_metadata.py PYPROJECT VERSION FOLDER
"""

import pathlib
import sys
import tomllib

pyproject, version, folder = sys.argv[1:]
project = tomllib.loads(pathlib.Path(pyproject).read_text(encoding="utf-8"))["project"]
into = pathlib.Path(folder)
into.mkdir(parents=True, exist_ok=True)

fields = {
    "Metadata-Version": "2.1",
    "Name": project["name"],
    "Version": version,
    "Summary": project["description"],
    "License": project["license"],
    "Requires-Python": project["requires-python"],
}
(into / "METADATA").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
(into / "INSTALLER").write_text("dpkg\n")

groups = {"console_scripts": project["scripts"], **project["entry-points"]}
lines = [
    line
    for group, entries in groups.items()
    for line in (f"[{group}]", *(f"{name} = {place}" for name, place in entries.items()), "")
]
(into / "entry_points.txt").write_text("\n".join(lines))
