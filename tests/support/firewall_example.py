"""The chapter's worked example of a firewall: its plan, and the table that it makes."""

from pathlib import Path

from ringfence.features.firewall.plan import FirewallPlan

PLAN = FirewallPlan(
    enabled=True,
    broadcast_echo=False,
    udp=((68, 68), (546, 546), (5060, 5060), (8000, 8010), (16384, 16483), (53240, 53245)),
    tcp=((80, 80), (12000, 12000)),
    ping=False,
    rtp=(16384, 16483),
    udp_services=(5060,),
    tcp_services=(80,),
)
RULESET = (Path(__file__).parents[1] / "vectors" / "firewall" / "worked-example.nft").read_text()
