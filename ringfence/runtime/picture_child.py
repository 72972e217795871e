"""The process that decodes a picture; it imports nothing of Ringfence but `confine`.

Started with an empty environment by `ringfence.runtime.picture`. It reads one line, answers with
one, and can do nothing else: it has no capability, can open nothing, and the kernel refuses every
other system call.
"""

import base64
import binascii
import io
import json
import os
import sys
from typing import Any

from ringfence.runtime.confine import confine

MEMORY = 192 << 20
"""Bytes of the process, of which the decoder has about 30 MiB before it reads anything."""
CPU = 5
"""Seconds of CPU after which the kernel kills the process."""
CALLS = ("read", "write")
"""What the kernel still does for the process, besides memory and its end."""
POLITE = 10
"""How far the process stands back behind the phone, whose sound does not wait."""
PIXELS = 9_000_000
"""Pixels of a picture, 4096 x 2160 and a little more; a JPEG may have more where it is decoded
at a fraction of its size."""
SIGNATURES = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"BM": "BMP"}
"""`{first bytes: format}`; what begins with none of them is not decoded."""


class RefusedError(Exception):
    """It is no picture that is shown; the text says why."""


class Decoder:
    """Pillow, loaded with three formats."""

    def __init__(self) -> None:
        from PIL import BmpImagePlugin, Image, JpegImagePlugin, PngImagePlugin

        Image.preinit()  # what saving a PNG would import later, when nothing can be opened
        self._image = Image
        self._formats: dict[str, Any] = {
            "PNG": PngImagePlugin.PngImageFile,
            "JPEG": JpegImagePlugin.JpegImageFile,
            "BMP": BmpImagePlugin.BmpImageFile,
        }

    def obey(self, order: bytes) -> dict[str, Any]:
        """Return a PNG that fits, or why there is none."""
        try:
            width, height, data = order.split(b" ")
            return self._decode(int(width), int(height), base64.b64decode(data))
        except RefusedError as error:
            return {"refused": str(error)}
        except MemoryError:
            return {"refused": "it needs more memory than it may have"}
        except (
            *(OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, EOFError),
            *(AttributeError, RuntimeError, binascii.Error, self._image.DecompressionBombError),
        ) as error:
            return {"refused": f"it cannot be decoded: {_words(error)}"}

    def _decode(self, width: int, height: int, data: bytes) -> dict[str, Any]:
        known = (name for start, name in SIGNATURES.items() if data.startswith(start))
        kind = next(known, "")
        if not kind:
            raise RefusedError("it is no BMP, JPEG or PNG")
        picture = self._formats[kind](io.BytesIO(data))
        size = picture.size
        picture.draft(None, (width * 2, height * 2))
        if picture.size[0] * picture.size[1] > PIXELS:
            raise RefusedError(f"{size[0]} x {size[1]} pixels, at most {PIXELS} are decoded")
        picture.load()
        shown = picture.convert("RGBA" if _is_clear(picture) else "RGB")
        shown.thumbnail((width, height))
        made = io.BytesIO()
        bare = self._image.new(shown.mode, shown.size)
        bare.paste(shown)  # without what the file says besides
        bare.save(made, "PNG")
        png = base64.b64encode(made.getvalue()).decode()
        return {"png": png, "width": bare.width, "height": bare.height, "was": [kind, *size]}


def _is_clear(picture: Any) -> bool:
    return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info


def _words(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(c if " " <= c <= "~" else "?" for c in text)[:200]


def _line() -> bytes:
    """Return what stands before the first end of a line on standard input."""
    pieces = []
    while data := os.read(0, 1 << 20):
        pieces.append(data)
        if b"\n" in data:
            break
    return b"".join(pieces).partition(b"\n")[0]


def main(parent: str, folder: str) -> None:
    """Decode one picture by the library in a folder; `parent` started this process."""
    sys.path.append(folder)
    os.nice(POLITE)
    decoder = Decoder()
    sys.path.clear()
    confine(int(parent), *CALLS, seconds=CPU, memory=MEMORY)
    answer = json.dumps(decoder.obey(_line())).encode() + b"\n"
    while answer:
        answer = answer[os.write(1, answer) :]
