"""A host's port into a VLAN, where the kernel has none: `python -m tests.support.tagged`."""

import asyncio
import sys

from ringfence.runtime import host_interface
from ringfence.runtime.host_vlan import ProcessVlan


async def _run(lines: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "ip", "-batch", "-", stdin=asyncio.subprocess.PIPE
    )
    await process.communicate(lines.encode())


async def main(port: str, number: str, address: str) -> None:
    """Be an interface `voiceN` with an address until killed."""
    hardware = host_interface.hardware_address(port)
    vlan = await ProcessVlan.make(f"voice{number}", port, int(number), hardware, _run)
    await _run(f"address add {address} dev voice{number}\n")
    print("ready", flush=True)
    await vlan.serve()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
