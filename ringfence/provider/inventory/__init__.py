"""The provider's inventory: devices, groups, templates, secrets, uploads, tokens and history.

Only this package knows that there is a database.
"""

from importlib.util import find_spec

from ringfence.errors import ComponentError

for _name in ("sqlalchemy", "alembic", "psycopg"):
    if find_spec(_name) is None:
        raise ComponentError(
            "inventory", f"{_name} is missing; install it: pip install 'ringfence[provider]'"
        )
