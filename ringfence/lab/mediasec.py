"""The registrar's side of an agreement on media plane security, as a script of Kamailio's.

It logs what each request carried, in lines that begin with MEDIASEC; see `CARRIED`.

Source: RFC 3329; draft-dawes-sipcore-mediasec-parameter; phone-facts 5.5.
"""

from collections.abc import Iterable

from msgspec import Struct

CARRIED = (
    r"MEDIASEC (?P<method>\S+) (?P<user>\S+) over (?P<transport>\S+) client=\[(?P<client>.*?)\]"
    r" verify=\[(?P<verify>.*?)\] require=\[(?P<require>.*?)\] proxy=\[(?P<proxy>.*?)\]"
    r" (?P<judged>\w+)"
)
"""What Kamailio logs of each request. Fields of one name are joined by commas, `<null>` is none.
It was judged `plain` or `agreed`, got the list with its challenge (`named`), or a refusal (`494`,
`420`)."""


class MediaSec(Struct, frozen=True):
    """How a registrar takes part, and what it names."""

    mode: str
    """`client` names the list in the 401 of a phone that begins. `server` names it in every 401,
    and who does not repeat it gets 494. `refuse` answers that before any challenge. `unknown` does
    not know the option: 420."""
    mechanisms: tuple[str, ...] = ("msrp-tls;mediasec", "sdes-srtp;mediasec", "dtls-srtp;mediasec")

    def values(self) -> dict[str, str]:
        """Return what the script looks up; it may change while Kamailio runs."""
        return {"mode": self.mode, "list": ",".join(self.mechanisms)}


def changes(part: MediaSec) -> Iterable[tuple[str, ...]]:
    """Yield the questions over the control socket that change a running registrar."""
    for key, value in part.values().items():
        yield "htable.sets", "mediasec", key, value


def beginning(part: MediaSec) -> str:
    """Return what the script looks up at first."""
    return "\n".join(f'  $sht(mediasec=>{key})="{text}";' for key, text in part.values().items())


CALL = "route(MEDIASEC);"
"""Where a request is judged; what passes has lost the fields that are between neighbours."""
AGREED = "$sht(agreed=>$fU)=$var(agreed);"
"""Where a registration counts."""

SCRIPT = r"""
loadmodule "textopsx.so"
modparam("htable", "htable", "mediasec=>size=2")
modparam("htable", "htable", "agreed=>size=8")

route[MEDIASEC] {
  $var(mode) = $sht(mediasec=>mode);
  $var(list) = $sht(mediasec=>list);
  $var(said) = "" + $(hdr(Security-Verify)[*]{s.rm, });
  $var(asked) = "" + $(hdr(Require)[*]) + " " + $(hdr(Proxy-Require)[*]);
  $var(agreed) = 0;
  if ($var(mode) == "unknown") {
    $var(judged) = "plain";
    if ($var(asked) =~ "mediasec") {
      append_to_reply("Unsupported: mediasec\r\n");
      $var(judged) = "420";
    }
  } else if ($var(said) == $var(list) && $var(asked) =~ "mediasec.* .*mediasec") {
    $var(judged) = "agreed";
    $var(agreed) = 1;
    remove_hf("Security-Client");
    remove_hf("Security-Verify");
    exclude_hf_value("Require", "mediasec");
    exclude_hf_value("Proxy-Require", "mediasec");
  } else if ($var(mode) == "client" && $sht(agreed=>$fU) != 1 && $var(said) == ""
      && !is_present_hf("Security-Client")) {
    $var(judged) = "plain";
  } else {
    route(MEDIASEC_NAME);
    $var(judged) = "494";
    if ($var(mode) != "refuse" && is_method("REGISTER") && !is_present_hf("Authorization"))
      $var(judged) = "named";
  }
  xlog("L_NOTICE", "MEDIASEC $rm $fU over $proto client=[$(hdr(Security-Client)[*])]"
    " verify=[$(hdr(Security-Verify)[*])] require=[$(hdr(Require)[*])]"
    " proxy=[$(hdr(Proxy-Require)[*])] $var(judged)\n");
  if ($var(judged) == "420") { sl_send_reply("420", "Bad Extension"); exit; }
  if ($var(judged) == "494") { sl_send_reply("494", "Security Agreement Required"); exit; }
}

route[MEDIASEC_NAME] {
  $var(i) = 0;
  $var(one) = $(var(list){s.select,0,,});
  while ($var(one) != "") {
    append_to_reply("Security-Server: $var(one)\r\n");
    $var(i) = $var(i) + 1;
    $var(one) = "" + $(var(list){s.select,$var(i),,});
  }
}
"""
