"""Declarations of what the reader of a file finds; `ringfence explain` shows it, too."""

from ringfence.errors import Severity
from ringfence.policy.checks.rule import Rule

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

_READER = "phone-facts 2.1"

RULES = (
    Rule(
        "cfgxml-unknown",
        WARNING,
        "No parameter has this tag",
        "An unknown element is ignored, so a misspelt one leaves its parameter as it was.",
        _READER,
        "correct the tag, or delete the element",
    ),
    Rule(
        "cfgxml-alias",
        WARNING,
        "The tag is another spelling of a parameter",
        "It is accepted here; other phones may ignore it.",
        "phone-facts 1.1, aliases",
        "write the canonical tag",
    ),
    Rule(
        "cfgxml-duplicate",
        WARNING,
        "A parameter stands twice in the file",
        "The last one counts, which is rarely the one that a reader looks at.",
        _READER,
        "delete all but one",
    ),
    Rule(
        "cfgxml-misprint",
        WARNING,
        "A known misprint was repaired",
        "The element is not well-formed; another reader refuses the whole file for it.",
        "phone-facts 9, errata 1 and 2",
        "write the element as the finding says",
    ),
    Rule(
        "cfgxml-placeholder",
        ERROR,
        "A documentation placeholder stands for a value",
        "The element is not used; its parameter stays as it was.",
        "phone-facts 9, erratum 3",
        "write the real value",
    ),
    Rule(
        "cfgxml-nested",
        ERROR,
        "An element stands inside a value",
        "A value is text; the parameter stays as it was.",
        _READER,
        "write text only, and &lt; for a <",
    ),
    Rule(
        "cfgxml-access",
        WARNING,
        "The attribute ua has an unknown value",
        "Only na, ro and rw exist; anything else leaves the access as it was.",
        "phone-facts 2.2",
        "write na, ro or rw",
    ),
    Rule(
        "cfgxml-text",
        INFO,
        "Text stands between elements",
        "It is ignored.",
        _READER,
        "write remarks as <!-- comments -->",
    ),
    Rule(
        "value-refused",
        ERROR,
        "A value is not allowed",
        "The parameter keeps its old value, whatever that is on each phone.",
        "rulings 1",
        "correct the value",
    ),
    Rule(
        "empty-refused",
        WARNING,
        "An empty element cannot empty its parameter",
        "The parameter keeps its old value.",
        "rulings 1; phone-facts 2.1, empty value",
        "give a value, or delete the element",
    ),
    Rule(
        "value-doubtful",
        WARNING,
        "A value is accepted, but phones of the field or its purpose ask for another",
        "It is too long, has characters that such phones do not take, or is a weak password.",
        "phone-facts 1.2 and 2.1",
        "write a value within the limits",
    ),
    Rule(
        "value-without-effect",
        WARNING,
        "Nothing obeys the parameter",
        "It is read so that files of other phones load.",
        "phone-facts 1; rulings",
        "delete the element",
    ),
    Rule(
        "values-without-effect-yet",
        INFO,
        "This release of Ringfence does not obey some of the parameters",
        "They are stored, and a later release obeys them.",
        "docs/parameters.md",
        "see `ringfence parameters --without-effect`",
    ),
    Rule(
        "cannot-plan",
        ERROR,
        "A part of the phone cannot follow the file",
        "It keeps what it did before; at boot it takes its safe plan.",
        "phone-facts 1.2",
        "correct the parameter",
    ),
)
"""What the file says about itself, and what a submission of it refuses."""
