"""A profile that was encrypted with another key than the phone has.

Source: phone-facts 2.4.
"""

from ringfence.lab import topology
from ringfence.lab.breaks.profiles import SECOND, SECOND_RULE, push, second_server
from ringfence.lab.breaks.stage import Stage
from ringfence.lab.crew import RUN, run

RIGHT, WRONG = "the-key-of-this-lab", "a-key-of-somebody-else"
MARK = "GPP_P"
"""What the file would set."""


async def encrypted_wrong_key(stage: Stage) -> None:
    """Deliver a file that openssl encrypted with another passphrase than the rule names."""
    before, held = await stage.get(MARK), await stage.held()
    body = await _encrypted(WRONG)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
    asked = await second_server(stage, head.encode() + body)
    await push(stage, {SECOND_RULE: f"[--key {RIGHT}] https://{SECOND}/$MA.xml"})
    await stage.tell(
        "broke",
        f"A second server of the provider, https://{SECOND}/, delivers {len(body)} bytes that"
        " openssl enc -aes-256-cbc encrypted with another passphrase than the rule's.",
    )
    told = await stage.resync()
    after = await stage.get(MARK)
    stage.demand(bool(asked.find("asked: ")), "the second server was not asked")
    stage.demand(told["result"] == "failure", "the resync went well")
    stage.demand(after == before, "something of the file was applied")
    stage.demand(await stage.held() == held, "the phone left its registrar")
    how = "Applied what it could not read" if stage.failures else "Fetched it, and applied nothing"
    await stage.tell(
        "phone",
        f"{how}: {MARK}, which the file sets, is {after or 'empty'} as before; the lines stay"
        " registered, and the error ladder decides when it asks again.",
        result=told["result"],
        applied=after != before,
    )
    text = "With --key the file must be encrypted with that key, and be a profile inside."
    await stage.why("HTTPS Provisioning", SECOND_RULE, text, told["reason"])
    await stage.field("failed")


async def _encrypted(passphrase: str) -> bytes:
    """Return a profile as openssl encrypts it."""
    plain, sealed = RUN / "sealed.xml", RUN / "sealed.enc"
    plain.write_text(f"<flat-profile><{MARK}>forged</{MARK}></flat-profile>\n")
    words = ("enc", "-aes-256-cbc", "-k", passphrase, "-in", str(plain), "-out", str(sealed))
    await run(topology.SERVERS, "openssl", *words)
    return sealed.read_bytes()
