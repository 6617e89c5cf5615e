// The runner judges servers: each of these is wrong in one way, and must be told so by name.
import { type Json, jsonCodec } from "@tidemark/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serverDialogues } from "./dialogue/dialogue.js";
import { isObject } from "./dialogue/names.js";
import { type Alter, type Alteration, type Message, Relay } from "./relay.js";
import { type OurServer, startOurServer } from "./server/our-server.js";
import { runServerDialogue } from "./server/run.js";

const PATIENCE_MS = 20_000;
const HAS = ["people"] as const;

let server: OurServer;
beforeAll(async () => {
  server = await startOurServer();
});
afterAll(() => server.close());

interface Mutant {
  readonly does: string;
  readonly alter: Alter;
  /** The dialogue that finds it. */
  readonly dialogue: string;
  /** The rule it breaks, or what is said to have come. */
  readonly found: { readonly rule: string } | { readonly came: RegExp };
  /** When the fault is silence. */
  readonly patienceMs?: number;
}

const numberAt = (message: Message, index: number): number => Number(message[index]);
const isDelta = (message: Message): boolean => message[0] === "d" && Array.isArray(message[4]) && message[4].length > 0;

/** Every connection is altered in the same way, by state of its own. */
const each =
  (make: () => Alteration): Alter =>
  () =>
    make();

/** Alters messages of the server of one type. */
const of = (type: string, change: (message: Message) => readonly Message[]): Alter =>
  each(() => ({ down: (message) => (message[0] === type ? change(message) : [message]) }));

/** Alters messages to the server of one type. */
const said = (type: string, change: (message: Message) => readonly Message[]): Alter =>
  each(() => ({ up: (message) => (message[0] === type ? change(message) : [message]) }));

/** Alters an object that a message carries. */
const field = (message: Message, change: (fields: { readonly [name: string]: Json }) => Json): Message => {
  const [type, fields = null] = message;
  return isObject(fields) ? [type, change(fields)] : message;
};

function dropsTheSecondDelta(): Alteration {
  let deltas = 0;
  // Nor heads: the next delta must be enough to tell.
  return { down: (message) => (message[0] === "ping" || (isDelta(message) && ++deltas === 2) ? [] : [message]) };
}

function answersFirst(): Alteration {
  const held: Message[] = [];
  return {
    down(message) {
      if (isDelta(message)) held.push(message);
      else if (message[0] === "ok") return [message, ...held.splice(0)];
      return isDelta(message) ? [] : [message];
    },
  };
}

/** Takes a call that comes again for a new one. */
function forgetsReceipts(): Alter {
  const seen = new Set<number>();
  const OFFSET = 1_000;
  const renumbered = ([type, n, ...rest]: Message, by: number): Message => [type, Number(n) + by, ...rest];
  return each(() => ({
    up(message) {
      if (message[0] !== "c" || !seen.has(numberAt(message, 1))) {
        if (message[0] === "c") seen.add(numberAt(message, 1));
        return [message];
      }
      return [renumbered(message, OFFSET)];
    },
    down: (message) => [message[0] === "ok" && numberAt(message, 1) > OFFSET ? renumbered(message, -OFFSET) : message],
  }));
}

