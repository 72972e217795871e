"""Judge envelopes of CWMP by a schema that neither the phone nor our ACS knows of."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree  # type: ignore[import-untyped]

FOLDER = Path(__file__).parent.parent / "vectors" / "cwmp"
SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
ARRAY = "{http://schemas.xmlsoap.org/soap/encoding/}arrayType"
SCHEMA = "http://www.w3.org/2001/XMLSchema"
NEWEST = "urn:dslforum-org:cwmp-1-2"
NAMESPACE = re.compile(rb"urn:dslforum-org:cwmp-1-[0-4]")


@cache
def schema(namespace: str) -> Any:
    """Return the schema of one version: they differ in the name, and 1.0 knows no other."""
    text = (FOLDER / "cwmp.xsd").read_text().replace(NEWEST, namespace)
    text = text.replace('schemaLocation="', f'schemaLocation="{FOLDER}/')
    return etree.XMLSchema(etree.fromstring(text.encode()))


def judge(data: bytes) -> str:
    """Return the name of the message in an envelope.

    Raises:
        AssertionError: the envelope breaks the schema, or an array's count is wrong.

    """
    root = etree.fromstring(data)
    found = NAMESPACE.search(data)
    assert found, "no namespace of CWMP"
    namespace = found[0].decode()
    judged = schema(namespace)
    assert judged.validate(root), f"{judged.error_log.last_error} in {data.decode()}"
    for array in root.iter():
        if said := array.get(ARRAY):
            prefix, _, rest = said.partition(":")
            item, _, count = rest.rstrip("]").partition("[")
            assert int(count) == len(array), f"{said} of {len(array)}"
            assert array.nsmap[prefix] == (SCHEMA if item == "string" else namespace), said
            assert {each.tag for each in array} <= {item}, said
    for value in root.iter("Value"):
        assert value.get("{http://www.w3.org/2001/XMLSchema-instance}type"), "a value of no type"
    body = root.find(f"{SOAP}Body")
    message = body[0] if body[0].tag != f"{SOAP}Fault" else body[0].find("detail")[0]
    return str(etree.QName(message).localname)
