// The runner judges clients: each of these is wrong in one way, and must be told so by name.
import { type Json, type JsonObject, jsonCodec } from "@tidemark/protocol";
import { afterAll, describe, expect, it } from "vitest";
import { type Adapter, AdapterProcess } from "./client/adapter-process.js";
import { runClientDialogue } from "./client/run.js";
import { clientDialogues } from "./dialogue/dialogue.js";
import { isObject } from "./dialogue/names.js";
import { OUR_ADAPTER } from "./our-adapter.js";
import { type Alter, type Alteration, type Message, Relay } from "./relay.js";

const PATIENCE_MS = 20_000;
const SHORT_MS = 500;

/** What becomes of one observation; pure, because all are looked at again and again. */
type Shows = (seen: JsonObject) => readonly JsonObject[];

interface Mutant {
  readonly does: string;
  /** Of what it says. */
  readonly alter?: Alter;
  /** Of what it shows. */
  readonly shows?: Shows;
  /** The dialogue that finds it. */
  readonly dialogue: string;
  /** The rule it breaks, or what is said to have come. */
  readonly found: { readonly rule: string } | { readonly came: RegExp };
  /** When the fault is silence. */
  readonly patienceMs?: number;
}

/** Alters messages of the client of one type. */
const of =
  (type: string, change: (message: Message) => readonly Message[]): Alter =>
  () => ({ up: (message) => (message[0] === type ? change(message) : [message]) });

/** Alters what an `open` asks for. */
const opening = (change: (open: JsonObject) => JsonObject): Alter =>
  of("open", ([type, open = null]) => [[type, isObject(open) ? change(open) : open]]);

/** A call that comes again has this made of it. */
function again(change: (message: Message) => Message): Alter {
  const seen = new Set<Json | undefined>();
  return of("c", (message) => {
    if (seen.has(message[1])) return [change(message)];
    seen.add(message[1]);
    return [message];
  });
}

/** Alters observations of one kind. */
const showing =
  (saw: string, change: Shows): Shows =>
  (seen) =>
    seen["saw"] === saw ? change(seen) : [seen];

const unaltered: Alter = of("hello", (message) => [message]);

/** Makes a delta look as if it linked to what is held. */
function linksEverything(): Alteration {
  let chain = 0;
  return {
    down(message) {
      const [type, h = 0, , seq, ...rest] = message;
      if (type === "snap") chain = Number(seq);
      if (type !== "d") return [message];
      const linked: Message = [type, h, chain, seq ?? 0, ...rest];
      chain = Number(seq);
      return [linked];
    },
  };
}

