"""Pictures of strangers in their process: what comes out, and what ends it."""

import asyncio
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from ringfence.errors import RemoteProtocolError
from ringfence.runtime.picture import Picture, Pictures
from tests.support.pictures import BOMBS, chunk, picture

ROOT = Path(__file__).parent.parent.parent
SECRET = b"EXIF-of-somebody"


def decoded(data: bytes, width: int = 800, height: int = 480) -> Picture:
    return asyncio.run(Pictures().decode(data, width, height))


@pytest.mark.parametrize("kind", ["BMP", "JPEG", "PNG"])
def test_a_picture_becomes_a_png_that_fits(kind: str) -> None:
    made = decoded(picture(kind, (1600, 1200)))
    assert (made.width, made.height, made.was) == (640, 480, f"{kind}, 1600 x 1200")
    shown = Image.open(io.BytesIO(made.png))
    assert (shown.format, shown.size, shown.mode) == ("PNG", (640, 480), "RGB")
    assert abs(shown.getpixel((0, 479))[0] - 255) < 9  # type: ignore[index]


def test_a_small_picture_stays_as_small_and_a_clear_one_stays_clear() -> None:
    made = decoded(picture("PNG", (20, 10), "RGBA"))
    assert (made.width, made.height) == (20, 10)
    assert Image.open(io.BytesIO(made.png)).mode == "RGBA"


def test_nothing_but_pixels_comes_out() -> None:
    data = picture()
    told = data[:33] + chunk(b"tEXt", b"Comment\0" + SECRET) + data[33:] + b"<script>" + SECRET
    assert SECRET in told
    made = decoded(told)
    assert SECRET not in made.png
    assert b"script" not in made.png


def test_two_pictures_have_two_names() -> None:
    one, other = decoded(picture()), decoded(picture(size=(64, 47)))
    assert one.digest != other.digest
    assert one.digest == decoded(picture()).digest


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_or_shown_as_the_little_that_it_is(name: str) -> None:
    data, said = BOMBS[name]
    if said:
        with pytest.raises(RemoteProtocolError, match=f"the picture is refused.*{said}"):
            decoded(data)
    else:
        assert decoded(data).width <= 64


def test_a_picture_that_takes_more_memory_than_the_process_has_is_refused() -> None:
    made = io.BytesIO()  # one eighth of it would do; but every coefficient of it is held
    Image.linear_gradient("L").resize((10_000, 10_000)).save(made, "JPEG", progressive=True)
    with pytest.raises(RemoteProtocolError, match="the picture is refused"):
        decoded(made.getvalue())


PRELUDE = """
import os, socket, sys
sys.path[:0] = sys.argv[1:3]
from ringfence.runtime import picture_child as child
decoder = child.Decoder()
child.confine(os.getppid(), *child.CALLS, seconds=child.CPU, memory=child.MEMORY)
"""
TRIES = {
    "open": "open('/etc/hostname')",
    "socket": "socket.socket()",
    "program": "os.execv('/bin/true', ['true'])",
    "fork": "os.fork()",
    "memory": "bytearray(256 << 20)",
}


@pytest.mark.parametrize("name", TRIES)
def test_the_process_can_do_nothing_else(name: str) -> None:
    folder = str(Path(Image.__file__).parent.parent)
    done = subprocess.run(
        (sys.executable, "-I", "-S", "-c", PRELUDE + TRIES[name], str(ROOT), folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    expected = "MemoryError" if name == "memory" else "Operation not permitted"
    assert expected in done.stderr, done.stderr


def test_a_process_that_is_killed_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    from ringfence.runtime import picture as runtime

    words = (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    monkeypatch.setattr(runtime, "_command", lambda: words)
    with pytest.raises(RemoteProtocolError, match="was ended by SIGKILL"):
        decoded(picture())
    assert not Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()


@pytest.mark.parametrize("line", ["x", '{"png": 7}', '{"width": "'])
def test_a_process_that_says_something_else_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    from ringfence.runtime import picture as runtime

    words = (sys.executable, "-c", f"input(); print({line!r})")
    monkeypatch.setattr(runtime, "_command", lambda: words)
    with pytest.raises(RemoteProtocolError, match="said what nobody asked"):
        decoded(picture())
