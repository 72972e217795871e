"""Declarations of what the plans find; `ringfence explain` shows it, too."""

from ringfence.errors import Severity
from ringfence.policy.checks.rule import Rule

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

_TABLE_5 = "chapter, Table 5"
_TABLE_6 = "chapter, Table 6; rulings 9"
_DOMAINS = "chapter, Configure Restricted Access Domains; phone-facts 4"

REACH = (
    Rule(
        "domains-invalid-entry",
        ERROR,
        "An entry of Restricted Access Domains is not a name",
        "It is skipped, so it allows nothing.",
        _DOMAINS,
        "write host names, *.DOMAIN or addresses, without scheme and port",
    ),
    Rule(
        "domains-nothing-allowed",
        ERROR,
        "Restricted Access Domains allow no server at all",
        "A list that was written binds, even when no entry of it is valid.",
        _DOMAINS,
        "correct the list",
    ),
    Rule(
        "domains-lock-out",
        ERROR,
        "The phone may not fetch its own profile",
        "The list does not have the server of a profile rule. The next resync fails; where a "
        "resync brought the list, the one before returns, which may be none.",
        "phone-facts 4, Lock-out guard; rulings 12",
        "add the server's domain to the list",
    ),
    Rule(
        "server-refused",
        ERROR,
        "The phone may not use a server that the file names",
        "Restricted Access Domains do not have it.",
        _DOMAINS,
        "add the domain to the list, or correct the server",
    ),
    Rule(
        "server-unreadable",
        ERROR,
        "A server or its URL cannot be read",
        "The phone does not go there.",
        "phone-facts 1.6 and 2.5",
        "write [scheme://]host[:port]/path, or host[:port] for a proxy",
    ),
    Rule(
        "profile-rule-invalid",
        ERROR,
        "A profile rule cannot be read",
        "The phone does not follow it.",
        "phone-facts 2.5",
        "write [(condition)?] [scheme://server]/path, alternatives joined by |",
    ),
    Rule(
        "profile-rule-clear-text",
        WARNING,
        "The profile is fetched in clear text",
        "It holds the passwords of the lines. Over HTTP and TFTP who listens reads them, and who "
        "stands between configures the phone.",
        "chapter, HTTPS Provisioning",
        "use https://",
    ),
    Rule(
        "profile-rule-alias",
        WARNING,
        "The map of tags that a profile rule names cannot be read",
        "The rule fails before anything of its file is applied.",
        "phone-facts 2.5",
        "write /path/name = /flat-profile/TAG ; … into the parameter that --alias names",
    ),
    Rule(
        "resync-trigger-invalid",
        ERROR,
        "A resync trigger cannot be read",
        "It counts as empty, so that the phone still comes for a corrected profile.",
        "phone-facts 1.4 and 2.5",
        "write a comparison, $PRVTMR ge 86400, without (…)?",
    ),
    Rule(
        "upgrade-rule-invalid",
        ERROR,
        "An upgrade rule cannot be read",
        "No firmware is fetched by it.",
        "phone-facts 2.5",
        "write [(condition)?] https://SERVER/FILE, alternatives joined by |",
    ),
    Rule(
        "downgrade-limit-invalid",
        ERROR,
        "Downgrade Rev Limit is no version of Ringfence",
        "What cannot be compared refuses every image.",
        "phone-facts 1.4, Firmware Upgrade",
        "write a version, 0.2.0",
    ),
    Rule(
        "report-rule-unusable",
        ERROR,
        "The rule of a report cannot be followed",
        "Nothing is sent by it.",
        "phone-facts 1.4 and 2.5",
        "write [(condition)?] [[options]] https://SERVER/PATH",
    ),
    Rule(
        "problem-report-rule-unusable",
        ERROR,
        "The rule of problem reports cannot be followed",
        "They are kept on the phone, and nothing is sent.",
        "phone-facts 1.4 and 2.5",
        "write [(condition)?] [[options]] https://SERVER/PATH",
    ),
    Rule(
        "problem-report-header-unusable",
        WARNING,
        "The header field for problem reports cannot be sent",
        "They are sent without it.",
        "phone-facts 1.4, Problem Report Tool",
        "write a name such as X-Ticket, and a value of 2 to 127 characters",
    ),
    Rule(
        "name-check-forced",
        WARNING,
        "The name of the provisioning server cannot be left unchecked",
        "HTTPS_Name_Validate No is of another line of phones; here the name is always checked.",
        "chapter, Enable Hostname Verification for SIP over TLS; phone-facts 1.4",
        "delete the element",
    ),
    Rule(
        "dhcp-option-unknown",
        WARNING,
        "A word of DHCP Option To Use names no provisioning server",
        "It is skipped.",
        "chapter, Table 1; rulings 1",
        "use 66, 160, 159, 150, 60, 43 or 125",
    ),
    Rule(
        "host-name-unusable",
        WARNING,
        "Host Name is not a host name",
        "The DHCP server is told the phone's MAC address instead.",
        "phone-facts 1.2",
        "use letters, digits and hyphens",
    ),
    Rule(
        "syslog-server-invalid",
        ERROR,
        "A syslog server cannot be read",
        "Nothing is sent there.",
        "phone-facts 1.2, Syslog_Server",
        "write host or host:port",
    ),
)
"""Which servers the phone uses."""

