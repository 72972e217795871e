"""What the port to the computer lets through, as the kernel is told."""

from msgspec.structs import replace

from ringfence.config.settings import Settings, decode
from ringfence.features.pc_port.plan import PcPortPlan, plan
from ringfence.features.pc_port.ruleset import show, table
from ringfence.policy.vlan import VoiceVlan
from ringfence.runtime.state import Facts, Identity

FACTS = Facts(identity=Identity(mac="000e08abcdef"))


def of(facts: Facts = FACTS, **texts: str) -> PcPortPlan:
    settings, errors = decode(texts, Settings())
    assert not errors
    return plan(settings, facts).plans[""]


def test_the_port_is_on_unless_pc_port_enable_is_no() -> None:
    """phone-facts 1.2: PC_PORT_Enable, default Yes."""
    assert of() == PcPortPlan("br0", True, "00:0e:08:ab:cd:ef", None)
    assert not of(PC_PORT_Enable="No").enabled


def test_the_voice_vlan_is_kept_from_the_computer_as_soon_as_it_is_known() -> None:
    told = of(replace(FACTS, voice_vlan=VoiceVlan(100, "CDP")))
    rules = table(told).chains
    assert 'iifname "pcp" vlan id 100 counter name "tagged" drop' in rules["computer"].rules
    assert 'vlan id 100 counter name "voice" drop' in rules["forward"].rules
    assert not [
        rule for chain in table(of()).chains.values() for rule in chain.rules if "id" in rule
    ]


def test_eapol_passes_between_computer_and_switch_alone() -> None:
    """Chapter, 802.1X Authentication: pass-through; the two supplicants are kept apart."""
    chains = table(of()).chains
    kept = 'meta protocol 0x888e counter name "eapol" drop'
    assert chains["input"].rules == (f'iifname "pcp" {kept}',)
    assert chains["output"].rules == (f'oifname "pcp" {kept}',)
    between = (*chains["computer"].rules, *chains["forward"].rules)
    assert not [rule for rule in between if "888e" in rule]


def test_explain_says_whether_the_computer_has_a_link() -> None:
    assert show(of()).startswith("PC port on\ntable bridge ringfence {\n")
    assert show(of(PC_PORT_Enable="No")).startswith("PC port off: the computer has no link\n")
