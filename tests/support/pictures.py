"""Pictures that are what they say, and pictures that are bombs."""

import io
import random
import struct
import zlib

from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n"


def picture(kind: str = "PNG", size: tuple[int, int] = (64, 48), mode: str = "RGB") -> bytes:
    """Return a picture in one of the formats of the library, `PNG`, `JPEG`, `BMP`, `GIF`."""
    made = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(made, kind)
    return made.getvalue()


def noise(size: tuple[int, int]) -> bytes:
    """Return a PNG that cannot be packed."""
    made = io.BytesIO()
    Image.frombytes("RGB", size, random.Random(8).randbytes(size[0] * size[1] * 3)).save(
        made, "PNG"
    )
    return made.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, rows: bytes, *more: bytes, bits: int = 1, kind: int = 0) -> bytes:
    """Return a PNG, put together by hand: `rows` as they are before they are packed."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    packed = zlib.compress(rows, 9)
    return PNG + head + b"".join(more) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def frames(count: int) -> bytes:
    """Return a GIF of many pictures."""
    made = io.BytesIO()
    first, *others = (Image.new("P", (64, 64), n % 256) for n in range(count))
    first.save(made, "GIF", save_all=True, append_images=others)
    return made.getvalue()


ZEROS = bytes(64 << 20)
BOMBS = {
    "pixels": (png(50_000, 50_000, b""), "50000 x 50000 pixels, at most 9000000 are decoded"),
    "inflates": (png(64, 64, ZEROS, bits=8), ""),
    "texts": (
        png(8, 8, bytes(16), *(chunk(b"zTXt", b"a\0\0" + zlib.compress(ZEROS, 9)),) * 3),
        "it cannot be decoded",
    ),
    "profile": (
        png(8, 8, bytes(16), chunk(b"iCCP", b"a\0\0" + zlib.compress(ZEROS, 9))),
        "it cannot be decoded",
    ),
    "long bmp": (
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 90, 0, 0, 54, 40, 2900, 2900, 1, 24, *(0,) * 6),
        "it cannot be decoded: image file is truncated",
    ),
    "huge bmp": (
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 90, 0, 0, 54, 40, 60_000, 60_000, 1, 24, *(0,) * 6),
        "60000 x 60000 pixels",
    ),
    "cut jpeg": (picture("JPEG", (800, 480))[:2000], "image file is truncated"),
    "frames": (frames(2000), "it is no BMP, JPEG or PNG"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "it is no BMP"),
    "page": (b"<html>sorry</html>", "it is no BMP"),
    "nothing": (b"", "it is no BMP"),
    "polyglot": (b"GIF89a" + picture(), "it is no BMP"),
}
"""`{what: (file, why it is refused)}`; what is not refused is shown as what it is."""
