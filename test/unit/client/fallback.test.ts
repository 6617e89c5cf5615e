// The client where no WebSocket gets through: which requests it makes, what each says, and when it makes the next.
import type { ClientMessage, Hello, Json, ServerMessage } from "@tidemark/protocol";
import { describe, expect, it } from "vitest";
import { settled, type VirtualPlatform, type VirtualPost } from "../../support/virtual-platform.js";
import { type Board, EMPTY, hear, type World, world } from "./world.js";

const PING_MS = 10_000;
const NOT_AFTER_MS = 5_000;

/** The test's side of the client's requests. */
class FakeHttp {
  readonly #platform: VirtualPlatform;
  #handle = 0;

  constructor(platform: VirtualPlatform) {
    this.#platform = platform;
  }

  to(path: string): VirtualPost[] {
    return this.#platform.posts.filter(({ request }) => request.url === `https://tide.test/v1/${path}`);
  }

  /** The newest request that follows documents. */
  get now(): VirtualPost {
    const post = [...this.to("stream"), ...this.to("poll")]
      .sort((one, other) => this.#platform.posts.indexOf(one) - this.#platform.posts.indexOf(other))
      .at(-1);
    if (post === undefined) throw new Error("nothing was asked");
    return post;
  }

  say(post: VirtualPost, ...messages: readonly ServerMessage[]): void {
    if (!post.isCancelled) post.listener.text(`${JSON.stringify(messages)}\n`);
  }

  /** Welcomes the newest, and resumes everything that it opens; a document without a position is reset to `state`. */
  async accept(state: Json = EMPTY): Promise<void> {
    const post = this.now;
    post.listener.answered(200);
    this.say(post, welcome());
    for (const open of opensIn(post)) {
      const [held] = open.at ?? [];
      const h = ++this.#handle;
      const mode = held === undefined ? "reset" : "resume";
      const prev = held?.[1] ?? 1;
      this.say(post, ["opened", { s: open.s, h: [h], mode: [mode], prev: [prev], tag: [""] }]);
      if (held === undefined) this.say(post, ["snap", h, 1, 1, state]);
    }
    await settled();
  }

  /** A change of the document that was opened last. */
  delta(prev: number, seq: number, title: string): void {
    this.say(this.now, ["d", this.#handle, prev, seq, [["=", "/title", title]]]);
  }

  /** Answers posted calls as a whole. */
  async answer(post: VirtualPost, ...messages: readonly ServerMessage[]): Promise<void> {
    post.listener.answered(200);
    post.listener.text(JSON.stringify(messages));
    post.listener.ended(true);
    await settled();
  }
}

const welcome = (): ServerMessage => [
  "welcome",
  {
    v: 1,
    session: "s",
    server: "x",
    now: 1_700_000_000_000,
    sub: "ann",
    exp: 1_700_003_600_000,
    pingMs: PING_MS,
    watchdogMs: 25_000,
    limits: {},
    caps: [],
  },
];

const messagesIn = ({ request }: VirtualPost): ClientMessage[] => JSON.parse(request.body);
const helloIn = (post: VirtualPost): Hello => {
  const [first] = messagesIn(post);
  if (first?.[0] !== "hello") throw new Error("no hello");
  return first[1];
};
const opensIn = (post: VirtualPost) =>
  messagesIn(post).flatMap((message) => (message[0] === "open" ? [message[1]] : []));
const callsIn = (post: VirtualPost) => messagesIn(post).flatMap((message) => (message[0] === "c" ? [message] : []));
const numbersIn = (post: VirtualPost): number[] => callsIn(post).map(([, n]) => n);

interface Fallback extends World {
  readonly http: FakeHttp;
  readonly board: Board;
}

/** A client that follows a document over a stream. */
async function streaming(): Promise<Fallback> {
  const made = world({ transport: "http" });
  const http = new FakeHttp(made.platform);
  const board = made.tide.open("board", "b");
  await settled();
  await http.accept();
  return { ...made, http, board };
}

describe("a stream", () => {
  it("[STREAM-1] [STREAM-2] [HTTP-2] is asked for with all that is followed, and no token but in its header", async () => {
    const { http, platform, tide, board } = await streaming();
    expect(platform.posts).toHaveLength(1);
    expect(http.now.request.token).toBe("token");
    expect(http.now.request.body).not.toContain("token");
    expect(opensIn(http.now)).toEqual([{ s: 1, doc: "board/b" }]);
    expect([tide.status, tide.transport, board.status]).toEqual(["live", "stream", "live"]);
  });

  it("[STREAM-2] [R3] is made anew from what is held when something else is opened, and nothing looks stale", async () => {
    const { http, tide, board } = await streaming();
    http.delta(1, 4, "four");
    const statuses: string[] = [];
    board.onStatus((status) => statuses.push(status));
    const first = http.now;
    tide.open("board", "c");
    tide.open("board", "d");
    await settled();
    expect(first.isCancelled).toBe(true);
    expect(http.to("stream")).toHaveLength(2);
    const opens = opensIn(http.now);
    expect(opens.map(({ s: _, ...open }) => open)).toEqual([
      { doc: "board/b", at: [[1, 4, ""]] },
      { doc: "board/c" },
      { doc: "board/d" },
    ]);
    expect(opens.every(({ s }, index) => index === 0 || s > (opens[index - 1]?.s ?? 0))).toBe(true);
    expect(helloIn(http.now).conn).toBeGreaterThan(helloIn(first).conn);
    // What its proxy still delivers is of a time that is over.
    first.listener.text('[["d",1,4,5,[["=","/title","five"]]]]\n');
    await http.accept();
    expect(board.state?.title).toBe("four");
    expect(statuses).toEqual([]);
    expect(tide.stats.firstPayloads.count).toBe(3);
  });

  it("[STREAM-3] that is cut after a while is asked for again at once; one that is cut at once, after a back-off", async () => {
    const { http, platform, tide } = await streaming();
    await platform.advance(6_000);
    http.now.listener.ended(false);
    await platform.advance(0);
    expect(http.to("stream")).toHaveLength(2);
    await http.accept();
    expect(tide.status).toBe("live");
    http.now.listener.ended(false);
    await settled();
    expect(tide.status).toBe("connecting");
  });

  it("[STREAM-3] a line that is cut anywhere is one line, and what is left of one is not taken", async () => {
    const { http, board } = await streaming();
    const line = '[["d",1,1,2,[["=","/title","täglich"]]]]\n';
    for (const piece of line) http.now.listener.text(piece);
    http.now.listener.text('[["d",1,2,3,[["=","/title","half"]]]]');
    await settled();
    expect(board.state?.title).toBe("täglich");
  });

  it("[STREAM-4] [R13] is as old as its pings say, whenever they come", async () => {
    const { http, platform, board } = await streaming();
    for (let k = 1; k <= 3; k++) {
      await platform.advance(PING_MS);
      http.say(http.now, ["ping", k, [1, 1, 1], { ms: k * PING_MS }]);
    }
    expect(board.status).toBe("live");
    expect(http.to("stream")).toHaveLength(1);
    // From now on somebody gathers what comes.
    await platform.advance(2 * PING_MS);
    http.say(http.now, ["ping", 4, [1, 1, 1], { ms: 3 * PING_MS + 100 }]);
    await settled();
    expect(board.status).toBe("stale");
  });

  it("[STREAM-4] silence is asked about by another request, and two in a row are a connection that is lost", async () => {
    const { http, platform, tide } = await streaming();
    await platform.advance(13_000);
    expect(http.to("stream")).toHaveLength(2);
    expect(messagesIn(http.now).at(-1)?.[0]).toBe("ping");
    await platform.advance(13_000);
    expect(tide.status).not.toBe("live");
    await platform.advance(1_000);
    expect(http.to("poll").length).toBeGreaterThan(0);
  });

  it("[STREAM-3] [CLOSE-1] `bye` is what a close code is", async () => {
    const { http, tide } = await streaming();
    http.say(http.now, ["bye", 4_505]);
    await settled();
    expect(tide.status).toBe("closed");
  });

  it("[HTTP-3] a refusal that says when is obeyed; one that says never ends the client", async () => {
    const { platform, tide } = world({ transport: "http" });
    const http = new FakeHttp(platform);
    hear(tide.call("board", "b").clear());
    await settled();
    const refuse = (status: number, problem: object): void => {
      http.now.listener.answered(status);
      http.now.listener.text(JSON.stringify({ outcome: "rejected", ...problem }));
      http.now.listener.ended(true);
    };
    refuse(503, { code: "overloaded", retry: "after", fault: "service", afterMs: 4_000 });
    await platform.advance(3_999);
    expect(http.to("stream")).toHaveLength(1);
    await platform.advance(1_001);
    expect(http.to("stream")).toHaveLength(2);
    refuse(403, { code: "origin_refused", retry: "never", fault: "caller" });
    await settled();
    expect(tide.status).toBe("closed");
  });
});

describe("calls", () => {
  it("[POST-2] of one document are one request at a time, and others do not wait for them", async () => {
    const { http, tide } = await streaming();
    const call = (key: string) => hear(tide.call("board", key).add({ text: key }));
    call("a");
    call("b");
    await settled();
    expect(http.to("calls").map(numbersIn)).toEqual([[1, 2]]);
    call("a");
    call("c");
    call("a");
    await settled();
    expect(http.to("calls").map(numbersIn)).toEqual([[1, 2], [4]]);
    const [first] = http.to("calls");
    if (first === undefined) throw new Error("no calls");
    await http.answer(first, ["ok", 1, [1, 1], { id: "1" }], ["ok", 2, [1, 1], { id: "2" }]);
    expect(http.to("calls").map(numbersIn)).toEqual([[1, 2], [4], [3, 5]]);
  });

  it("[POST-3] [REQ-16] whose answers are lost are sent again under their numbers, when the copy can do nothing any more", async () => {
    const { http, platform, board, tide } = await streaming();
    const sent = hear(board.send.add({ text: "x" }));
    await settled();
    const [copy] = http.to("calls");
    if (copy === undefined) throw new Error("no calls");
    const { until = 0 } = helloIn(copy);
    expect(until).toBeGreaterThanOrEqual(1_700_000_000_000 + NOT_AFTER_MS);
    const later = hear(tide.call("board", "b").clear());
    copy.listener.ended(false);
    await platform.advance(NOT_AFTER_MS);
    expect(http.to("calls")).toHaveLength(1);
    await platform.advance(1_000);
    const again = http.to("calls")[1];
    if (again === undefined) throw new Error("not sent again");
    expect(callsIn(again).map(([, n, , name]) => [n, name])).toEqual([
      [1, "add"],
      [2, "clear"],
    ]);
    expect(callsIn(again)[0]?.[5].born).toBe(callsIn(copy)[0]?.[5].born);
    expect(helloIn(again).conn).toBeGreaterThan(helloIn(copy).conn);
    await http.answer(again, ["ok", 1, [1, 1], { id: "1" }], ["ok", 2, [1, 1]]);
    expect(sent.answer).toEqual({ id: "1" });
    expect(later.pending).toBe(false);
  });

  it("[POST-3] wait for that over the end of the connection too", async () => {
    const { http, platform, board } = await streaming();
    hear(board.send.add({ text: "x" }));
    await settled();
    http.say(http.now, ["bye", 4_000]);
    await platform.advance(1_000);
    await http.accept();
    expect(http.to("calls")).toHaveLength(1);
    await platform.advance(NOT_AFTER_MS);
    expect(http.to("calls").map(numbersIn)).toEqual([[1], [1]]);
  });

  it("[POST-3] [R8] a call with a lost copy is never said to be rejected because a later copy was", async () => {
    const { http, platform, board } = await streaming();
    const sent = hear(board.send.add({ text: "x" }, { deadlineMs: 8_000 }));
    await settled();
    http.to("calls")[0]?.listener.ended(false);
    await platform.advance(6_000);
    const again = http.to("calls")[1];
    if (again === undefined) throw new Error("not sent again");
    again.listener.answered(429);
    const refusal = { code: "rate_limited", outcome: "rejected", retry: "after", fault: "caller", afterMs: 60_000 };
    again.listener.text(JSON.stringify(refusal));
    again.listener.ended(true);
    await platform.advance(3_000);
    expect(sent.answer).toMatchObject({ code: "deadline_exceeded", outcome: "unknown" });
  });

  it("[POST-1] name documents, never subscriptions: nobody there knows of any", async () => {
    const { http, board } = await streaming();
    hear(board.send.add({ text: "x" }));
    hear(board.query.count());
    await settled();
    expect(
      http
        .to("calls")
        .flatMap(callsIn)
        .map(([, , target]) => target),
    ).toEqual(["board/b", "board/b"]);
  });

  it("[REQ-1] an answer that shows in the state is told when the stream has brought it", async () => {
    const { http, board } = await streaming();
    const sent = hear(board.send.add({ text: "x" }));
    await settled();
    const [post] = http.to("calls");
    if (post === undefined) throw new Error("no calls");
    await http.answer(post, ["ok", 1, [1, 2], { id: "1" }]);
    expect(sent.pending).toBe(true);
    http.delta(1, 2, "two");
    await settled();
    expect(sent.answer).toEqual({ id: "1" });
  });
});

describe("which transport", () => {
  const made = (): World & { http: FakeHttp } => {
    const one = world({ transport: "auto" });
    // No server answers, but this test.
    one.platform.onOpen = () => undefined;
    one.platform.onFrame = () => undefined;
    one.tide.open("board", "b");
    return { ...one, http: new FakeHttp(one.platform) };
  };

  const refuse = (platform: VirtualPlatform): void => platform.sockets.at(-1)?.listener.closed(1_006);

  it("[LINE-1] is HTTP once a WebSocket has failed twice in a row, and not before", async () => {
    const { platform, http, tide } = made();
    await settled();
    refuse(platform);
    await platform.advance(1_000);
    expect(platform.sockets).toHaveLength(2);
    expect(platform.posts).toHaveLength(0);
    refuse(platform);
    await platform.advance(1_000);
    await http.accept();
    expect(tide.transport).toBe("stream");
  });

  describe("where a WebSocket has worked", () => {
    /** Its connection is over right after `welcome`. */
    const worked = async (): Promise<ReturnType<typeof made>> => {
      const one = made();
      await settled();
      const { listener } = one.platform.sockets[0] ?? expect.fail();
      listener.opened();
      listener.message(JSON.stringify([welcome()]));
      expect(one.tide.transport).toBe("websocket");
      return one;
    };

    /** How often it is refused until it tries something else. */
    const refusals = async ({ platform }: World): Promise<number> => {
      for (let count = 1; ; count++) {
        const before = platform.sockets.length;
        refuse(platform);
        while (platform.sockets.length === before) {
          if (platform.posts.length > 0) return count;
          await platform.advance(10);
        }
      }
    };

    it("[LINE-1] it takes four failures: a server that is started again refuses a few", async () => {
      expect(await refusals(await worked())).toBe(4);
    });

    it("[LINE-1] two are enough once the network may be another", async () => {
      const one = await worked();
      one.platform.wake("online");
      expect(await refusals(one)).toBe(2);
    });
  });

  it("[LINE-1] is HTTP soon when an upgrade is not answered at all", async () => {
    const { platform, http } = made();
    await platform.advance(7_000);
    expect(http.to("stream")).toHaveLength(1);
  });

  it("[LINE-1] is HTTP when a greeting is not answered", async () => {
    const { platform, http } = made();
    await settled();
    platform.sockets[0]?.listener.opened();
    await platform.advance(11_900);
    expect(platform.posts).toHaveLength(0);
    await platform.advance(1_000);
    expect(http.to("stream")).toHaveLength(1);
  });

  it("[LINE-1] is WebSocket again when nobody is there by HTTP either", async () => {
    const { platform, http } = made();
    await settled();
    for (let tries = 0; tries < 2; tries++) {
      refuse(platform);
      await platform.advance(6_000);
    }
    http.now.listener.ended(false);
    await platform.advance(6_000);
    expect(platform.sockets).toHaveLength(3);
  });

  it("[LINE-1] [SEQ-4] follows at once over it what was asked for by HTTP in vain", async () => {
    const { platform, http } = made();
    const said: string[] = [];
    platform.onFrame = (_socket, frame) => said.push(String(frame));
    await settled();
    for (let tries = 0; tries < 2; tries++) {
      refuse(platform);
      await platform.advance(6_000);
    }
    expect(opensIn(http.now)).toHaveLength(1);
    http.now.listener.ended(false);
    while (platform.sockets.length < 3) await platform.advance(100);
    const { listener } = platform.sockets.at(-1) ?? {};
    listener?.opened();
    listener?.message(JSON.stringify([welcome()]));
    await settled();
    expect(said.filter((frame) => frame.includes('"board/b"'))).toHaveLength(1);
  });

  it("[LINE-1] stays WebSocket where a server said why it closed", async () => {
    const { platform } = made();
    for (let tries = 0; tries < 4; tries++) {
      await platform.advance(2_600);
      platform.sockets.at(-1)?.listener.closed(4_006);
    }
    await platform.advance(2_600);
    expect(platform.posts).toHaveLength(0);
  });

  it("[LINE-2] is a poll where a stream is held back", async () => {
    const { platform, http, tide } = await streaming().then(async () => {
      const one = world({ transport: "http" });
      one.tide.open("board", "b");
      await settled();
      return { ...one, http: new FakeHttp(one.platform) };
    });
    await platform.advance(6_000);
    expect(http.to("poll")).toHaveLength(1);
    expect(messagesIn(http.now).map(([type]) => type)).toEqual(["hello", "open", "ping"]);
    await http.accept();
    http.now.listener.ended(true);
    expect(tide.transport).toBe("poll");
    await platform.advance(200);
    expect(http.to("poll")).toHaveLength(2);
    expect(messagesIn(http.now).map(([type]) => type)).toEqual(["hello", "open"]);
  });

  it("[LINE-3] is tried for a WebSocket ever less often, by a greeting that costs nothing, and changed once that is answered", async () => {
    const { platform, http, tide } = made();
    await settled();
    for (let tries = 0; tries < 2; tries++) {
      refuse(platform);
      await platform.advance(1_000);
    }
    await http.accept();
    const frames: unknown[] = [];
    platform.onFrame = (_socket, frame) => frames.push(JSON.parse(String(frame)));
    const gaps: number[] = [];
    const nextTrial = async (): Promise<number> => {
      const before = platform.sockets.length;
      let waited = 0;
      for (; platform.sockets.length === before; waited += 250) {
        await platform.advance(250);
        if (waited % PING_MS === 0) http.say(http.now, ["ping", waited, [1, 1, 1], { ms: platform.monotonicMs() }]);
      }
      return waited;
    };
    for (let trial = 0; trial < 4; trial++) {
      gaps.push(await nextTrial());
      refuse(platform);
    }
    expect(gaps.every((gap, index) => index === 0 || gap > (gaps[index - 1] ?? 0))).toBe(true);
    expect(tide.transport).toBe("stream");
    await nextTrial();
    const before = platform.sockets.length;
    const socket = platform.sockets.at(-1);
    socket?.listener.opened();
    await settled();
    expect(frames).toEqual([[["hello", expect.objectContaining({ v: 0 })]]]);
    socket?.listener.message('[["err",{"code":"unsupported_version","message":"","retry":"never","fault":"caller"}]]');
    await settled();
    expect(socket?.closedWith).toBeDefined();
    expect(platform.sockets.length).toBe(before + 1);
    expect(http.now.isCancelled).toBe(true);
  });
});
