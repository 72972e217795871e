"""A PJSIP telephone without sound card, one JSON object a line in and out.

Started by path inside a network namespace; its library may abort, so it has a process of its own.
"""

import json
import os
import select
import sys
from pathlib import Path
from typing import Any

import pjsua2 as pj  # type: ignore[import-untyped]

ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # the library prints what it likes


def tell(kind: str, **values: object) -> None:
    ANSWERS.write(json.dumps({"type": kind, **values}) + "\n")
    ANSWERS.flush()


class Telephone(pj.Account):  # type: ignore[misc]
    """One account and its calls."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__()
        self.given = given
        self.folder = Path(given["folder"])
        self.calls: dict[int, Conversation] = {}
        self.made = 0
        self.player = pj.AudioMediaPlayer()
        self.player.createPlayer(given["tone"])

    def onRegState(self, parameters: Any) -> None:
        tell("registered" if self.getInfo().regIsActive else "unregistered", code=parameters.code)

    def onIncomingCall(self, parameters: Any) -> None:
        call = Conversation(self, parameters.callId)
        tell("incoming", call=call.getId(), peer=call.getInfo().remoteUri)

    def only(self) -> "Conversation":
        (call,) = self.calls.values()
        return call


class Conversation(pj.Call):  # type: ignore[misc]
    """One call."""

    def __init__(self, telephone: Telephone, number: int = -1) -> None:
        super().__init__(telephone, number)
        self.telephone = telephone
        telephone.made += 1
        self.path = telephone.folder / f"heard-{telephone.made}.wav"
        self.recorder: Any = None
        if number >= 0:
            telephone.calls[number] = self

    def onCallState(self, parameters: Any) -> None:
        info = self.getInfo()
        self.telephone.calls.setdefault(info.id, self)
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.telephone.calls.pop(info.id, None)
            self.recorder = None
        tell(
            info.stateText.lower(),
            call=info.id,
            code=info.lastStatusCode,
            reason=info.lastReason,
            path=str(self.path),
        )

    def onCallMediaState(self, parameters: Any) -> None:
        info = self.getInfo()  # holds what its parts point to
        for at, media in enumerate(info.media):
            tell("media", status=media.status, direction=media.dir)
            if media.type != pj.PJMEDIA_TYPE_AUDIO:
                continue
            if media.status != pj.PJSUA_CALL_MEDIA_ACTIVE:
                continue
            audio = self.getAudioMedia(at)
            if self.recorder is None:
                self.recorder = pj.AudioMediaRecorder()
                self.recorder.createRecorder(str(self.path))
            self.telephone.player.startTransmit(audio)
            audio.startTransmit(self.recorder)

    def onCallTsxState(self, parameters: Any) -> None:
        transaction = parameters.e.body.tsxState.tsx
        if transaction.method == "UPDATE" and transaction.statusCode >= 200:
            tell("updated", code=transaction.statusCode)

    def onCallTransferStatus(self, parameters: Any) -> None:
        tell("transferred", code=parameters.statusCode, final=parameters.finalNotify)
        if parameters.finalNotify and parameters.statusCode // 100 == 2:
            self.hangup(operation())

    def onDtmfDigit(self, parameters: Any) -> None:
        tell("digit", digit=parameters.digit)


def operation(**changes: Any) -> Any:
    made = pj.CallOpParam(True)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def obey(endpoint: Any, telephone: Telephone, asked: dict[str, Any]) -> None:
    match asked["do"]:
        case "dial":
            call = Conversation(telephone)
            call.makeCall(asked["target"], operation())
        case "answer":
            telephone.only().answer(operation(statusCode=asked["code"]))
        case "hangup":
            telephone.only().hangup(operation())
        case "hold":
            telephone.only().setHold(operation())
        case "resume":
            parameters = operation()
            parameters.opt.flag = pj.PJSUA_CALL_UNHOLD
            telephone.only().reinvite(parameters)
        case "transfer":
            telephone.only().xfer(asked["target"], operation())
        case "attend":
            first, second = telephone.calls.values()
            first.xferReplaces(second, operation())
        case "press":
            telephone.only().dialDtmf(asked["digits"])
        case "statistics":
            heard = telephone.only().getStreamStat(0).rtcp
            tell(
                "statistics",
                received=heard.rxStat.pkt,
                lost=heard.rxStat.loss,
                sent=heard.txStat.pkt,
                sent_lost=heard.txStat.loss,
                reports=heard.txStat.updateCount,
                suite=telephone.only().getMedTransportInfo(0).localRtpName,
            )


def endpoint_of(given: dict[str, Any]) -> Any:
    made = pj.Endpoint()
    made.libCreate()
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.maxCalls = 4
    config.medConfig.noVad = True
    config.medConfig.clockRate = 8000
    config.logConfig.level = 4
    config.logConfig.consoleLevel = 0
    config.logConfig.filename = given["log"]
    made.libInit(config)
    kinds = {
        "UDP": pj.PJSIP_TRANSPORT_UDP,
        "TCP": pj.PJSIP_TRANSPORT_TCP,
        "TLS": pj.PJSIP_TRANSPORT_TLS,
    }
    transport = pj.TransportConfig()
    transport.boundAddress = given["address"]
    transport.port = given["port"]
    made.transportCreate(kinds[given["transport"]], transport)
    made.libStart()
    made.audDevManager().setNullDev()
    for codec in made.codecEnum2():
        made.codecSetPriority(codec.codecId, 0)
    for at, codec in enumerate(given["codecs"]):
        rate = 16000 if codec == "G722" else 8000
        made.codecSetPriority(f"{codec}/{rate}/1", 255 - at)
    return made


def account_of(given: dict[str, Any]) -> Any:
    made = pj.AccountConfig()
    made.idUri = f"sip:{given['user']}@{given['domain']}"
    if given["proxy"]:
        made.regConfig.registrarUri = f"sip:{given['domain']}"
        made.sipConfig.proxies.push_back(given["proxy"])
        made.sipConfig.authCreds.push_back(
            pj.AuthCredInfo("digest", "*", given["user"], 0, given["password"])
        )
    if given["timer"]:
        made.callConfig.timerUse = pj.PJSUA_SIP_TIMER_ALWAYS
        made.callConfig.timerSessExpiresSec = given["timer"]
    media = made.mediaConfig
    media.transportConfig.boundAddress = given["address"]
    media.transportConfig.port = 40000
    media.srtpUse = {
        "off": pj.PJMEDIA_SRTP_DISABLED,
        "optional": pj.PJMEDIA_SRTP_OPTIONAL,
        "mandatory": pj.PJMEDIA_SRTP_MANDATORY,
    }[given["srtp"]]
    media.srtpSecureSignaling = 0
    media.srtpOpt.keyings.push_back(pj.PJMEDIA_SRTP_KEYING_SDES)
    for suite in given["suites"]:
        crypto = pj.SrtpCrypto()
        crypto.name = suite
        media.srtpOpt.cryptos.push_back(crypto)
    return made


def main() -> None:
    given = json.loads(sys.stdin.readline())
    endpoint = endpoint_of(given)
    telephone = Telephone(given)
    telephone.create(account_of(given))
    tell("ready", version=endpoint.libVersion().full)
    while True:
        endpoint.libHandleEvents(10)
        if select.select([sys.stdin], [], [], 0)[0]:
            line = sys.stdin.readline()
            if not line:
                break
            try:
                obey(endpoint, telephone, json.loads(line))
            except pj.Error as error:
                tell("error", reason=error.info())
    telephone.calls.clear()
    endpoint.libDestroy()


if __name__ == "__main__":
    main()
