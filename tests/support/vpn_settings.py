"""What a phone's VPN needs to be complete, the same for every test."""

SERVER, USER, PASSWORD = "vpn.telco.test", "alice", "pw-One=1"
COMPLETE = {"VPN_Server": SERVER, "VPN_User_Name": USER, "VPN_Password": PASSWORD}
ALWAYS = {**COMPLETE, "Connect_on_Bootup": "Yes"}
"""So that every boot connects."""