const CHAIN = "every change, once and in order";
const MUTANTS: readonly Mutant[] = [
  {
    does: "drops a delta for a follower",
    alter: (index) => (index === 1 ? dropsTheSecondDelta() : {}),
    dialogue: CHAIN,
    found: { rule: "SEQ-2" },
  },
  { does: "drops a delta for its author", alter: each(dropsTheSecondDelta), dialogue: CHAIN, found: { rule: "REQ-2" } },
  {
    does: "sends a delta twice",
    alter: of("d", (message) => [message, message]),
    dialogue: CHAIN,
    found: { rule: "SEQ-2" },
  },
  {
    does: "links a delta to the wrong seq",
    alter: of("d", ([type, h = 0, prev, ...rest]) => [[type, h, Number(prev) - 1, ...rest]]),
    dialogue: CHAIN,
    found: { rule: "SEQ-2" },
  },
  {
    does: "answers before the delta",
    alter: each(answersFirst),
    dialogue: "pipelined calls",
    found: { rule: "REQ-2" },
  },
  {
    does: "forgets receipts",
    alter: forgetsReceipts(),
    dialogue: "a call that is sent again",
    found: { came: /^\["ok",2,\[\d+,4\],12\]/ },
  },
  {
    does: "answers twice",
    alter: of("ok", (message) => [message, message]),
    dialogue: "pipelined calls",
    found: { rule: "REQ-1" },
  },
  {
    does: "answers nothing",
    alter: of("no", () => []),
    dialogue: "calls that are refused change nothing",
    found: { came: /^nothing within/ },
    patienceMs: 300,
  },
  {
    does: "shows one follower something else",
    alter: (index) => (index === 1 ? { down: (message) => [otherValue(message)] } : {}),
    dialogue: CHAIN,
    found: { rule: "SEQ-7" },
  },
  {
    does: "sends a snapshot of another state",
    alter: of("snap", ([type, h = 0, epoch = 0, seq = 0]) => [[type, h, epoch, seq, { value: -1, note: "" }]]),
    dialogue: "resume from a position",
    found: { came: /"note":""/ },
  },
  {
    does: "uses one handle for two documents",
    alter: of("opened", (message) => [field(message, (fields) => ({ ...fields, h: [4_711] }))]),
    dialogue: "close",
    found: { rule: "OPEN-6" },
  },
  {
    does: "states heads that were not sent",
    alter: of("ping", (message) => [[message[0], message[1] ?? 0, aheadOf(message[2])]]),
    dialogue: "pings carry positions",
    found: { rule: "HEAD-1" },
  },
  {
    does: "sends advances without their epoch",
    alter: of("d", (message) => [isDelta(message) ? message : [message[0], ...message.slice(1, 5), {}]]),
    dialogue: "a transaction that changes nothing",
    found: { rule: "SEQ-3" },
  },
  {
    does: "keeps silent about a gap",
    alter: of("opened", (message) => [field(message, ({ gap: _gap, ...fields }) => fields)]),
    dialogue: "a position of another history",
    found: { came: /at \[1\]\.gap true, not nothing/ },
  },
  {
    does: "brings events twice",
    alter: of("opened", (message) => [field(message, twiceTheEvents)]),
    dialogue: "events over a snapshot",
    found: { came: /"removed".*"removed"/ },
  },
  {
    does: "closes with a code that invites back",
    alter: each(() => ({ close: () => 4_000 })),
    dialogue: "a second hello",
    found: { came: /^one with 4000/ },
  },
  {
    does: "splits what one commit did to two layers",
    alter: each(() => ({ split: true })),
    dialogue: "two layers",
    found: { rule: "VIEW-3" },
  },
  {
    does: "sends advances by themselves",
    alter: each(() => ({ split: true })),
    dialogue: "a transaction that changes nothing",
    found: { rule: "SEQ-8" },
  },
  {
    does: "shows a hidden part",
    alter: of("snap", ([type, h = 0, epoch = 0, seq = 0, state = null]) => [
      [type, h, epoch, seq, isObject(state) ? { ...state, vault: { code: "" } } : state],
    ]),
    dialogue: "hidden parts",
    found: { came: /"vault":/ },
  },
  {
    does: "takes no notice of parameters",
    alter: said("open", (message) => [field(message, ({ params: _params, ...fields }) => fields)]),
    dialogue: "parameters of a view",
    found: { came: /"protocol_error"/ },
  },
  {
    does: "takes everybody for one of the same team",
    alter: said("hello", (message) => [field(message, inTheRedTeam)]),
    dialogue: "an event for some",
    found: { came: /"rose"/ },
  },
  {
    does: "takes no notice of a pace",
    alter: said("open", (message) => [field(message, (fields) => ({ ...fields, every: 0 }))]),
    dialogue: "merged deltas at a pace",
    found: { came: /^\["ping",\d+,\[\d+,\d+,[3-6]\]/ },
  },
  {
    does: "takes no notice of a refreshed token",
    alter: said("auth", () => []),
    dialogue: "a token with another view key",
    found: { came: /^nothing within/ },
    patienceMs: 300,
  },
  {
    does: "gives a view a new handle and keeps the old one",
    alter: of("d", (message) => [message, [message[0], 4_711, ...message.slice(2)]]),
    dialogue: "two layers",
    found: { rule: "OPEN-6" },
  },
  {
    does: "says nothing of counts, and nothing else either",
    alter: said("ping", (message) => (message.length > 3 ? [] : [message])),
    dialogue: "what a client has counted",
    found: { came: /^nothing within/ },
    patienceMs: 300,
  },
  {
    does: "says welcome twice",
    alter: of("welcome", (message) => [message, message]),
    dialogue: "greeting",
    found: { rule: "HELLO-4" },
  },
];

function otherValue(message: Message): Message {
  if (!isDelta(message)) return message;
  const [type, h = 0, prev = 0, seq = 0] = message;
  return [type, h, prev, seq, [["=", "/value", -99]]];
}

const aheadOf = (heads: Json | undefined): Json =>
  Array.isArray(heads) ? heads.map((number: Json, index) => (index % 3 === 2 ? Number(number) + 1 : number)) : [];

function inTheRedTeam(fields: { readonly [name: string]: Json }): Json {
  return { ...fields, token: `${String(fields["token"]).split("@")[0]}@red` };
}

function twiceTheEvents(fields: { readonly [name: string]: Json }): Json {
  const { events } = fields;
  return Array.isArray(events) ? { ...fields, events: [...events, ...events] } : fields;
}

describe.concurrent("a server that", () => {
  for (const { does, alter, dialogue: name, found, patienceMs = PATIENCE_MS } of MUTANTS) {
    it(`${does} is found by "${name}"`, async ({ onTestFinished }) => {
      const dialogue = serverDialogues().find((candidate) => candidate.name === name);
      if (dialogue === undefined) throw new Error(`there is no dialogue ${name}`);
      const relay = await Relay.listen(() => server.url, alter);
      onTestFinished(() => relay.close());
      const target = { url: relay.url, codec: jsonCodec, token: "user:{name}", patienceMs, has: HAS };
      const outcome = await runServerDialogue(dialogue, target);
      expect(outcome).toMatchObject({ kind: "failed" });
      if ("rule" in found) expect(outcome).toMatchObject(found);
      else expect(outcome).toMatchObject({ came: expect.stringMatching(found.came) });
    });
  }

  it('stops without goaway is found by "a server that stops and starts"', async ({ onTestFinished }) => {
    const own = await startOurServer();
    const relay = await Relay.listen(
      () => own.url,
      of("goaway", () => []),
    );
    onTestFinished(() => relay.close());
    onTestFinished(() => own.close());
    const dialogue = serverDialogues().find(({ file }) => file === "restart");
    const target = { url: relay.url, codec: jsonCodec, token: "user:{name}", patienceMs: PATIENCE_MS };
    const outcome = dialogue && (await runServerDialogue(dialogue, { ...target, has: ["restart"], control: own }));
    expect(outcome).toMatchObject({ kind: "failed", came: "the connection closed with 4000" });
  });

  it("is right stays right behind a relay that alters nothing", async ({ onTestFinished }) => {
    const relay = await Relay.listen(
      () => server.url,
      each(() => ({ down: (message) => [message] })),
    );
    onTestFinished(() => relay.close());
    const target = { url: relay.url, codec: jsonCodec, token: "user:{name}", patienceMs: PATIENCE_MS, has: HAS };
    for (const { dialogue: name } of MUTANTS) {
      const dialogue = serverDialogues().find((candidate) => candidate.name === name);
      expect(dialogue && (await runServerDialogue(dialogue, target))).toEqual({ kind: "held" });
    }
  });
});
