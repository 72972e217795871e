from pathlib import Path

from ringfence.features.web.entrance import served


def test_only_files_of_a_known_kind_are_served(tmp_path: Path) -> None:
    for name in ("page.css", "page.css~", "page.css.swp", ".DS_Store", "README", "live.js"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder.css").mkdir()
    assert served(tmp_path) == {
        "page.css": (b"page.css", "text/css"),
        "live.js": (b"live.js", "text/javascript"),
    }
