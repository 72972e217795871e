"""Makes of an account's password what is kept of it, and checks what somebody types by that.

Hashing takes some 30 ms of one core: what a stranger can ask for is done in a thread, one at a
time. Source: ADR 48.
"""

import asyncio
import base64
import ctypes
import hmac
from collections.abc import Mapping
from functools import cache

from msgspec.structs import replace

from ringfence.config.catalog.values import ExecuteAuth
from ringfence.config.codecs import Password, Secret
from ringfence.config.parameter import Level
from ringfence.config.sealed import LANES, LONGEST, MEMORY, PASSES, Sealed, read, unsealed
from ringfence.config.settings import ROWS, Settings, slots
from ringfence.config.snapshot import Change, Origin, Snapshot, Stored, submit
from ringfence.errors import ConfigError
from ringfence.messages import _
from ringfence.runtime.host import Host

SALT, HASH = 16, 32
"""Bytes."""
LARGE = 1 << 20
"""Bytes from which on a block of memory goes back to the kernel when it is free."""
_M_MMAP_THRESHOLD = -3
"""Source: malloc.h, mallopt(3)."""
REMEMBERED = 8
"""Passwords that were sealed or found to be the same, and need no hashing to be found so again."""
ACCOUNTS = {
    ROWS["system"]["admin_password"].tag: Level.ADMIN.value,
    ROWS["system"]["user_password"].tag: Level.USER.value,
}
"""`{tag of the password: account}`."""


class Seals:
    """Seals the passwords of accounts before anything is stored of them."""

    def __init__(self, host: Host, realm: str) -> None:
        self._host = host
        self._realm = realm
        self._key = host.entropy(32)
        self._seen: dict[str, bytes] = {}
        """`{hash of a password: MAC of it}`; a resync brings the same password for ever."""
        self._ready: dict[tuple[str, bytes], str] = {}
        """`{(tag, MAC of a password): what will be kept of it}`."""
        self._one = asyncio.Lock()

    async def prepare(self, changes: Mapping[str, Change], held: Mapping[str, Stored]) -> None:
        """Hash in a thread what `taken` would hash while everything else waits."""
        for tag in ACCOUNTS.keys() & changes.keys():
            text = (changes[tag].text or "").strip()
            if not unsealed(text) or not _allowed(tag, text):
                continue
            kept = held[tag].text if tag in held else ""
            async with self._one:
                sealed = await asyncio.to_thread(self._sealed, tag, text, kept)
            if len(self._ready) >= REMEMBERED:
                self._ready.clear()
            self._ready[tag, self._mac(text)] = sealed

    def taken(
        self, changes: Mapping[str, Change], held: Mapping[str, Stored]
    ) -> tuple[Mapping[str, Change], list[ConfigError]]:
        """Return changes with sealed passwords, and a refusal for what claims to be one.

        A password that is the one in force stays as it is kept, with its salt.
        """
        made, refused = dict(changes), list[ConfigError]()
        for tag in ACCOUNTS.keys() & changes.keys():
            text = (changes[tag].text or "").strip()
            kept = held[tag].text if tag in held else ""
            if unsealed(text) and _allowed(tag, text):
                ready = self._ready.pop((tag, self._mac(text)), "")
                made[tag] = replace(changes[tag], text=ready or self._sealed(tag, text, kept))
            elif text and not unsealed(text) and text != kept:
                del made[tag]
                why = _("has a blank, which a password must not have")
                allowed = slots()[tag].row.codec.describe()
                refused.append(ConfigError(tag, why, _("choose {allowed}", allowed=allowed)))
        return made, refused

    def needed(self, snapshot: Snapshot) -> Snapshot:
        """Return a snapshot that keeps for HTTP Digest only what its settings still need."""
        changes, origins = {}, {}
        for tag, account in ACCOUNTS.items():
            held = snapshot.stored.get(tag)
            sealed = read(held.text) if held else None
            if held and sealed and sealed.digests and not by_digest(account, snapshot.settings):
                changes[tag] = Change(sealed.without_digest().text)
                origins[tag] = held.origin
        for tag, change in changes.items():
            snapshot, _errors = submit(snapshot, {tag: change}, origins[tag])
        return snapshot

    def resealed(self, stored: Mapping[str, Stored]) -> dict[str, Stored]:
        """Return what a store held with its passwords sealed."""
        made = dict(stored)
        for tag in ACCOUNTS.keys() & stored.keys():
            held = stored[tag]
            if held.origin is not Origin.DEFAULT and unsealed(held.text):
                made[tag] = replace(held, text=self._sealed(tag, held.text, ""))
        return made

    def _sealed(self, tag: str, text: str, kept: str) -> str:
        account, mac = ACCOUNTS[tag], self._mac(text)
        sealed = read(kept)
        if sealed and not self._is(sealed, account, text, mac):
            sealed = None
        if sealed is None:
            sealed = Sealed(hashed(text, self._host.entropy(SALT)))
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        self._seen[sealed.phc] = mac
        whole = sealed if sealed.digests else sealed.for_digest(account, self._realm, text)
        return whole.text

    def _mac(self, text: str) -> bytes:
        return hmac.digest(self._key, text.encode(), "sha256")

    def _is(self, sealed: Sealed, account: str, text: str, mac: bytes) -> bool:
        if sealed.phc in self._seen:
            return hmac.compare_digest(self._seen[sealed.phc], mac)
        if sealed.digests:
            again = sealed.for_digest(account, sealed.realm, text)
            return hmac.compare_digest(again.sha256, sealed.sha256)
        return matches(Secret(sealed.text), text)


def _allowed(tag: str, text: str) -> bool:
    """Return whether a password can be stored; who stores it says why not."""
    codec = slots()[tag].row.codec
    try:
        codec.decode(text)
    except ValueError:
        return False
    return isinstance(codec, Password)


def by_digest(account: str, settings: Settings) -> bool:
    """Return whether programs prove an account by HTTP Digest. Source: ADR 29."""
    if account == Level.ADMIN.value:
        return settings.system.enable_direct_action_url
    phone = settings.phone
    return phone.cisco_xml_exe_enable and phone.cisco_xml_exe_auth_mode is ExecuteAuth.LOCAL


def hashed(text: str, salt: bytes) -> str:
    """Return the Argon2id hash of a password, with its parameters and its salt."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    _hoard_nothing()
    kdf = Argon2id(salt=salt, length=HASH, iterations=PASSES, lanes=LANES, memory_cost=MEMORY)
    parts = (salt, kdf.derive(text.encode()))
    told = (base64.b64encode(part).rstrip(b"=").decode() for part in parts)
    return f"$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}${'$'.join(told)}"


@cache
def _hoard_nothing() -> None:
    """Have glibc give large blocks back; left to itself it keeps the last one of every thread."""
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(_M_MMAP_THRESHOLD, LARGE)


def matches(secret: Secret, text: str) -> bool:
    """Return whether a text is the password of which `secret` is kept; it takes some 30 ms."""
    sealed = read(secret.reveal())
    if sealed is None or len(text) > LONGEST:
        return False
    salt = base64.b64decode(sealed.phc.split("$")[4] + "==")
    return hmac.compare_digest(hashed(text, salt), sealed.phc)


class Checks:
    """Checks what people type, one after the other, while audio goes on."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()

    async def matches(self, secret: Secret, text: str) -> bool:
        """Return whether a text is the password of which `secret` is kept."""
        async with self._one:
            return await asyncio.to_thread(matches, secret, text)
