"""The provider's inventory: devices, groups, templates, secrets, uploads, tokens and history.

Only this package knows that there is a database.
"""
