"""Declarations of what the plan of the directory finds; `ringfence explain` shows it, too."""

from ringfence.errors import Severity
from ringfence.policy.checks.rule import Rule

RULES = (
    Rule(
        "ldap-server-unusable",
        Severity.ERROR,
        "The directory has no server that can be asked",
        "The directory is switched on, and its server is missing or is not LDAP: nobody finds "
        "anybody.",
        "chapter, Configure LDAP over TLS",
        "write ldaps://HOST[:PORT] or ldap://HOST[:PORT]",
    ),
    Rule(
        "ldap-filter-unusable",
        Severity.ERROR,
        "A filter of the directory cannot be read",
        "The search that it belongs to is not offered; the others are.",
        "phone-facts 1.5, LDAP_Last_Name_Filter; RFC 4515",
        "write attribute:(filter), such as sn:(sn=$VALUE*)",
    ),
    Rule(
        "ldap-display-unusable",
        Severity.ERROR,
        "An attribute of the directory cannot be shown",
        "It names no attribute, and is left out.",
        "phone-facts 1.5, LDAP_Display_Attrs",
        "write a=ATTRIBUTE,n=LABEL,t=p for each, with semicolons between",
    ),
    Rule(
        "ldap-mapping-unusable",
        Severity.ERROR,
        "The number mapping of the directory cannot be read",
        "Numbers are dialled as the directory has them.",
        "phone-facts 1.5, LDAP_Number_Mapping",
        "write it as a dial plan: (<:9>xx.)",
    ),
)
