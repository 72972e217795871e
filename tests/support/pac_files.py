"""PAC files that mean harm, and mutations of one that does not."""

import random
from typing import Final

GOOD: Final = """\
// Inside straight on, everything else by the proxy of the department.
var inside = [".telco.test", ".office.test"];
function FindProxyForURL(url, host) {
  if (isPlainHostName(host) || host == "127.0.0.1") return "DIRECT";
  for (var i = 0; i < inside.length; i++)
    if (dnsDomainIs(host, inside[i])) return "DIRECT";
  if (isInNet(host, "192.0.2.0", "255.255.255.0")) return "PROXY lab.telco.test:3128";
  if (shExpMatch(url, "http://*.video.test/*")) return "PROXY video.telco.test:8080; DIRECT";
  if (weekdayRange("SAT", "SUN") && timeRange(0, 24)) return "PROXY weekend.telco.test";
  return "PROXY p1.telco.test:3128; PROXY p2.telco.test:3128";
}
"""

_IN_FUNCTION = {
    "loop": ("for (;;);", "pac-time"),
    "loop that catches": ("for (;;) try { for (;;); } catch (e) { }", "pac-time"),
    "regex": ('return /^(a+)+$/.test("a".repeat(40) + "!");', "pac-time"),
    "memory": ('var a = []; for (;;) a.push("x".repeat(1e6) + a.length);', "pac-memory"),
    "array": ("var a = [1]; for (;;) a = a.concat(a);", "pac-memory"),
    "huge array": ("return new Array(1e9).fill(1).join();", "pac-memory"),
    "recursion": ("function f() { f(); } f();", "pac-script"),
    "dnsflood": ('for (var i = 0; ; i++) dnsResolve("n" + i + ".test");', "pac-lookups"),
    "dnsflood that catches": (
        'for (var i = 0; i < 99; i++) try { dnsResolve("n" + i + ".test"); } catch (e) { }',
        "pac-lookups",
    ),
    "long answer": ('return "PROXY p;".repeat(1e6);', "pac-result"),
    "control characters": ('return "PROXY p\\r\\nX-Evil: 1";', "pac-result"),
    "no answer": ("", "pac-script"),
    "a number": ("return 7;", "pac-script"),
    "half a character": ('return "PROXY \\ud800";', None),
    "an exception with a long tale": ('throw new Error("x".repeat(1e6));', "pac-script"),
    "an exception that is nothing": ("throw undefined;", "pac-script"),
    "other engine": ('return require("fs").readFileSync("/etc/passwd");', "pac-script"),
    "import": ('import("/etc/passwd"); return std.open("/etc/passwd");', "pac-script"),
}
_AT_LOAD = {
    "loop at load": ("for (;;);", "pac-time"),
    "memory at load": ('var a = []; for (;;) a.push("x".repeat(1e6) + a.length);', "pac-memory"),
    "syntax": ("function FindProxyForURL(", "pac-script"),
    "deep": ("(" * 100_000, "pac-script"),
    "a NUL": ("\0", "pac-script"),
    "no function": ("1;", "pac-script"),
}
HOSTILE: Final = {
    name: (f"function FindProxyForURL(url, host) {{ {body} }}", rule)
    for name, (body, rule) in _IN_FUNCTION.items()
} | _AT_LOAD
"""`{name: (file, rule that refuses it, None for any)}`."""

_PIECES = (
    *("(", ")", "{", "}", ";", '"', "/", "*", "\\", "\0", "\ud7ff", "`", "=>", "...", "while(1)"),
    *(
        "return ",
        "throw ",
        "eval",
        "host",
        "url",
        "dnsResolve(host)",
        "isInNet",
        "/(a*)*b/",
        "new ",
    ),
    *("1e999", "-1", "null", "this", "var ", "function ", "__proto__", "async ", "yield ", "["),
)


def mutated(seed: int) -> bytes:
    """Return the good file, changed at one to three places."""
    draw = random.Random(seed)
    text = GOOD
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(text))
        change = draw.randrange(4)
        if change == 0:
            text = text[:at] + text[at + draw.randint(1, 20) :] or GOOD
        elif change == 1:
            text = text[:at] + draw.choice(_PIECES) + text[at:]
        elif change == 2:
            other = draw.randrange(len(text))
            text = text[:at] + text[other : other + draw.randint(1, 60)] + text[at:]
        else:
            text = text[:at] + chr(draw.randrange(1, 0x250)) + text[at + 1 :]
    return text.encode()