FIREWALL = (
    Rule(
        "firewall-disabled",
        WARNING,
        "The firewall is off",
        "Every port of the phone can be reached from its network.",
        "chapter, Enable the Firewall",
        "set Firewall to Enabled",
    ),
    Rule(
        "firewall-unknown-option",
        ERROR,
        "A word of Firewall Options does not exist",
        "It is skipped, so what it was meant to close stays open, or the other way round.",
        _TABLE_5,
        "use the keywords of the table",
    ),
    Rule(
        "firewall-bad-port",
        ERROR,
        "A port of Firewall Options is not a port",
        "The option is skipped.",
        _TABLE_5,
        "write a port from 1 to 65535",
    ),
    Rule(
        "firewall-reversed-range",
        ERROR,
        "A range of Firewall Options runs backwards",
        "The option is skipped.",
        _TABLE_5,
        "write the lower port first",
    ),
    Rule(
        "firewall-too-many-ports",
        ERROR,
        "Firewall Options have more than five port options of one protocol",
        "Those beyond the fifth are skipped.",
        _TABLE_5,
        "join ports into ranges",
    ),
    Rule(
        "firewall-repeated-option",
        WARNING,
        "An option of the firewall stands twice",
        "It says nothing new; another one may have been meant.",
        _TABLE_5,
        "delete it",
    ),
    Rule(
        "firewall-no-rtp-range",
        ERROR,
        "RTP Port Min is above RTP Port Max",
        "No port of media is open, so calls have no sound.",
        "chapter, Table 3",
        "write the lower port into RTP_Port_Min",
    ),
    Rule(
        "firewall-port-to-be-drawn",
        INFO,
        "TR-069 opens one more port, which each phone draws",
        "The ACS asks for a connection there.",
        "chapter, Table 4",
        "see `ringfence phone status`",
    ),
)
"""What the firewall makes of the file."""

