"""The devices of a call: words, files, and what is wrong with them."""

import resource
import struct
import wave
from pathlib import Path

import pytest

from ringfence.errors import ComponentError, ConfigError
from ringfence.runtime.host_sound import check_devices, open_devices, open_microphone, open_speaker
from ringfence.runtime.state import Sound


def wav(path: Path, audio: bytes, rate: int = 8000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(audio)
    return path


def heard(path: Path) -> bytes:
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        return file.readframes(file.getnframes())


def test_null_hears_nothing() -> None:
    assert open_microphone("null", 8000).read(3) == bytes(6)


def test_a_tone_goes_on_without_a_click() -> None:
    tone = open_microphone("tone:1000", 8000)
    assert struct.unpack("<8h", tone.read(8)) == (0, 5657, 8000, 5657, 0, -5657, -8000, -5657)
    tone.read(7997)
    assert struct.unpack("<4h", tone.read(4)) == (-5657, -8000, -5657, 0)


def test_a_file_is_played_over_and_over(tmp_path: Path) -> None:
    player = open_microphone(f"wav:{wav(tmp_path / 'a.wav', b'abcdef')}", 8000)
    assert player.read(2) + player.read(3) == b"abcdefabcd"


def test_a_recording_holds_what_was_played_and_is_named_by_its_call(tmp_path: Path) -> None:
    for _ in range(2):
        speaker = open_speaker(f"wav:{tmp_path}", 8000, "call")
        speaker.write(b"abcd")
        speaker.write(b"ef")
        speaker.close()
    assert heard(tmp_path / "call.wav") == heard(tmp_path / "call-2.wav") == b"abcdef"


def test_a_crash_costs_a_second_of_a_recording_at_most(tmp_path: Path) -> None:
    speaker = open_speaker(f"wav:{tmp_path}", 8000, "call")
    speaker.write(bytes(16000))
    speaker.write(bytes(320))
    assert heard(tmp_path / "call.wav") == bytes(16000)
    speaker.close()


def test_a_full_disk_ends_the_recording_and_not_the_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    speaker = open_speaker(f"wav:{tmp_path}", 8000, "call")
    held = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, held[1]))
    try:
        speaker.write(bytes(16000))
        speaker.write(bytes(16000))
        speaker.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, held)
    assert [record.getMessage() for record in caplog.records] == [
        f"audio.recording_ended: {tmp_path / 'call.wav'}: File too large"
    ]


@pytest.mark.parametrize(
    "word",
    ["", "null:", "tone:", "tone:0", "tone:4000", "tone:-1", "tone:²", "tone:99999999", "wav:"],
)
def test_a_word_that_names_no_microphone_is_refused(word: str) -> None:
    with pytest.raises(ConfigError, match="null, tone:HERTZ, wav:FILE or card"):
        check_devices(Sound(microphone=word), 8000)


@pytest.mark.parametrize("word", ["", "tone:440", "wav:", "null:x"])
def test_a_word_that_names_no_speaker_is_refused(word: str) -> None:
    with pytest.raises(ConfigError, match="null, wav:FOLDER or card"):
        check_devices(Sound(speaker=word), 8000)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("none.wav", "No such file"),
        ("text.wav", "RIFF"),
        ("empty.wav", "no audio in it"),
        ("fast.wav", "not mono, 16 bit, 8000 Hz"),
        ("stereo.wav", "not mono, 16 bit, 8000 Hz"),
        ("long.wav", "longer than 600 s"),
        ("short", "Is a directory"),
    ],
)
def test_a_file_that_cannot_be_played_says_why(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "text.wav").write_text("no sound at all")
    (tmp_path / "short").mkdir()
    wav(tmp_path / "empty.wav", b"")
    wav(tmp_path / "fast.wav", bytes(320), rate=16000)
    wav(tmp_path / "stereo.wav", bytes(320), channels=2)
    wav(tmp_path / "long.wav", bytes(2 * (600 * 8000 + 1)))
    with pytest.raises(ComponentError, match=why):
        check_devices(Sound(microphone=f"wav:{tmp_path / name}"), 8000)


def test_a_folder_that_is_not_there_cannot_take_recordings(tmp_path: Path) -> None:
    check_devices(Sound(speaker=f"wav:{tmp_path}"), 8000)
    with pytest.raises(ComponentError, match="is not there"):
        check_devices(Sound(speaker=f"wav:{tmp_path / 'none'}"), 8000)
    with pytest.raises(ComponentError, match="No such file"):
        open_devices(Sound(speaker=f"wav:{tmp_path / 'none'}"), 8000, "call")
