"""Where a rule sends something to, and with what. Source: phone-facts 1.4, 2.5, 2.6."""

from collections.abc import Collection, Mapping

from msgspec import Struct

from ringfence.config.codecs import Secret
from ringfence.config.settings import Settings
from ringfence.errors import ConfigError
from ringfence.policy.macros import expand
from ringfence.policy.rules import Alternative, Options, Url, parse_rule, parse_url

SECRET_MACROS = ("SA", "SB", "SC", "SD")
"""Macros that only the arguments of `--key`, `--uid` and `--pwd` may hold."""
_REMEDY = "write [(condition)?] [[options]] https://SERVER/PATH"


class Upload(Struct, frozen=True):
    """One place to send to."""

    url: Url
    key: Secret = Secret()
    """Passphrase that encrypts what is sent; empty for none."""
    uid: str = ""
    pwd: Secret = Secret()
    delta: bool = False
    """Only what differs from a virgin phone."""


def secret_macros(settings: Settings) -> Mapping[str, Secret]:
    """Return `{macro: secret}` of those that only some arguments may hold."""
    return {name: getattr(settings.provisioning, f"gpp_{name.lower()}") for name in SECRET_MACROS}


def judge(tag: str, text: str, options: Collection[str]) -> None:
    """Refuse a rule that no upload could follow, whatever its macros stand for.

    Raises:
        ConfigError: it cannot be read, or asks for what uploads do not do.

    """
    try:
        for alternative in parse_rule(text).alternatives:
            _check(alternative, options)
    except ValueError as error:
        raise ConfigError(tag, str(error), _REMEDY) from None


def upload_by(
    tag: str,
    text: str,
    options: Collection[str],
    values: Mapping[str, str],
    secrets: Mapping[str, Secret],
) -> Upload | None:
    """Return where a rule sends to now, or None where none of its alternatives holds.

    `options` are those that the rule may have; `values` are the macros that any text may use.

    Raises:
        ConfigError: it cannot be followed.

    """
    revealed = {**values, **{name: secret.reveal() for name, secret in secrets.items()}}
    try:
        taken = parse_rule(text).select(values)
        if taken is None or not taken.url:
            return None
        _check(taken, options)
        url = parse_url(expand(taken.url, values))
        if not url.host:
            raise ValueError("it names no server")
        if url.scheme == "tftp":
            raise ValueError("what is sent goes over https or http, not tftp")
    except ValueError as error:
        raise ConfigError(tag, str(error), _REMEDY) from None
    given = taken.options
    return Upload(
        url,
        Secret(expand(given.key.reveal(), revealed)),
        expand(given.uid, revealed),
        Secret(expand(given.pwd.reveal(), revealed)),
        given.delta,
    )


def _check(alternative: Alternative, options: Collection[str]) -> None:
    if alternative.assignments:
        raise ValueError("it assigns something, which only a profile rule may")
    for name in Options.__struct_fields__:
        if getattr(alternative.options, name) and name not in options:
            raise ValueError(f"--{name} means nothing here")
    scheme, marked, _ = alternative.url.partition("://")
    if alternative.url and (not marked or scheme.lower() == "tftp") and "$" not in scheme:
        raise ValueError("it names no https or http server")
