"""What TLS Cipher List and the minimum versions mean for every application."""

from msgspec import Struct

from ringfence.config.settings import Settings
from ringfence.policy import tls
from ringfence.policy.applications import APPLICATIONS
from ringfence.policy.ciphers import Step, evaluate
from ringfence.runtime.state import Facts, Planned


class TlsPlan(Struct, frozen=True):
    """The cipher list, word by word, and what comes of it."""

    cipher_list: str
    """As written; empty for none."""
    steps: tuple[Step, ...]
    policies: tuple[tls.TlsPolicy, ...]
    """One for each application."""


def plan(settings: Settings, facts: Facts) -> Planned[TlsPlan]:
    """Return how every application speaks TLS.

    Source: chapter, Configure the Cipher List; rulings 1, 9, 10.
    """
    text = settings.system.tls_cipher_list.strip()
    policies = tuple(tls.policy_for(row, settings, facts) for row in APPLICATIONS.values())
    return Planned({"": TlsPlan(text, evaluate(text).steps, policies)}, tls.findings(settings))


def offers(plan: TlsPlan) -> tuple[tuple[tls.TlsPolicy, str], ...]:
    """Return each application's policy and in words what it offers."""
    return tuple((policy, tls.in_words(policy)) for policy in plan.policies)


def words(plan: TlsPlan) -> str:
    """Return what each word of the list does."""
    said = [
        f"{step.word} {step.effect.value}" + (f" {len(step.suites)}" if step.suites else "")
        for step in plan.steps
    ]
    if len(said) > tls.NAMED:
        said[tls.NAMED :] = [f"{len(said) - tls.NAMED} more words"]
    return "; ".join(said)


def unavailable(plan: TlsPlan) -> tuple[str, ...]:
    """Return the suites that were wanted and that no TLS library of today has."""
    return tuple(dict.fromkeys(name for policy in plan.policies for name in policy.unavailable))