const MUTANTS: readonly Mutant[] = [
  {
    does: "begins anew after a cut",
    alter: opening(({ at: _at, ...open }) => open),
    dialogue: "resume after a cut",
    found: { came: /at \[1\]\.at .* not nothing/ },
  },
  {
    does: "resumes from what it found wrong",
    alter: opening((open) => ({ ...open, ...(open["at"] === undefined ? {} : { at: [[5, 1, "t"]] }) })),
    dialogue: "a gap in the chain",
    found: { came: /at \[1\]\.at\[0\]\[2\] "!", not "t"/ },
  },
  {
    does: "applies what does not link",
    alter: linksEverything,
    dialogue: "a gap in the chain",
    found: { came: /^nothing within/ },
    patienceMs: SHORT_MS,
  },
  {
    does: "gives a call that is sent again another number",
    alter: again(([type, n, ...rest]) => [type, Number(n) + 100, ...rest]),
    dialogue: "an answer that does not know",
    found: { came: /\["c",101,/ },
  },
  {
    does: "gives a call that is sent again another born",
    alter: again((message) => extended(message, { born: 1 })),
    dialogue: "unanswered calls are sent again",
    found: { rule: "REQ-16" },
  },
  {
    does: "gives a call that is sent again another payload",
    alter: again(([type, n = 0, target = 0, name = "", , extension = {}]) => [type, n, target, name, 0, extension]),
    dialogue: "calls are sent again in their order",
    found: { rule: "REQ-5" },
  },
  {
    does: "says nothing of what it still waits for",
    alter: of("c", (message) => [extended(message, { low: 1 })]),
    dialogue: "a call that is refused for good",
    found: { came: /\.low 2/ },
  },
  {
    does: "does not answer pings",
    alter: of("pong", () => []),
    dialogue: "heads that agree",
    found: { came: /^nothing within/ },
    patienceMs: SHORT_MS,
  },
  {
    does: "does not wait for welcome",
    alter: of("hello", (message) => [message, ["open", { s: 0, doc: "counter/a" }]]),
    dialogue: "greeting",
    found: { rule: "HELLO-1" },
  },
  {
    does: "comes back after a code that forbids it",
    alter: () => ({ close: (code) => (code >= 4_500 ? 4_000 : code) }),
    dialogue: "close code 4500",
    found: { came: /^nothing within/ },
    patienceMs: SHORT_MS,
  },
  {
    does: "stays away after a code that invites back",
    alter: () => ({ close: (code) => (code === 4_499 ? 4_500 : code) }),
    dialogue: "close codes from 4000 to 4499",
    found: { came: /^nothing within/ },
    patienceMs: SHORT_MS,
  },
  {
    does: "never asks again",
    alter: again(() => ["ping", 1, []]),
    dialogue: "an answer that does not know",
    found: { came: /^nothing within/ },
    patienceMs: SHORT_MS,
  },
  {
    does: "takes no notice of goaway",
    alter: () => ({ down: (message) => (message[0] === "goaway" ? [] : [message]) }),
    dialogue: "a server that goes away",
    found: { rule: "CLOSE-4" },
  },
  {
    does: "claims a position for one layer only",
    alter: opening((open) => ({ ...open, ...(isList(open["at"]) ? { at: open["at"].slice(0, 1) } : {}) })),
    dialogue: "two layers",
    found: { came: /at \[1\]\.at / },
  },
  {
    does: "heals one layer only",
    alter: opening((open) => (isList(open["at"]) ? { ...open, at: [open["at"][0] ?? null, [5, 1, "red"]] } : open)),
    dialogue: "a gap in one layer",
    found: { came: /at \[1\]\.at\[1\]\[2\] "!", not "red"/ },
  },
  {
    does: "knows one opened for each open",
    alter: () => {
      let opened = 0;
      return { down: (message) => (message[0] === "opened" && ++opened > 1 ? [] : [message]) };
    },
    dialogue: "another view key",
    found: { came: /^nothing within/ },
    patienceMs: SHORT_MS,
  },
  {
    does: "reports what it counted with every pong",
    alter: of("pong", (message) => [message, ["ping", 1, [], { stats: { connections: 1 } }]]),
    dialogue: "heads that agree",
    found: { rule: "HEAD-5" },
  },
  {
    does: "shows one layer without the other",
    shows: showing("state", (seen) => {
      const { mine: _mine, ...shared } = isObject(seen["state"]) ? seen["state"] : {};
      return [{ ...seen, state: shared }, seen];
    }),
    dialogue: "a reset of two layers",
    found: { came: /"state":\{"cards":\{\},"stamp":0\}/ },
  },
  {
    does: "shows an event twice",
    shows: showing("event", (seen) => [seen, seen]),
    dialogue: "a reset that is cut off",
    found: { came: /"saw":"event"/ },
  },
  {
    does: "keeps silent about lost events",
    shows: showing("gap", () => []),
    dialogue: "events",
    found: { came: /^nothing within/ },
    patienceMs: SHORT_MS,
  },
  {
    does: "says rejected of what it does not know",
    shows: showing("answer", (seen) => [{ ...seen, outcome: "rejected" }]),
    dialogue: "one copy lost, one refused",
    found: { came: /\.outcome "unknown", not "rejected"/ },
  },
  {
    does: "never says that it is stale",
    shows: showing("document", (seen) => (seen["status"] === "stale" ? [] : [seen])),
    dialogue: "heads that are behind",
    found: { came: /^nothing within/ },
    patienceMs: SHORT_MS,
  },
];

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

function extended([type, n = 0, target = 0, name = "", input = null, extension]: Message, more: JsonObject): Message {
  return [type, n, target, name, input, { ...(isObject(extension) ? extension : {}), ...more }];
}

type Behaviour = Pick<Mutant, "alter" | "shows"> & { readonly patienceMs: number };

/** A client that is reached through a relay. */
class Altered implements Adapter {
  readonly #adapter: AdapterProcess;
  readonly #relay: Relay;
  readonly #shows: Shows;
  readonly #aim: (url: string) => void;

  constructor(
    adapter: AdapterProcess,
    { relay, shows, aim }: { relay: Relay; shows: Shows; aim: (url: string) => void },
  ) {
    this.#adapter = adapter;
    this.#relay = relay;
    this.#shows = shows;
    this.#aim = aim;
  }

  get seen(): readonly JsonObject[] {
    return this.#adapter.seen.flatMap(this.#shows);
  }

  get changes(): AdapterProcess["changes"] {
    return this.#adapter.changes;
  }

  begin(): Promise<void> {
    return this.#adapter.begin();
  }

  send(command: JsonObject): void {
    const { url } = command;
    if (typeof url === "string") this.#aim(url);
    this.#adapter.send(typeof url === "string" ? { ...command, url: this.#relay.url } : command);
  }
}

describe("a client that", () => {
  const adapter = new AdapterProcess(OUR_ADAPTER, PATIENCE_MS);
  afterAll(() => adapter.stop());

  const outcomeOf = async (name: string, { alter = unaltered, shows = (seen) => [seen], patienceMs }: Behaviour) => {
    const dialogue = clientDialogues().find((candidate) => candidate.name === name);
    if (dialogue === undefined) throw new Error(`there is no dialogue ${name}`);
    let target = "";
    const relay = await Relay.listen(() => target, alter);
    const aim = (url: string): void => {
      target = url;
    };
    const altered = new Altered(adapter, { relay, shows, aim });
    try {
      return await runClientDialogue(dialogue, { adapter: altered, codec: jsonCodec, patienceMs, has: [] });
    } finally {
      await relay.close();
    }
  };

  for (const { does, dialogue, found, patienceMs = PATIENCE_MS, ...behaviour } of MUTANTS) {
    it(`${does} is found by "${dialogue}"`, async () => {
      const outcome = await outcomeOf(dialogue, { ...behaviour, patienceMs });
      expect(outcome).toMatchObject({ kind: "failed" });
      if ("rule" in found) expect(outcome).toMatchObject(found);
      else expect(outcome).toMatchObject({ came: expect.stringMatching(found.came) });
    });
  }

  it("is right stays right behind a relay that alters nothing", async () => {
    for (const dialogue of new Set(MUTANTS.map((mutant) => mutant.dialogue))) {
      expect(await outcomeOf(dialogue, { patienceMs: PATIENCE_MS })).toEqual({ kind: "held" });
    }
  });
});
