"""`slim.py folder`: takes out of an installed environment what no running program reads.

Debug information is six sevenths of the packages' extension modules, and an image as small as the
Python one it is built from has no `strip`.
"""

import shutil
import struct
import sys
from pathlib import Path

# As installed; whoever looks for what a package brought finds these in its RECORD all the same.
FOLDERS = ("**/site-packages/**/tests", "**/sqlalchemy/testing", "**/alembic/testing")
SOURCES = frozenset({".c", ".h", ".pxd", ".pyx"})

# ELF, 64 bits, little-endian: e_ident, then e_phoff e_shoff, then e_phentsize … e_shstrndx.
MAGIC = b"\x7fELF\x02\x01\x01"
OFFSETS = struct.Struct("<QQ")
COUNTS = struct.Struct("<HHHHH")
OFFSETS_AT, COUNTS_AT = 32, 54
SEGMENT = struct.Struct("<IIQQQQ")


def strip(path: Path) -> int:
    """Cuts a shared object after its last segment: what the loader maps stays byte for byte, the
    symbols for debuggers go. Returns how many bytes that freed; other files are left alone."""
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        return 0
    segments, _ = OFFSETS.unpack_from(content, OFFSETS_AT)
    size, count, *_ = COUNTS.unpack_from(content, COUNTS_AT)
    end = segments + size * count
    for number in range(count):
        _, _, offset, _, _, length = SEGMENT.unpack_from(content, segments + number * size)
        end = max(end, offset + length)
    kept = bytearray(content[:end])
    OFFSETS.pack_into(kept, OFFSETS_AT, segments, 0)  # no section headers any more
    COUNTS.pack_into(kept, COUNTS_AT, size, count, 0, 0, 0)
    path.write_bytes(kept)
    return len(content) - len(kept)


def main(folder: str) -> int:
    """Returns the exit code."""
    root = Path(folder)
    for pattern in FOLDERS:
        for found in [each for each in root.glob(pattern) if each.is_dir()]:
            shutil.rmtree(found, ignore_errors=True)
    freed = 0
    for path in [each for each in root.rglob("*") if each.is_file() and not each.is_symlink()]:
        if path.suffix in SOURCES:
            path.unlink()
        elif path.suffix == ".so":
            freed += strip(path)
    print(f"slim: {freed / 1e6:.1f} MB of debug information taken out")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
