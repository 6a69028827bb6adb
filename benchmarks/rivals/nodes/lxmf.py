"""One LXMF node that obeys lines of JSON (see ../driven.py): `lxmf.py server|client PORT FOLDER`."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import LXMF
import RNS

role, port, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
interface = {
    "server": f"type = TCPServerInterface\n    listen_ip = 127.0.0.1\n    listen_port = {port}",
    "client": f"type = TCPClientInterface\n    target_host = 127.0.0.1\n    target_port = {port}",
}[role]
config = folder / "rns"
config.mkdir(parents=True)
(config / "config").write_text(
    "[reticulum]\n  enable_transport = No\n  share_instance = No\n[logging]\n  loglevel = 1\n"
    f"[interfaces]\n  [[loop]]\n    enabled = yes\n    {interface}\n"
)


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


RNS.Reticulum(str(config), loglevel=1)
router = LXMF.LXMRouter(storagepath=str(folder / "lxmf"), enforce_stamps=False)
me = router.register_delivery_identity(RNS.Identity(), display_name=role)
texts: list[tuple[int, int]] = []
arrived = threading.Condition()
proofs = 0


def take(message: Any) -> None:
    texts.append((int(message.content_as_string().split(" ", 1)[0]), time.monotonic_ns()))


def proven(_: object) -> None:
    global proofs
    with arrived:
        proofs += 1
        arrived.notify()


def send(to: bytes, count: int, window: int, pause_ms: int) -> float:
    global proofs
    RNS.Transport.request_path(to)
    while not (identity := RNS.Identity.recall(to)):
        time.sleep(0.05)
    target = RNS.Destination(identity, RNS.Destination.OUT, RNS.Destination.SINGLE, "lxmf", "delivery")
    proofs, began = 0, time.perf_counter()
    for number in range(count):
        with arrived:
            while proofs <= number - window:
                arrived.wait(1)
        text = f"{time.monotonic_ns()} ".ljust(200, "x")
        message = LXMF.LXMessage(target, me, text, "", desired_method=LXMF.LXMessage.DIRECT)
        message.register_delivery_callback(proven)
        router.handle_outbound(message)
        time.sleep(pause_ms / 1000)
    with arrived:
        while proofs < count:
            arrived.wait(1)
    return time.perf_counter() - began


router.register_delivery_callback(take)
say(**{"is": "ready"}, id=me.hash.hex())
for line in sys.stdin:
    order = json.loads(line)
    if order["do"] == "announce":
        router.announce(me.hash)
        say(**{"is": "done"})
    elif order["do"] == "took":
        found, texts = texts, []
        say(**{"is": "done"}, texts=found)
    else:
        seconds = send(bytes.fromhex(order["to"]), order["count"], order["window"], order["pause"])
        say(**{"is": "done"}, seconds=seconds)
os._exit(0)
