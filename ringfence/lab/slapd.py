"""slapd as a directory of a few people, with TLS or without, who sign in by either method."""

import subprocess
from pathlib import Path
from shutil import which

from msgspec import Struct

from ringfence.lab.sandbox import search_path

BASE = "dc=telco,dc=test"
REALM = "telco.test"
READY = "slapd starting"
"""What slapd says a moment before it can be asked."""
USER = "phone"
CLIENT_DN = f"uid={USER},ou=people,{BASE}"
SCHEMAS = (Path("/etc/ldap/schema"), Path("/etc/openldap/schema"))
MODULES = (Path("/usr/lib/ldap"), Path("/usr/lib64/openldap"), Path("/usr/lib/openldap"))


class Someone(Struct, frozen=True):
    """A person of the directory."""

    given: str
    last: str
    number: str = ""
    mail: str = ""


PEOPLE = (
    Someone("Ada", "Lovelace", "1001", "ada@telco.test"),
    Someone("Grace", "Hopper", "1002"),
    Someone("Alan", "Turing", "+49 (89) 555-1212"),
    Someone("Émilie", "du Châtelet", "1003"),
    Someone("Nobody", "Numberless"),
)


class Slapd(Struct, frozen=True):
    """What one slapd is told."""

    folder: Path
    address: str
    password: str
    """Of the user `phone`, in the directory itself: for DIGEST-MD5, too."""
    certificate: Path | None = None
    """None for a server that knows no StartTLS."""
    key: Path | None = None
    name: str = ""
    """Host name, by which DIGEST-MD5 knows it."""
    port: int = 389
    tls_port: int = 636
    more: tuple[str, ...] = ()
    """Lines of the configuration, in front of the database."""


def render(told: Slapd, people: tuple[Someone, ...] = PEOPLE) -> tuple[str, ...]:
    """Write configuration and people; return the words that run it.

    Raises:
        subprocess.CalledProcessError: slapadd refused.

    """
    folder = told.folder
    (folder / "db").mkdir(parents=True, exist_ok=True)
    file, entries = folder / "slapd.conf", folder / "people.ldif"
    file.write_text(configuration(told))
    if not (folder / "db" / "data.mdb").exists():
        entries.write_text(ldif(people, told.password))
        subprocess.run(
            [program("slapadd"), "-f", str(file), "-l", str(entries)],
            check=True,
            capture_output=True,
            timeout=30,
        )
    where = f"ldap://{told.address}:{told.port}"
    if told.certificate:
        where += f" ldaps://{told.address}:{told.tls_port}"
    return (program("slapd"), "-d", "stats", "-f", str(file), "-h", where)


def program(name: str) -> str:
    """Return where a program is; its name where it is not."""
    return which(name, path=search_path()) or name


def configuration(told: Slapd) -> str:
    """Return slapd.conf."""
    schemas = next((one for one in SCHEMAS if one.is_dir()), SCHEMAS[0])
    modules = next((one for one in MODULES if one.is_dir()), MODULES[0])
    lines = [f"include {schemas}/{name}.schema" for name in ("core", "cosine", "inetorgperson")]
    lines += [f"modulepath {modules}", "moduleload back_mdb"]
    lines += [f"pidfile {told.folder}/pid", f"argsfile {told.folder}/args"]
    if told.certificate:
        lines += [
            f"TLSCACertificateFile {told.certificate}",
            f"TLSCertificateFile {told.certificate}",
            f"TLSCertificateKeyFile {told.key}",
            "TLSVerifyClient never",
        ]
    lines += [
        *([f"sasl-host {told.name}"] if told.name else []),
        f"sasl-realm {REALM}",
        f'authz-regexp "uid=([^,]+),.*cn=auth" "uid=$1,ou=people,{BASE}"',
        *told.more,
        "database mdb",
        f'suffix "{BASE}"',
        f"directory {told.folder}/db",
        "maxsize 33554432",
        "access to attrs=userPassword by anonymous auth by * none",
        "access to * by * read",
    ]
    return "\n".join([*lines, ""])


def ldif(people: tuple[Someone, ...], password: str) -> str:
    """Return the directory as LDIF. Source: RFC 2849."""
    parts = [
        f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Telco\ndc: telco\n",
        f"dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n",
        f"dn: {CLIENT_DN}\nobjectClass: inetOrgPerson\nuid: {USER}\ncn: the phones\nsn: -\n"
        f"userPassword: {password}\n",
    ]
    for n, one in enumerate(people):
        lines = [f"dn: uid=p{n},ou=people,{BASE}", "objectClass: inetOrgPerson", f"uid: p{n}"]
        lines += [_line("cn", f"{one.given} {one.last}"), _line("sn", one.last)]
        lines += [_line("givenName", one.given)]
        lines += [_line("telephoneNumber", one.number)] if one.number else []
        lines += [_line("mail", one.mail)] if one.mail else []
        parts.append("\n".join([*lines, ""]))
    return "\n".join(parts)


def _line(name: str, text: str) -> str:
    """Return a line of LDIF; in base64 what is not plain. Source: RFC 2849, SAFE-STRING."""
    import base64

    safe = text.isascii() and text.isprintable() and text[:1] not in (" ", ":", "<")
    return f"{name}: {text}" if safe else f"{name}:: {base64.b64encode(text.encode()).decode()}"
