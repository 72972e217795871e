"""Words that mean something in one grammar or another, for those who must not be moved by them."""

import random
import string

EACH = tuple(f"a{mark}b" for mark in string.punctuation)
"""Every mark of ASCII alone, between letters."""
GRAVE = (
    "*)(uid=*))(|(uid=*",
    "\\2a\\29\\00",
    "$VALUE$(MA)$$",
    "../..//%2e%2e/%00?x=1#top",
    "'\"><script>&amp;<![CDATA[",
    "a;b=c&d|e`f`$(g)",
    "{0}%s%n\\r\\n",
    "Zoë 漢字 \U0001f4de",
)
"""What people write who want to get out."""


def words(seed: int, count: int) -> tuple[str, ...]:
    """Return words of marks and letters, the same ones for a seed; none begins or ends blank."""
    dice = random.Random(seed)
    letters = string.punctuation * 2 + "ab 1é漢"
    made = ("".join(dice.choices(letters, k=dice.randint(1, 24))).strip() for _ in range(count * 2))
    return tuple(filter(None, made))[:count]
