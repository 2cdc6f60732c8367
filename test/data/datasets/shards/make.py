"""Writes pax.tar and gnu.tar beside itself: WebDataset shards by another program than ours, with names that need
extended headers. Python's standard library only: python3 make.py"""

import io
import struct
import tarfile
import zlib
from pathlib import Path

HEIGHT, WIDTH = 6, 5
LONG = "a-folder-whose-name-is-quite-long/" * 5
KEYS = ["short", LONG + "beyond-the-ustar-prefix", "größe/Übermaß", "x" * 130]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(row: int) -> bytes:
    """Grey; pixel i of image `row` is (7 i + 31 row) mod 256."""
    pixels = bytes((7 * i + 31 * row) % 256 for i in range(HEIGHT * WIDTH))
    lines = b"".join(b"\0" + pixels[WIDTH * y : WIDTH * (y + 1)] for y in range(HEIGHT))
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def add(archive: tarfile.TarFile, name: str, data: bytes, **headers: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    if headers and archive.format == tarfile.PAX_FORMAT:
        member.pax_headers = headers
    archive.addfile(member, io.BytesIO(data))


for name, form in [("pax", tarfile.PAX_FORMAT), ("gnu", tarfile.GNU_FORMAT)]:
    everyone = {"comment": "of all members"} if name == "pax" else None
    with tarfile.open(Path(__file__).with_name(f"{name}.tar"), "w", format=form, pax_headers=everyone) as archive:
        folder = tarfile.TarInfo("größe")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for row, key in enumerate(KEYS):
            add(archive, f"{key}.png", png(row), mtime="1700000000.5")
            add(archive, f"{key}.cls", str(row % 3).encode())
