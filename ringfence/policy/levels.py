"""Who may see and change a parameter, and where: what page, screen and TR-069 go by.

A profile is the administrator's own hand: cfg.xml may set every parameter, and its `ua` decides
what is left to the user. `docs/parameters.md` prints what these rules make of a virgin phone.
Source: phone-facts 2.2 and 2.3; mission CFG-08.
"""

from ringfence.config.parameter import Access, Level, Param


def on_page(row: Param, access: Access, level: Level) -> Access:
    """Return what an account may do with a parameter on the page; `access` is its present `ua`.

    The user finds a parameter that is at the user's level and whose `ua` lets it be seen.
    """
    if row.hidden or (level is Level.USER and row.level is not Level.USER):
        return Access.NONE
    return _most(row, access if level is Level.USER else Access.WRITE)


def on_screen(row: Param, access: Access, *, obeys_access: bool, read_only: bool) -> Access:
    """Return what whoever stands at the screen may do with a parameter that is in a menu.

    There the level counts for nothing, and `ua` only where Phone-UI-User-Mode is Yes.
    """
    if row.hidden:
        return Access.NONE
    may = _most(row, access if obeys_access else Access.WRITE)
    return Access.READ if read_only and may is Access.WRITE else may


def by_acs(row: Param) -> Access:
    """Return what an ACS may do with a parameter; it reads every secret as empty."""
    return Access.NONE if row.hidden else _most(row, Access.WRITE)


def _most(row: Param, access: Access) -> Access:
    """Return `access`, but no more than reading where the phone alone writes a parameter."""
    return Access.READ if row.access is Access.READ and access is Access.WRITE else access
