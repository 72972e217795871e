"""The cipher suites of OpenSSL 1.1.1, in the order that its cipher strings start from.

Suites of TLS 1.3 are not here: no cipher string selects them. Nor are the suites that need a
pre-shared key or SRP, which the phone does not have.
Source: ciphers(1) of OpenSSL 1.1.1; IANA TLS Cipher Suites registry (the codes).
"""

from collections.abc import Mapping
from functools import cache

from msgspec import Struct

TLS13_CODES = {
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0x1301: "TLS_AES_128_GCM_SHA256",
}
TLS13 = tuple(TLS13_CODES.values())
"""What TLS 1.3 offers, whatever the cipher string says."""

_NOT_BUILT = frozenset({"3DES", "RC4", "IDEA"})
_ABSENT = _NOT_BUILT | {"SEED"}


class Suite(Struct, frozen=True):
    """One cipher suite of TLS 1.2 or older."""

    code: int
    """Number in a ClientHello."""
    name: str
    """OpenSSL name."""
    version: str
    """First protocol version that has it, as ciphers(1) prints it: SSLv3, TLSv1 or TLSv1.2."""
    exchange: str
    """Key exchange: ECDHE, DHE or RSA."""
    authentication: str
    """ECDSA, RSA, DSS or NULL."""
    encryption: str
    bits: int
    """Strength of the encryption."""
    mac: str
    default: bool
    """In the cipher string DEFAULT."""

    @property
    def strength(self) -> str:
        """HIGH, MEDIUM or NONE, the words of cipher strings."""
        if self.encryption == "NULL":
            return "NONE"
        return "MEDIUM" if self.encryption in _ABSENT else "HIGH"

    @property
    def built(self) -> bool:
        """Whether 1.1.1d as distributed knows it; the weak rest is selected by name alone."""
        return self.encryption not in _NOT_BUILT

    @property
    def available(self) -> bool:
        """Whether a TLS library of today has it: OpenSSL 3 dropped SEED, too (rulings 9)."""
        return self.encryption not in _ABSENT

    @property
    def registered(self) -> str:
        """Its name in the IANA registry, `TLS_RSA_WITH_AES_128_GCM_SHA256`."""
        peer = "anon" if self.authentication == "NULL" else self.authentication
        exchange = self.exchange if peer != "anon" else self.exchange.removesuffix("E")
        key = peer if self.exchange == "RSA" else f"{exchange}_{peer}"
        hashed = {"AEAD": f"SHA{256 if self.bits == 128 else 384}", "SHA1": "SHA"}
        cipher = _REGISTERED[self.encryption].format(self.bits, hashed.get(self.mac, self.mac))
        return f"TLS_{key}_WITH_{cipher}"


_REGISTERED = {
    "AES": "AES_{0}_CBC_{1}",
    "AESGCM": "AES_{0}_GCM_{1}",
    "AESCCM": "AES_{0}_CCM",
    "AESCCM8": "AES_{0}_CCM_8",
    "ARIAGCM": "ARIA_{0}_GCM_{1}",
    "CAMELLIA": "CAMELLIA_{0}_CBC_{1}",
    "CHACHA20": "CHACHA20_POLY1305_SHA256",
    "SEED": "SEED_CBC_{1}",
    "3DES": "3DES_EDE_CBC_{1}",
    "RC4": "RC4_{0}_{1}",
    "IDEA": "IDEA_CBC_{1}",
    "NULL": "NULL_{1}",
}
"""`{encryption: how the registry writes it}`, given bits and hash."""


@cache
def universe() -> Mapping[str, Suite]:
    """Return `{OpenSSL name: suite}` of every suite, best first."""
    return {suite.name: suite for suite in map(_suite, _TABLE.strip().splitlines())}


@cache
def names() -> Mapping[int, str]:
    """Return `{code: OpenSSL name}` of every suite, those of TLS 1.3 included."""
    return {suite.code: suite.name for suite in universe().values()} | TLS13_CODES


def _suite(line: str) -> Suite:
    code, name, version, exchange, authentication, encryption, bits, mac, *default = line.split()
    return Suite(
        code=int(code, 16),
        name=name,
        version=version,
        exchange=exchange,
        authentication=authentication,
        encryption=encryption,
        bits=int(bits),
        mac=mac,
        default=bool(default),
    )


