"""What each verb of `ringfence provider activation` does with the inventory."""

import argparse

from ringfence.cli.provider_show import print_json, print_table, when, who
from ringfence.protocols.activation import written
from ringfence.provider.inventory import activations
from ringfence.provider.inventory.database import Inventory, now


def create(arguments: argparse.Namespace, inventory: Inventory) -> None:
    """Make a code, and print it this once."""
    mac, group, days = arguments.device, arguments.group, arguments.days
    line = activations.line(mac, group, days)
    with inventory.changing(who(), "activation create", *line) as connection:
        _, digits = activations.add(connection, mac, group, days)
    print(written(digits))


def show(arguments: argparse.Namespace, inventory: Inventory) -> None:
    """Print every code, without its secret digits."""
    with inventory.reading() as connection:
        held = activations.every(connection, 1 << 30)
    if arguments.json:
        print_json(held)
        return
    rows = [("id", "phone", "group", "made", "until", "state", "used", "by")]
    for each in held:
        times = (when(each.made), when(each.until))
        state = (each.state(now()), when(each.used), each.used_by)
        rows.append((each.id, each.mac, each.group, *times, *state))
    print_table(rows)


def revoke(arguments: argparse.Namespace, inventory: Inventory) -> None:
    """Take a code back."""
    number = arguments.id[:16]
    with inventory.changing(who(), "activation revoke", number) as connection:
        gone = activations.revoke(connection, number)
    print(f"revoked: {gone.id}")
