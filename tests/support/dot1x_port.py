"""A switch port that authenticates with hostapd, and supplicants by wpa_supplicant."""

import subprocess
from pathlib import Path

from ringfence.lab.namespaces import Namespace
from tests.support.lease import Server

PASSWORD = "open-sesame"


def versions() -> list[str]:
    """Return the names and versions of both programs."""
    asked = (("hostapd", "hostapd"), ("wpa_supplicant", "wpa_supplicant"))
    texts = [
        subprocess.run([program, "-v"], capture_output=True, text=True, check=False)
        for program, _ in asked
    ]
    words = [(one.stdout + one.stderr).split() for one in texts]
    return [f"{name} {word[1].lstrip('v')}" for (_, name), word in zip(asked, words, strict=True)]


class Authenticator(Server):
    """hostapd on the port p1 of a switch; whoever knows the password may in, by EAP-MD5."""

    def __init__(self, space: Namespace, folder: Path, port: str = "p1") -> None:
        users = folder / "eap-users"
        users.write_text(f'* MD5 "{PASSWORD}"\n')
        configuration = folder / "hostapd.conf"
        configuration.write_text(
            f"interface={port}\ndriver=wired\nieee8021x=1\neap_server=1\neap_user_file={users}\n"
            "use_pae_group_addr=0\nlogger_stdout=-1\nlogger_stdout_level=0\n"
        )
        super().__init__(space, folder, "hostapd", str(configuration))
        self.wait_for("AP-ENABLED")

    def admitted(self, hardware: str) -> None:
        """Return once a station is in."""
        self.wait_for(f"AP-STA-CONNECTED {hardware}")

    def cleared(self, hardware: str) -> str:
        """Return the log once a station's entry is gone."""
        return self.wait_for(f"AP-STA-DISCONNECTED {hardware}")


class Supplicant(Server):
    """wpa_supplicant on an interface, with that password."""

    def __init__(self, space: Namespace, folder: Path, interface: str, identity: str) -> None:
        folder.mkdir(exist_ok=True)
        configuration = folder / "wpa.conf"
        configuration.write_text(
            "ap_scan=0\neapol_version=2\n"
            f'network={{\n key_mgmt=IEEE8021X\n eap=MD5\n identity="{identity}"\n'
            f' password="{PASSWORD}"\n eapol_flags=0\n}}\n'
        )
        words = ("-Dwired", "-i", interface, "-c", str(configuration))
        super().__init__(space, folder, "wpa_supplicant", *words)
