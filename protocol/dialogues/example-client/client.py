"""A small Tidemark client that follows documents, and its adapter, in Python's standard library alone.

It shows how little following asks for (docs/CLIENTS.md, steps 1 to 8), and that the dialogues need no language. It is no
client to use: it calls nothing, speaks JSON only, without TLS, and tells its application states, not differences.
"""

import base64, copy, json, os, random, secrets, select, socket, struct, sys, time
from urllib.parse import urlparse


def tell(saw, **more):
    print(json.dumps({"saw": saw, **more}), flush=True)


class Socket:
    """A WebSocket, as far as Tidemark needs one (RFC 6455)."""

    def __init__(self, url):
        at, key = urlparse(url), base64.b64encode(os.urandom(16)).decode()
        self.sock, self.buffer, self.code = socket.create_connection((at.hostname, at.port), timeout=5), b"", 1006
        head = f"GET /v1/socket HTTP/1.1\nHost: {at.netloc}\nUpgrade: websocket\nConnection: Upgrade\n"
        head += f"Sec-WebSocket-Key: {key}\nSec-WebSocket-Version: 13\nSec-WebSocket-Protocol: tidemark.v1.json\n\n"
        self.sock.sendall(head.replace("\n", "\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self.read()
        answer, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if not answer.startswith(b"HTTP/1.1 101"):
            raise OSError("not let in")

    def read(self):
        self.buffer += self.sock.recv(1 << 16) or self.ended()

    def ended(self, code=1006):
        self.code = code
        raise OSError("closed")

    def send(self, payload):
        mask, size = os.urandom(4), len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
        self.sock.sendall(b"\x81" + length + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)))

    def frames(self):
        """Texts that are complete. The server of the dialogues cuts no message into pieces."""
        while len(self.buffer) >= 2:
            size, start = self.buffer[1] & 0x7F, 2
            if size > 125:
                start = 4 if size == 126 else 10
                size = int.from_bytes(self.buffer[2:start], "big")
            if len(self.buffer) < start + size:
                return
            opcode, payload = self.buffer[0] & 15, self.buffer[start : start + size]
            self.buffer = self.buffer[start + size :]
            if opcode == 8:
                self.ended(int.from_bytes(payload[:2], "big"))
            if opcode == 1:
                yield payload.decode()


class Misfit(Exception):
    """What came does not fit what is held: heal."""


def place(root, path):
    """The holder and the key that a pointer names."""
    if path != "" and not path.startswith("/"):
        raise Misfit(path)
    holder, key = [root], 0
    for name in path.split("/")[1:]:
        holder = holder[key]
        name = name.replace("~1", "/").replace("~0", "~")
        key = name if isinstance(holder, dict) else len(holder) if name == "-" else int(name)
        if isinstance(holder, list) and name not in ("-", str(key)):
            raise Misfit(path)
    if isinstance(holder, list) and not 0 <= key <= len(holder):
        raise Misfit(path)
    return holder, key


def patched(state, operations):
    """Whole or not at all: what is changed is a copy."""
    root = copy.deepcopy(state)
    try:
        for name, path, *rest in operations:
            holder, key = place(root, path)
            old = None if name == "+" else holder[key]
            if path == "":
                root = {"=": rest, "+": rest}[name][0]
            elif name == "=" or name == "~":
                holder[key] = rest[0] if name == "=" else old + rest[0]
            elif name != "+":
                del holder[key]
            if name == "+" or name == ">":
                holder, key = place(root, path if name == "+" else rest[0])
                value = rest[0] if name == "+" else old
                holder.insert(key, value) if isinstance(holder, list) else holder.update({key: value})
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Misfit(str(error)) from error
    return root


class Layer:
    """What is held under one handle: the state, the position, and the chain that the next delta links to."""

    def __init__(self, tag, chain, old):
        self.tag, self.chain, self.awaits = tag, chain, old is None
        self.state, self.epoch, self.seq = (old.state, old.epoch, old.seq) if old else (None, 0, -1)

    def snap(self, epoch, seq, state):
        if not self.awaits:
            raise Misfit("snap")
        self.state, self.epoch, self.seq, self.chain, self.awaits = state, epoch, seq, seq, False

    def delta(self, prev, seq, operations, more):
        if self.awaits or prev != self.chain or seq < self.seq:
            raise Misfit("gap")
        if operations or "ev" in more:
            self.state, self.chain = patched(self.state, operations), seq
        self.epoch, self.seq = more.get("e", self.epoch), seq


class Stream:
    """One document. `layers` is what is whole; `next` is an opening until all of its snapshots are there."""

    def __init__(self, doc, create):
        self.doc, self.create, self.layers, self.next, self.handles = doc, create, [], None, []
        self.s, self.doubt, self.live, self.over, self.events, self.gap, self.shown = 0, False, False, False, [], False, None

    def opened(self, about):
        olds = [mode == "resume" and self.layers[i : i + 1] for i, mode in enumerate(about["mode"])]
        if [] in olds or (self.doubt and any(olds)):
            raise Misfit("resume")
        self.handles, self.events, self.gap = about["h"], about.get("events", []), about.get("gap", False)
        self.next = [Layer(tag, prev, *(old or [None])) for tag, prev, old in zip(about["tag"], about["prev"], olds)]

    def take(self, kind, handle, *rest):
        layer = (self.next or self.layers)[self.handles.index(handle)]
        if kind == "snap":
            return layer.snap(*rest[:3])
        more = rest[3] if len(rest) > 3 else {}
        layer.delta(*rest[:3], more)
        self.events = self.events + more.get("ev", [])

    def settle(self):
        """A frame is over: what is whole is shown, the state first."""
        if self.next and not any(layer.awaits for layer in self.next):
            self.layers, self.next, self.doubt = self.next, None, False
            if not self.live:
                tell("document", doc=self.doc, status="live")
            self.live = True
        if self.next or not self.live:
            return
        first = self.layers[0]
        state = first.state if len(self.layers) == 1 else {**first.state, "mine": self.layers[1].state}
        seq = min(layer.seq for layer in self.layers)
        if state != self.shown:
            tell("state", doc=self.doc, epoch=first.epoch, seq=seq, state=state)
        if self.gap:
            tell("gap", doc=self.doc)
        for at, _, name, data in self.events:
            tell("event", doc=self.doc, name=name, data=data, seq=at)
        self.shown, self.events, self.gap = state, [], False

    def stop(self):
        """Nothing more comes under its handles."""
        if self.live and not self.over:
            tell("document", doc=self.doc, status="stale")
        self.live, self.next, self.handles, self.events, self.gap = False, None, [], [], False


