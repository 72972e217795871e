"""The words of the lab's attacker."""

import pytest

from ringfence.lab.attacker import main


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "are required: verb"),
        (["flood"], "invalid choice: 'flood'"),
        (["eapol", "00:0e:08"], "invalid address value"),
        (["fuzz", "many"], "invalid int value: 'many'"),
    ],
)
def test_wrong_words_are_told(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
