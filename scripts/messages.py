#!/usr/bin/env python3
"""Keep the catalogues as the sources are: `make messages`.

With --check nothing is written, and what is not up to date is named. With --pseudo a language is
written that shows what escapes translation and what has no room: accented, longer, in brackets.
"""

import argparse
import ast
import datetime
import io
import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from ringfence.config.codecs import Codec
from ringfence.config.settings import ROWS

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "ringfence/messages"
PAGES = "ringfence/features/web/templates"
KEYWORDS = {"_": None, "plural": (1, 2)}
MARKED = re.compile(r"\b(_|plural)\s*\(")
FIELD = re.compile(r"\{\w*\}")
PSEUDO = "qps"
ACCENTED = str.maketrans("aceginorsuyACEGINORSUYZz", "áçéğíñóřšúýÁÇÉĞÍÑÓŘŠÚÝŽž")
LONGER = 0.35
PLACES = ("features", "runtime", "policy")
ROWS_OF = re.compile(r"\brows\b|_row\b|\bStatus\(|^TITLE\b", re.MULTILINE)
LABEL = re.compile(r"[A-Z0-9][\w' .,:()-]*[a-z][\w' .,:()-]*|[A-Z]{2,}( [A-Z]+)*")
NO_TIME = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
"""In compiled catalogues, which are the same for the same texts."""
HEADER = """\
# Kept by `make messages`; the translations are written by hand.
msgid ""
msgstr ""
"Language: {code}\\n"
"Plural-Forms: {plural}\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""


@cache
def found() -> Catalog:
    """Return every message of the sources and of the parameters."""
    made = Catalog(fuzzy=False)
    for file in sorted((ROOT / "ringfence").rglob("*.py")):
        _add(made, file, "python")
        for text in _status_labels(file):
            made.add(text, locations=[(str(file.relative_to(ROOT)), 1)])
    for file in sorted((ROOT / PAGES).glob("*.html")):
        _add(made, file, "jinja2")
    for tab, rows in ROWS.items():
        for row in rows.values():
            if not row.hidden:
                place = [(f"ringfence/config/catalog/{tab}.py", 1)]
                for text in (row.help, *_hints(row.codec)):
                    made.add(str.__str__(text), locations=place)
    return made


def _add(catalog: Catalog, file: Path, kind: str) -> None:
    if kind == "python" and not MARKED.search(file.read_text()):
        return  # to take a module to pieces costs much more than to look for a mark
    place = [(str(file.relative_to(ROOT)), 1)]
    options = {"trim_blocks": "true", "lstrip_blocks": "true"} if kind == "jinja2" else None
    for _, message, _, _ in extract_from_file(kind, file, keywords=KEYWORDS, options=options):
        catalog.add(message, locations=place)


def _status_labels(file: Path) -> Iterator[str]:
    """Yield the labels and headings of statuses: nobody has to mark them.

    A label is the first of a pair, in a module that makes rows of a status; one that is filled
    in counts where its number ends it, as `surfaces.status.label` has it.
    """
    source = file.read_text()
    if file.relative_to(FOLDER.parent).parts[0] not in PLACES or not ROWS_OF.search(source):
        return
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Tuple(elts=[label, _]):
                yield from _label(label)
            case ast.Call(func=ast.Name(id="Status"), args=[_, _, _, title, *_]):
                yield from _label(title)
            case ast.Call(func=ast.Name(id="Status"), keywords=[]):
                yield file.parent.name.capitalize()
            case ast.keyword(arg="title", value=title):
                yield from _label(title)
            case ast.Assign(targets=[ast.Name(id="TITLE" | "title")], value=title):
                yield from _label(title)


def _label(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)) if LABEL.fullmatch(text):
            yield text
        case ast.JoinedStr(values=[ast.Constant(value=str(text)), ast.FormattedValue()]):
            if LABEL.fullmatch(text.strip()) and text.endswith(" "):
                yield f"{text}{{n}}"


def _hints(codec: Codec[object]) -> Iterator[str]:
    if hint := getattr(codec, "hint", ""):
        yield hint


def updated(file: Path) -> tuple[Catalog, bytes, bytes]:
    """Return a language's catalogue as it should be, with its text and its compiled form."""
    held = read_po(io.BytesIO(file.read_bytes()), locale=file.stem)
    held.update(found(), no_fuzzy_matching=True, update_creation_date=False)
    held.obsolete.clear()
    held.creation_date = held.revision_date = NO_TIME
    text, compiled = io.BytesIO(), io.BytesIO()
    text.write(HEADER.format(code=file.stem, plural=held.plural_forms).encode())
    write_po(text, held, width=100, sort_output=True, include_lineno=False, omit_header=True)
    write_mo(compiled, held)
    return held, text.getvalue(), compiled.getvalue()


def missing(catalog: Catalog) -> list[str]:
    """Return the messages that a language does not have yet."""
    texts = ((each, each.string if each.pluralizable else (each.string,)) for each in catalog)
    return [_id(each) for each, strings in texts if each.id and not all(strings)]


def _id(message: Message) -> str:
    return str(message.id[0] if message.pluralizable else message.id)


def pseudo() -> bytes:
    """Return the compiled language that nobody speaks."""
    made = Catalog(locale="en", fuzzy=False, creation_date=NO_TIME)
    for each in found():
        if each.id:
            texts = [twisted(text) for text in (each.id if each.pluralizable else (each.id,))]
            made.add(each.id, tuple(texts) if each.pluralizable else texts[0])
    compiled = io.BytesIO()
    write_mo(compiled, made)
    return compiled.getvalue()


def twisted(text: str) -> str:
    """Return a text accented, a third longer and in brackets; what is filled in stays."""
    parts = re.split(f"({FIELD.pattern})", text)
    said = "".join(part if FIELD.fullmatch(part) else part.translate(ACCENTED) for part in parts)
    more = max(1, round(LONGER * len(FIELD.sub("", text))) - 2)
    # Words, because nobody's language is one long word.
    return f"[{said}{''.join(' ' if n % 8 == 0 else '~' for n in range(more))}]"


def main() -> int:
    """Return what the process ends with."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 when out of date")
    parser.add_argument("--pseudo", action="store_true", help="write the language to test with")
    wanted = parser.parse_args()
    if wanted.pseudo:
        _replace(FOLDER / f"{PSEUDO}.mo", pseudo())
        return 0
    stale = []
    for file in sorted(FOLDER.glob("*.po")):
        catalog, text, compiled = updated(file)
        for path, data in ((file, text), (file.with_suffix(".mo"), compiled)):
            if not path.exists() or path.read_bytes() != data:
                stale.append(path.name)
                if not wanted.check:
                    _replace(path, data)
        for each in missing(catalog) if not wanted.check else ():
            print(f"{file.name}: not translated yet: {each}")
    if wanted.check and stale:
        print(f"{', '.join(stale)} would change: make messages")
        return 1
    return 0


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that whoever reads it gets the old one or the new."""
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(data)
    part.replace(path)


if __name__ == "__main__":
    sys.exit(main())
