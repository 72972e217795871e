"""Files that the provider signed: The Update Framework, through Egress.

A URL names a file; the folder it is in is a TUF repository, and the last part of its path is the
target there. What a file is, and that it is the newest, says the provider's metadata, whoever
holds the server. Source: TUF specification 1.0, section 5.
"""

import asyncio
import io
import json
import logging
import re
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ringfence.errors import ComponentError, NetworkError, PolicyError, RingfenceError
from ringfence.policy.rules import Url, parse_url
from ringfence.runtime.download import FILE_REFUSED, Asking, Received, aim, receive
from ringfence.runtime.feature import World
from ringfence.runtime.reach import Reach
from ringfence.runtime.slots import METADATA

if TYPE_CHECKING:
    from tuf.api.metadata import TargetFile
    from tuf.ngclient import Updater

T = TypeVar("T")

logger = logging.getLogger(__name__)

REPOSITORIES = 4
"""Those that are remembered."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
METADATA_LIMIT = 256 << 10
"""Bytes of a file of metadata."""
ROTATIONS = 32
"""Newer roots that are followed in one go."""
_KEPT = re.compile(r"(timestamp|snapshot|targets)\.json|root_history/[0-9]{1,9}\.root\.json")


class Signed(Struct, frozen=True):
    """What the provider's metadata says of a file."""

    kind: str
    """`phone` or `headset`."""
    version: str
    digest: str
    """SHA-256, hexadecimal."""
    length: int


class Source(Struct, frozen=True):
    """Where a signed file is, and how its server is reached."""

    url: Url
    reach: Reach
    named_by: str
    """Tag of the rule."""
    root: bytes
    """The metadata of whom the phone believes, from the provider."""
    limit: int
    """Bytes that the file may have."""
    asking: Asking


