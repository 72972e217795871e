"""The words of `ringfence phone run`, with and without argparse."""

import argparse
from pathlib import Path

import pytest

from ringfence.cli import phone_run


def by_argparse(words: list[str]) -> dict[str, object]:
    parser = argparse.ArgumentParser()
    phone_run.add(parser)
    return vars(parser.parse_args(words))


PLAIN = [
    ["--state", "/s"],
    ["--state", "/s", "--state", "t", "--user", ""],
    ["--debug", "--config", "cfg.xml", "--state", "/s", "--interface", "eth0", "--user", "1000"],
    ["--microphone", "tone:400", "--speaker", "wav:out", "--trace", "t.pcapng", "--state", "/s"],
    ["--state", "/s", "--life", "7"],
]
ODD = [
    [],
    ["--help"],
    ["--debug"],
    ["--state"],
    ["--state", "--debug"],
    ["--state=/s"],
    ["--stat", "/s"],
    ["--state", "/s", "more"],
    ["--state", "/s", "--life", "x"],
    ["--state", "/s", "--user", "-1"],
    ["--state", "/s", "--", "--debug"],
]


@pytest.mark.parametrize("words", PLAIN)
def test_plain_words_are_read_as_argparse_reads_them(words: list[str]) -> None:
    read = phone_run.plain(words)
    assert read
    assert vars(read) == by_argparse(words)


@pytest.mark.parametrize("words", ODD)
def test_words_that_are_not_plain_are_left_to_argparse(words: list[str]) -> None:
    assert phone_run.plain(words) is None


def test_what_was_not_said_has_its_default() -> None:
    read = phone_run.plain(["--state", "/s"])
    assert read
    assert (read.state, read.config, read.user, read.microphone, read.debug, read.life) == (
        Path("/s"),
        None,
        "",
        "null",
        False,
        None,
    )
