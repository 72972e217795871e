"""`ringfence provider firmware`: images for phones, built and signed."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from ringfence.cli import sentence
from ringfence.cli.provider_inventory import Verbs
from ringfence.errors import ConfigError

DAYS = 30
PUBLISH = """\
Sign images, and once more all that was published before, for phones that trust DIR/root.json,
which is their firmware-root.json. Without a FILE what is there is signed anew: do so before --days
are over. DIR is served by `provider serve --firmware DIR`, or by any web server."""


def add(verbs: Verbs) -> None:
    """Declare the verbs."""
    parser = verbs.add_parser(
        "firmware",
        help="build images for phones, and sign them",
        description="Build images for phones, and sign them.",
    )
    more = parser.add_subparsers(dest="firmware", required=True, metavar="VERB")
    said = "build an image of the Ringfence that is installed here"
    build = more.add_parser("build", help=said, description=sentence(said))
    build.add_argument("--out", "-o", type=Path, metavar="FILE", help="ringfence-VERSION.pyz")
    publish = more.add_parser("publish", help="sign images, and all before", description=PUBLISH)
    publish.add_argument("file", nargs="*", type=Path, metavar="FILE")
    publish.add_argument("--dir", type=Path, required=True, help="folder of what is published")
    publish.add_argument("--ca-dir", type=Path, required=True, help="folder of `ringfence ca init`")
    publish.add_argument(
        "--headset", metavar="VERSION", help="the FILEs are of headsets, and of this version"
    )
    publish.add_argument(
        "--days", type=int, default=DAYS, help=f"until it must be signed anew ({DAYS})"
    )
    publish.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="opens the keys of the authority"
    )


def run(arguments: argparse.Namespace) -> None:
    """Run one verb.

    Raises:
        ConfigError: something was refused.
        ComponentError: a file or a key fails.

    """
    if arguments.firmware == "build":
        _build(arguments)
    else:
        _publish(arguments)


def _build(arguments: argparse.Namespace) -> None:
    from ringfence.provider.files import write
    from ringfence.provider.firmware.build import build

    manifest, data = build()
    path = arguments.out or Path(f"ringfence-{manifest.version}.pyz")
    write(path, data, 0o644)
    print(path)


def _publish(arguments: argparse.Namespace) -> None:
    from ringfence.cli.ca_passphrase import held
    from ringfence.policy import image
    from ringfence.provider.files import read
    from ringfence.provider.firmware.repository import LARGEST, ROOT, Keys, Offer, publish

    if not 0 < arguments.days <= 365:
        raise ConfigError("--days", f"{arguments.days} is not between 1 and 365")
    offers = []
    for path in arguments.file:
        data = read(path, LARGEST)
        if arguments.headset:
            offers.append(Offer(path.name, data, "headset", arguments.headset))
            continue
        try:
            offers.append(Offer(path.name, data, "phone", image.read(data).version))
        except ValueError as error:
            raise ConfigError(str(path), str(error), "ringfence provider firmware build") from None
    folder: Path = arguments.ca_dir
    keys = Keys(folder, held(arguments.passphrase_file, folder))
    told = publish(arguments.dir, keys, offers, datetime.now(UTC), arguments.days)
    width = max(map(len, told))
    for name, version in sorted(told.items()):
        print(f"{name:{width}}  {version}")
    print(f"phones believe {arguments.dir / ROOT}; sign anew within {arguments.days} days")