ENCRYPTION = (
    Rule(
        "tls-unknown-word",
        ERROR,
        "A word of the cipher list does not exist",
        "It is skipped; a word that was meant to exclude suites excludes none.",
        _TABLE_6,
        "use the words of the table or OpenSSL 1.1.1 suite names",
    ),
    Rule(
        "tls-empty-list",
        ERROR,
        "The cipher list selects nothing",
        "Each application then takes its own list, as if nothing had been written.",
        _TABLE_6,
        "correct the list, or empty it",
    ),
    Rule(
        "tls-list-without-effect",
        WARNING,
        "The cipher list has no effect",
        "Suites of TLS 1.3 cannot be selected, and no older version is allowed.",
        "rulings 9",
        "lower TLS_Client_Min_Version, or empty the list",
    ),
    Rule(
        "tls-unavailable-suite",
        INFO,
        "No TLS library of today has a suite of the list",
        "It is never offered.",
        "rulings 9; phone-facts 7",
        "leave it out",
    ),
    Rule(
        "tls-no-protection",
        WARNING,
        "A suite of the list protects nothing",
        "Without encryption everybody reads along; without authentication anybody may answer.",
        "chapter, Configure the Cipher List",
        "add !aNULL:!eNULL",
    ),
    Rule(
        "tls-no-forward-secrecy",
        WARNING,
        "No suite of the list has forward secrecy",
        "Who gets the server's key later decrypts everything that was recorded before.",
        "phone-facts 7",
        "add ECDHE before the rest",
    ),
    Rule(
        "tls-old-version",
        WARNING,
        "An old version of TLS is allowed",
        "TLS 1.0 and 1.1 are broken (RFC 8996).",
        "phone-facts 1.2, Security Settings",
        "set the minimum to TLS 1.2 or 1.3",
    ),
)
"""What the cipher list and the versions mean."""

LINES = (
    Rule(
        "line-name-unchecked",
        WARNING,
        "The name of the proxy is not checked",
        "Any server with a certificate of a trusted authority may pass for the proxy.",
        "chapter, Enable Hostname Verification for SIP over TLS",
        "set TLS Name Validate to Yes",
    ),
    Rule(
        "line-auth-invite-without-password",
        WARNING,
        "INVITEs are challenged with an empty password",
        "Nobody can answer such a challenge, so nobody can call the line.",
        "rulings 16",
        "set the line's password, or Auth INVITE to No",
    ),
    Rule(
        "line-without-user",
        WARNING,
        "A line has a proxy but no user",
        "It does not register.",
        "phone-facts 1.6",
        "set User_ID_n_",
    ),
    Rule(
        "line-hidden",
        WARNING,
        "Two lines have the same port and the same user",
        "The first one gets every request.",
        "rulings 17",
        "give one of them another SIP port",
    ),
    Rule(
        "line-bad-uri",
        WARNING,
        "SIP URI is not a SIP URI",
        "It is passed over, and the address is made of User ID and Proxy.",
        "phone-facts 1.6",
        "write sip:user@domain",
    ),
    Rule(
        "line-bad-option",
        WARNING,
        "SIP Proxy-Require has a malformed option tag",
        "It is left out, so the proxy is not asked for what was meant.",
        "phone-facts 1.6; RFC 3261 section 20.29",
        "write option tags separated by commas",
    ),
    Rule(
        "line-codec-unspoken",
        INFO,
        "The phone does not have a codec that a line prefers",
        "It is passed over, also where Use Pref Codec Only asks for it alone.",
        "phone-facts 1.6, Audio Configuration",
        "prefer G711u, G711a, G722 or OPUS",
    ),
    Rule(
        "mediasec-keys-in-clear",
        WARNING,
        "Media security is negotiated over a line in clear text",
        "The keys of SRTP stand in the SDP; whoever reads the signalling decrypts the call.",
        "chapter, Table 7; phone-facts 5.4",
        "set SIP Transport to TLS, and MediaSec Over TLS Only to Yes",
    ),
    Rule(
        "line-tcp-ports",
        WARNING,
        "SIP TCP Port Min is above SIP TCP Port Max",
        "Any local port is used.",
        "phone-facts 1.3",
        "write the lower port into SIP_TCP_Port_Min",
    ),
)
"""How extensions register and answer."""

PAGE = (
    Rule(
        "web-clear-text",
        WARNING,
        "The page is served over HTTP",
        "Passwords of administrator and user cross the network in clear text.",
        "phone-facts 1.2, Enable_Protocol",
        "set Enable_Protocol to Https, and Web_Server_Port to 443",
    ),
    Rule(
        "web-no-admin-password",
        WARNING,
        "The administrator has no password",
        "Whoever opens the page first sets it, and owns the phone.",
        "phone-facts 1.2, Admin_Password, and 0, release drift",
        "set Admin_Password in the profile",
    ),
)
"""The phone's page."""
