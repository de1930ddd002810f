"""The Go module as the module proxies keep one: matrixdevices@vVERSION/… in a zip, and the same
bytes of the same files.

go_zip.py SOURCE VERSION ZIP
"""

from __future__ import annotations

import os
import sys
import time
import zipfile
from pathlib import Path


def main() -> None:
    """Write it."""
    source, version, target = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    module = source / "bindings" / "go"
    files = {path.relative_to(module).as_posix(): path for path in module.rglob("*")}
    files = {name: path for name, path in files.items() if path.is_file()}
    files["LICENSE"] = source / "LICENSE"
    made = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(f"matrixdevices@v{version}/{name}", made)
            mode = 0o755 if os.access(files[name], os.X_OK) else 0o644
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name].read_bytes())


if __name__ == "__main__":
    main()
