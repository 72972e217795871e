"""Libraries that are slow to load, loaded beside the loop: whoever has work goes on."""

import asyncio
import importlib

_loaded: set[str] = set()


async def load(name: str) -> None:
    """Return once a module is loaded, by a thread where it was not."""
    if name not in _loaded:
        await asyncio.to_thread(importlib.import_module, name)
        _loaded.add(name)