class Client:
    def __init__(self, url, token):
        self.url, self.token, self.id, self.conn = url, token, secrets.token_hex(16), 0
        self.socket, self.live, self.closed, self.failures = None, False, False, 0
        self.hint, self.due, self.streams, self.s = None, 0, {}, 0

    def say(self, *messages):
        self.socket.send(json.dumps(messages).encode())

    def connect(self):
        self.conn, self.socket = self.conn + 1, Socket(self.url)
        hello = {"v": 1, "token": self.token, "client": self.id, "conn": self.conn, "sdk": "example/1", "caps": []}
        self.say(["hello", hello])

    def lost(self):
        code, self.socket, self.live = self.socket.code if self.socket else 1006, None, False
        for stream in self.streams.values():
            stream.stop()
        if 4500 <= code <= 4999:
            self.closed = True
            tell("status", status="closed")
        after, jitter = self.hint or (0, min(5, 0.25 * 2**self.failures))
        self.failures, self.hint, self.due = self.failures + 1, None, time.monotonic() + after + random.random() * jitter

    def open(self, stream):
        if not self.live or stream.over:
            return
        self.s += 1
        stream.s, about = self.s, {"s": self.s, "doc": stream.doc}
        if stream.layers:
            about["at"] = [[at.epoch, at.seq, "!" if stream.doubt else at.tag] for at in stream.layers]
        self.say(["open", {**about, **({} if stream.create is None else {"create": stream.create})}])

    def heal(self, stream):
        if stream.doubt:
            raise OSError("did not heal: again on another connection, which backs off")
        stream.stop()
        stream.doubt = True
        self.say(["close", stream.s])
        self.open(stream)

    def frame(self, messages):
        for kind, *rest in messages:
            if kind in ("opened", "snap", "d"):
                is_for = (lambda each: each.s == rest[0]["s"]) if kind == "opened" else (lambda each: rest[0] in each.handles)
                for stream in filter(is_for, list(self.streams.values())):
                    try:
                        stream.opened(rest[0]) if kind == "opened" else stream.take(kind, *rest)
                    except Misfit:
                        self.heal(stream)
            else:
                getattr(self, f"on_{kind}", lambda *_: None)(*rest)
        for stream in self.streams.values():
            stream.settle()
        if all(stream.live or stream.over for stream in self.streams.values()):
            self.failures = 0

    def on_welcome(self, _):
        self.live = True
        tell("status", status="live")
        for stream in self.streams.values():
            self.open(stream)

    def on_ended(self, about):
        for stream in [each for each in self.streams.values() if each.s == about["s"]]:
            if about["retry"] != "never":
                raise OSError("asked again on another connection, which backs off")
            stream.over, stream.live, status = True, False, "denied" if about["code"] == "denied" else "ended"
            tell("document", doc=stream.doc, status=status, code=about["code"])

    def on_goaway(self, about):
        self.hint = about["afterMs"] / 1000, about["jitterMs"] / 1000

    def on_ping(self, k, heads, *_):
        live = [each for each in self.streams.values() if each.live]
        mine = [[h, at.epoch, at.seq] for each in live for h, at in zip(each.handles, each.layers)]
        self.say(["pong", k, [number for head in mine for number in head]])
        theirs = [heads[index : index + 3] for index in range(0, len(heads), 3)]
        for stream in live:
            if any(head[0] in stream.handles and head not in mine for head in theirs):
                self.heal(stream)


def obey(client, order):
    name = order["command"]
    if name == "connect":
        return Client(order["url"], order["token"])
    if name == "open":
        client.streams[order["doc"]] = stream = Stream(order["doc"], order.get("create"))
        client.open(stream)
    elif name == "close":
        stream = client.streams.pop(order["doc"])
        client.say(["close", stream.s]) if client.live else None
        tell("document", doc=stream.doc, status="closed")
    elif name == "disconnect":
        client.socket.sock.close() if client and client.socket else None
        return tell("disconnected")
    else:
        tell("error", message=f"this client cannot {name}")
    return client


def main():
    client, lines = None, b""
    tell("ready")
    while True:
        active = client and not client.closed
        wait = max(0, client.due - time.monotonic()) if active and not client.socket else None
        sources = [sys.stdin] + ([client.socket.sock] if active and client.socket else [])
        readable, _, _ = select.select(sources, [], [], wait)
        if sys.stdin in readable:
            data = os.read(0, 1 << 16)
            if not data:
                return
            *whole, lines = (lines + data).split(b"\n")
            for line in whole:
                client = obey(client, json.loads(line))
        elif active:
            try:
                if client.socket:
                    client.socket.read()
                    for text in client.socket.frames():
                        client.frame(json.loads(text))
                else:
                    client.connect()
            except (OSError, ValueError):
                client.lost()


main()