async def verified(
    world: World, source: Source, wanted: Callable[[Signed], Awaitable[bool]]
) -> tuple[Signed, bytes | None]:
    """Return what is said of a file, and the file itself if it is `wanted`.

    `wanted` sees what the provider says before anything of the file is fetched; what it raises
    ends this.

    Raises:
        PolicyError: the domain is forbidden; or the metadata or the file is not what the provider
            signed, is older than what was seen before, or has expired.
        NetworkError: it cannot be had.
        RemoteProtocolError: the server does not speak HTTP that can be used.
        ComponentError: the disk refused to remember the metadata.

    """
    folder, _, name = source.url.path.rpartition("/")
    if not NAME.fullmatch(name):
        reason = f"{name[:80]!r} is not the name of a signed file"
        raise PolicyError("image-name", reason, "end the URL with letters, digits, . _ and -")
    loop = asyncio.get_running_loop()

    def done(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    async def judged(said: Signed) -> bool:
        return await wanted(said)

    def get(url: str, most: int) -> Received:
        return done(_get(world, source, parse_url(url), most))

    base = str(replace(source.url, path=f"{folder}/"))
    update = partial(_update, world, source, (base, name), get, lambda said: done(judged(said)))
    return await asyncio.to_thread(update)


async def _get(world: World, source: Source, url: Url, most: int) -> Received:
    """Return a file of the repository, or that there is none."""
    from ringfence.runtime.http import Request

    target = aim(source.reach, source.url.host, source.named_by)
    request = Request(url, {"User-Agent": source.reach.agent}, limit=most)
    return await receive(world, target, request, source.asking)


def _update(
    world: World,
    source: Source,
    where: tuple[str, str],
    get: Callable[[str, int], Received],
    wanted: Callable[[Signed], bool],
) -> tuple[Signed, bytes | None]:
    """Do what the library does in one go, in a thread; the library works with a folder."""
    from tuf.api.exceptions import DownloadError, RepositoryError

    base, name = where
    held = _recall(world)
    try:
        with tempfile.TemporaryDirectory(prefix="ringfence-firmware-") as scratch:
            folder = Path(scratch)
            _lay_out(folder, held.get(base, {}))
            try:
                updater = _updater(folder, source, base, get)
                updater.refresh()
                target = updater.get_targetinfo(name)
                if target is None:
                    raise PolicyError("image-unsigned", f"the provider has not signed any {name}")
                said = _said(target)
                if not wanted(said):
                    return said, None
                if said.length > source.limit:
                    raise PolicyError("image-size", f"{name} has more than {source.limit} bytes")
                path = updater.download_target(target, str(folder / "image"))
                return said, Path(path).read_bytes()
            finally:
                _remember(world, folder, base, held)
    except (DownloadError, RepositoryError, OSError, ValueError) as error:
        raise _reason(error) from None


def _updater(
    folder: Path, source: Source, base: str, get: Callable[[str, int], Received]
) -> "Updater":
    from tuf.api.exceptions import DownloadHTTPError
    from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

    class Fetcher(FetcherInterface):
        """Fetches through Egress."""

        def _fetch(self, url: str) -> Iterator[bytes]:
            return iter((self._whole(url, METADATA_LIMIT),))

        @contextmanager
        def download_file(self, url: str, max_length: int) -> "Iterator[IO[bytes]]":
            yield io.BytesIO(self._whole(url, max_length))

        def _whole(self, url: str, most: int) -> bytes:
            got = get(url, most)
            if got.missing:
                raise DownloadHTTPError(got.missing, 404)
            return got.body

    config = UpdaterConfig(
        max_root_rotations=ROTATIONS,
        max_delegations=1,
        root_max_length=METADATA_LIMIT,
        snapshot_max_length=METADATA_LIMIT,
        targets_max_length=METADATA_LIMIT,
    )
    where = {"target_dir": str(folder), "target_base_url": base}
    return Updater(
        str(folder), base, **where, fetcher=Fetcher(), config=config, bootstrap=source.root
    )


def _said(target: "TargetFile") -> Signed:
    """Return what the metadata says of a target.

    Raises:
        PolicyError: it does not say enough.

    """
    said = target.unrecognized_fields.get("custom")
    digest = target.hashes.get("sha256", "")
    if not isinstance(said, dict) or not digest:
        raise PolicyError("image-unsigned", "the provider's metadata tell no version or SHA-256")
    kind, version = said.get("kind"), said.get("version")
    if not (isinstance(kind, str) and isinstance(version, str)):
        raise PolicyError("image-unsigned", "the provider's metadata tell no kind or version")
    return Signed(kind, version, digest, target.length)


def _reason(error: Exception) -> RingfenceError:
    """Return in the phone's terms what the library says."""
    from tuf.api import exceptions as tuf

    said = str(error).partition("\n")[0][:300]
    match error:
        case tuf.DownloadHTTPError():
            return NetworkError(said, FILE_REFUSED)
        case tuf.BadVersionNumberError():
            return PolicyError("image-replayed", f"replayed, older than what was seen: {said}")
        case tuf.ExpiredMetadataError():
            reason = f"the provider's metadata have expired: {said}"
            return PolicyError("image-expired", reason, "ringfence provider firmware publish")
        case tuf.LengthOrHashMismatchError():
            return PolicyError("image-tampered", f"not what the provider signed: {said}")
        case tuf.UnsignedMetadataError():
            return PolicyError("image-unsigned", f"not signed by the provider: {said}")
        case tuf.RepositoryError():
            return PolicyError("image-metadata", f"the provider's metadata are refused: {said}")
        case tuf.DownloadError():
            return NetworkError(said)
    return ComponentError("metadata", said or type(error).__name__)


def _recall(world: World) -> dict[str, dict[str, str]]:
    """Return what was seen before: `{repository: {file: text}}`."""
    if not world.host.names(METADATA):
        return {}
    try:
        return msgspec.json.decode(world.host.read(METADATA), type=dict[str, dict[str, str]])
    except (ComponentError, ValueError) as error:
        logger.error("signed.memory_lost: %s", error)
        return {}


def _lay_out(folder: Path, texts: Mapping[str, str]) -> None:
    """Put files where the library looks for them."""
    (folder / "root_history").mkdir()
    for name, text in texts.items():
        if _KEPT.fullmatch(name):
            (folder / name).write_text(text)


def _remember(world: World, folder: Path, base: str, held: Mapping[str, dict[str, str]]) -> None:
    """Keep what the library has verified, so that a power cut leaves it all or what was before."""
    seen = {
        name: path.read_text(errors="replace")
        for path in sorted(folder.rglob("*.json"))
        if _KEPT.fullmatch(name := path.relative_to(folder).as_posix())
    }
    if seen and seen != held.get(base):
        others = {other: texts for other, texts in held.items() if other != base}
        kept = dict(list(others.items())[-(REPOSITORIES - 1) :])
        world.host.write(METADATA, json.dumps({**kept, base: seen}).encode())