# code, name, first version, key exchange, authentication, encryption, bits, MAC, * in DEFAULT
_TABLE = """
c02c ECDHE-ECDSA-AES256-GCM-SHA384 TLSv1.2 ECDHE ECDSA AESGCM   256 AEAD *
c030 ECDHE-RSA-AES256-GCM-SHA384   TLSv1.2 ECDHE RSA   AESGCM   256 AEAD *
00a3 DHE-DSS-AES256-GCM-SHA384     TLSv1.2 DHE   DSS   AESGCM   256 AEAD
009f DHE-RSA-AES256-GCM-SHA384     TLSv1.2 DHE   RSA   AESGCM   256 AEAD *
cca9 ECDHE-ECDSA-CHACHA20-POLY1305 TLSv1.2 ECDHE ECDSA CHACHA20 256 AEAD *
cca8 ECDHE-RSA-CHACHA20-POLY1305   TLSv1.2 ECDHE RSA   CHACHA20 256 AEAD *
ccaa DHE-RSA-CHACHA20-POLY1305     TLSv1.2 DHE   RSA   CHACHA20 256 AEAD *
c0af ECDHE-ECDSA-AES256-CCM8       TLSv1.2 ECDHE ECDSA AESCCM8  256 AEAD
c0ad ECDHE-ECDSA-AES256-CCM        TLSv1.2 ECDHE ECDSA AESCCM   256 AEAD
c0a3 DHE-RSA-AES256-CCM8           TLSv1.2 DHE   RSA   AESCCM8  256 AEAD
c09f DHE-RSA-AES256-CCM            TLSv1.2 DHE   RSA   AESCCM   256 AEAD
c05d ECDHE-ECDSA-ARIA256-GCM-SHA384 TLSv1.2 ECDHE ECDSA ARIAGCM  256 AEAD
c061 ECDHE-ARIA256-GCM-SHA384      TLSv1.2 ECDHE RSA   ARIAGCM  256 AEAD
c057 DHE-DSS-ARIA256-GCM-SHA384    TLSv1.2 DHE   DSS   ARIAGCM  256 AEAD
c053 DHE-RSA-ARIA256-GCM-SHA384    TLSv1.2 DHE   RSA   ARIAGCM  256 AEAD
00a7 ADH-AES256-GCM-SHA384         TLSv1.2 DHE   NULL  AESGCM   256 AEAD
c02b ECDHE-ECDSA-AES128-GCM-SHA256 TLSv1.2 ECDHE ECDSA AESGCM   128 AEAD *
c02f ECDHE-RSA-AES128-GCM-SHA256   TLSv1.2 ECDHE RSA   AESGCM   128 AEAD *
00a2 DHE-DSS-AES128-GCM-SHA256     TLSv1.2 DHE   DSS   AESGCM   128 AEAD
009e DHE-RSA-AES128-GCM-SHA256     TLSv1.2 DHE   RSA   AESGCM   128 AEAD *
c0ae ECDHE-ECDSA-AES128-CCM8       TLSv1.2 ECDHE ECDSA AESCCM8  128 AEAD
c0ac ECDHE-ECDSA-AES128-CCM        TLSv1.2 ECDHE ECDSA AESCCM   128 AEAD
c0a2 DHE-RSA-AES128-CCM8           TLSv1.2 DHE   RSA   AESCCM8  128 AEAD
c09e DHE-RSA-AES128-CCM            TLSv1.2 DHE   RSA   AESCCM   128 AEAD
c05c ECDHE-ECDSA-ARIA128-GCM-SHA256 TLSv1.2 ECDHE ECDSA ARIAGCM  128 AEAD
c060 ECDHE-ARIA128-GCM-SHA256      TLSv1.2 ECDHE RSA   ARIAGCM  128 AEAD
c056 DHE-DSS-ARIA128-GCM-SHA256    TLSv1.2 DHE   DSS   ARIAGCM  128 AEAD
c052 DHE-RSA-ARIA128-GCM-SHA256    TLSv1.2 DHE   RSA   ARIAGCM  128 AEAD
00a6 ADH-AES128-GCM-SHA256         TLSv1.2 DHE   NULL  AESGCM   128 AEAD
c024 ECDHE-ECDSA-AES256-SHA384     TLSv1.2 ECDHE ECDSA AES      256 SHA384 *
c028 ECDHE-RSA-AES256-SHA384       TLSv1.2 ECDHE RSA   AES      256 SHA384 *
006b DHE-RSA-AES256-SHA256         TLSv1.2 DHE   RSA   AES      256 SHA256 *
006a DHE-DSS-AES256-SHA256         TLSv1.2 DHE   DSS   AES      256 SHA256
c073 ECDHE-ECDSA-CAMELLIA256-SHA384 TLSv1.2 ECDHE ECDSA CAMELLIA 256 SHA384
c077 ECDHE-RSA-CAMELLIA256-SHA384  TLSv1.2 ECDHE RSA   CAMELLIA 256 SHA384
00c4 DHE-RSA-CAMELLIA256-SHA256    TLSv1.2 DHE   RSA   CAMELLIA 256 SHA256
00c3 DHE-DSS-CAMELLIA256-SHA256    TLSv1.2 DHE   DSS   CAMELLIA 256 SHA256
006d ADH-AES256-SHA256             TLSv1.2 DHE   NULL  AES      256 SHA256
00c5 ADH-CAMELLIA256-SHA256        TLSv1.2 DHE   NULL  CAMELLIA 256 SHA256
c023 ECDHE-ECDSA-AES128-SHA256     TLSv1.2 ECDHE ECDSA AES      128 SHA256 *
c027 ECDHE-RSA-AES128-SHA256       TLSv1.2 ECDHE RSA   AES      128 SHA256 *
0067 DHE-RSA-AES128-SHA256         TLSv1.2 DHE   RSA   AES      128 SHA256 *
0040 DHE-DSS-AES128-SHA256         TLSv1.2 DHE   DSS   AES      128 SHA256
c072 ECDHE-ECDSA-CAMELLIA128-SHA256 TLSv1.2 ECDHE ECDSA CAMELLIA 128 SHA256
c076 ECDHE-RSA-CAMELLIA128-SHA256  TLSv1.2 ECDHE RSA   CAMELLIA 128 SHA256
00be DHE-RSA-CAMELLIA128-SHA256    TLSv1.2 DHE   RSA   CAMELLIA 128 SHA256
00bd DHE-DSS-CAMELLIA128-SHA256    TLSv1.2 DHE   DSS   CAMELLIA 128 SHA256
006c ADH-AES128-SHA256             TLSv1.2 DHE   NULL  AES      128 SHA256
00bf ADH-CAMELLIA128-SHA256        TLSv1.2 DHE   NULL  CAMELLIA 128 SHA256
c00a ECDHE-ECDSA-AES256-SHA        TLSv1   ECDHE ECDSA AES      256 SHA1 *
c014 ECDHE-RSA-AES256-SHA          TLSv1   ECDHE RSA   AES      256 SHA1 *
0039 DHE-RSA-AES256-SHA            SSLv3   DHE   RSA   AES      256 SHA1 *
0038 DHE-DSS-AES256-SHA            SSLv3   DHE   DSS   AES      256 SHA1
0088 DHE-RSA-CAMELLIA256-SHA       SSLv3   DHE   RSA   CAMELLIA 256 SHA1
0087 DHE-DSS-CAMELLIA256-SHA       SSLv3   DHE   DSS   CAMELLIA 256 SHA1
c019 AECDH-AES256-SHA              TLSv1   ECDHE NULL  AES      256 SHA1
003a ADH-AES256-SHA                SSLv3   DHE   NULL  AES      256 SHA1
0089 ADH-CAMELLIA256-SHA           SSLv3   DHE   NULL  CAMELLIA 256 SHA1
c009 ECDHE-ECDSA-AES128-SHA        TLSv1   ECDHE ECDSA AES      128 SHA1 *
c013 ECDHE-RSA-AES128-SHA          TLSv1   ECDHE RSA   AES      128 SHA1 *
0033 DHE-RSA-AES128-SHA            SSLv3   DHE   RSA   AES      128 SHA1 *
0032 DHE-DSS-AES128-SHA            SSLv3   DHE   DSS   AES      128 SHA1
009a DHE-RSA-SEED-SHA              SSLv3   DHE   RSA   SEED     128 SHA1
0099 DHE-DSS-SEED-SHA              SSLv3   DHE   DSS   SEED     128 SHA1
0045 DHE-RSA-CAMELLIA128-SHA       SSLv3   DHE   RSA   CAMELLIA 128 SHA1
0044 DHE-DSS-CAMELLIA128-SHA       SSLv3   DHE   DSS   CAMELLIA 128 SHA1
c018 AECDH-AES128-SHA              TLSv1   ECDHE NULL  AES      128 SHA1
0034 ADH-AES128-SHA                SSLv3   DHE   NULL  AES      128 SHA1
009b ADH-SEED-SHA                  SSLv3   DHE   NULL  SEED     128 SHA1
0046 ADH-CAMELLIA128-SHA           SSLv3   DHE   NULL  CAMELLIA 128 SHA1
c007 ECDHE-ECDSA-RC4-SHA           TLSv1   ECDHE ECDSA RC4      128 SHA1
c011 ECDHE-RSA-RC4-SHA             TLSv1   ECDHE RSA   RC4      128 SHA1
c016 AECDH-RC4-SHA                 TLSv1   ECDHE NULL  RC4      128 SHA1
0018 ADH-RC4-MD5                   SSLv3   DHE   NULL  RC4      128 MD5
c008 ECDHE-ECDSA-DES-CBC3-SHA      TLSv1   ECDHE ECDSA 3DES     112 SHA1
c012 ECDHE-RSA-DES-CBC3-SHA        TLSv1   ECDHE RSA   3DES     112 SHA1
0016 DHE-RSA-DES-CBC3-SHA          SSLv3   DHE   RSA   3DES     112 SHA1
0013 DHE-DSS-DES-CBC3-SHA          SSLv3   DHE   DSS   3DES     112 SHA1
c017 AECDH-DES-CBC3-SHA            TLSv1   ECDHE NULL  3DES     112 SHA1
001b ADH-DES-CBC3-SHA              SSLv3   DHE   NULL  3DES     112 SHA1
c006 ECDHE-ECDSA-NULL-SHA          TLSv1   ECDHE ECDSA NULL       0 SHA1 *
c010 ECDHE-RSA-NULL-SHA            TLSv1   ECDHE RSA   NULL       0 SHA1 *
c015 AECDH-NULL-SHA                TLSv1   ECDHE NULL  NULL       0 SHA1 *
009d AES256-GCM-SHA384             TLSv1.2 RSA   RSA   AESGCM   256 AEAD *
c0a1 AES256-CCM8                   TLSv1.2 RSA   RSA   AESCCM8  256 AEAD
c09d AES256-CCM                    TLSv1.2 RSA   RSA   AESCCM   256 AEAD
c051 ARIA256-GCM-SHA384            TLSv1.2 RSA   RSA   ARIAGCM  256 AEAD
009c AES128-GCM-SHA256             TLSv1.2 RSA   RSA   AESGCM   128 AEAD *
c0a0 AES128-CCM8                   TLSv1.2 RSA   RSA   AESCCM8  128 AEAD
c09c AES128-CCM                    TLSv1.2 RSA   RSA   AESCCM   128 AEAD
c050 ARIA128-GCM-SHA256            TLSv1.2 RSA   RSA   ARIAGCM  128 AEAD
003d AES256-SHA256                 TLSv1.2 RSA   RSA   AES      256 SHA256 *
00c0 CAMELLIA256-SHA256            TLSv1.2 RSA   RSA   CAMELLIA 256 SHA256
003c AES128-SHA256                 TLSv1.2 RSA   RSA   AES      128 SHA256 *
00ba CAMELLIA128-SHA256            TLSv1.2 RSA   RSA   CAMELLIA 128 SHA256
003b NULL-SHA256                   TLSv1.2 RSA   RSA   NULL       0 SHA256 *
0035 AES256-SHA                    SSLv3   RSA   RSA   AES      256 SHA1 *
0084 CAMELLIA256-SHA               SSLv3   RSA   RSA   CAMELLIA 256 SHA1
002f AES128-SHA                    SSLv3   RSA   RSA   AES      128 SHA1 *
0096 SEED-SHA                      SSLv3   RSA   RSA   SEED     128 SHA1
0041 CAMELLIA128-SHA               SSLv3   RSA   RSA   CAMELLIA 128 SHA1
0007 IDEA-CBC-SHA                  SSLv3   RSA   RSA   IDEA     128 SHA1
0005 RC4-SHA                       SSLv3   RSA   RSA   RC4      128 SHA1
0004 RC4-MD5                       SSLv3   RSA   RSA   RC4      128 MD5
000a DES-CBC3-SHA                  SSLv3   RSA   RSA   3DES     112 SHA1
0002 NULL-SHA                      SSLv3   RSA   RSA   NULL       0 SHA1 *
0001 NULL-MD5                      SSLv3   RSA   RSA   NULL       0 MD5 *
"""
