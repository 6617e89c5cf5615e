// Puts @tidemark/client behind the adapter protocol of protocol/dialogues/README.md: commands come as lines of JSON on
// standard input, what the client shows goes out as lines of JSON. It decides nothing.
import { createInterface } from "node:readline";
import { type CallOptions, connect, type OpenDocument, type Sent, type Tide, TidemarkError } from "@tidemark/client";
import type { App, Contract } from "@tidemark/protocol";
import { z } from "zod";

/** Of all types; each has one at most. */
const EVENTS = ["removed", "dealt"] as const;
/** What is known of the conformance application: its types have messages, queries and events. */
type ConformanceApp = App<{
  readonly [type: string]: Contract & {
    readonly events: { readonly removed: unknown; readonly dealt: unknown };
    readonly signals: { readonly wave: unknown };
    readonly presence: unknown;
  };
}>;
type Document = OpenDocument<ConformanceApp, string>;

const doc = z.string();
const call = z.string();
const asked = { call, doc, name: z.string(), input: z.unknown().optional(), deadlineMs: z.number().optional() };
const command = z.discriminatedUnion("command", [
  z.object({ command: z.literal("connect"), url: z.string(), token: z.string(), codec: z.enum(["json", "msgpack"]) }),
  z.object({ command: z.literal("disconnect") }),
  z.object({
    command: z.literal("open"),
    doc,
    create: z.unknown().optional(),
    presence: z.unknown().optional(),
  }),
  z.object({ command: z.literal("signal"), doc, name: z.literal("wave"), data: z.unknown() }),
  z.object({ command: z.literal("present"), doc, meta: z.unknown() }),
  z.object({ command: z.literal("watch"), doc }),
  z.object({ command: z.literal("close"), doc }),
  z.object({ command: z.literal("send"), ...asked }),
  z.object({ command: z.literal("query"), ...asked }),
  z.object({ command: z.literal("abort"), call }),
  z.object({ command: z.literal("probe"), call, doc }),
]);
type Command = z.infer<typeof command>;
type Asked = Extract<Command, { command: "send" | "query" }>;

/** One client of one dialogue. */
class Driven {
  readonly #tide: Tide<ConformanceApp>;
  readonly #documents = new Map<string, Document>();
  readonly #aborts = new Map<string, AbortController>();

  constructor({ url, token, codec }: Extract<Command, { command: "connect" }>) {
    this.#tide = connect<ConformanceApp>({ url, token, codec, transport: "websocket" });
    this.#tide.onStatus((status) => say({ saw: "status", status }));
  }

  obey(order: Exclude<Command, { command: "connect" }>): void {
    switch (order.command) {
      case "open":
        return this.#open(order.doc, order);
      case "signal":
        return this.#documents.get(order.doc)?.signal(order.name, order.data);
      case "present":
        return this.#documents.get(order.doc)?.presence.set(order.meta);
      case "watch":
        return this.#watch(order.doc);
      case "close":
        this.#documents.get(order.doc)?.close();
        this.#documents.delete(order.doc);
        return;
      case "send":
        return void this.#send(order);
      case "query":
        return void this.#query(order);
      case "abort":
        return this.#aborts.get(order.call)?.abort();
      case "probe":
        return void this.#probe(order.call, this.#documents.get(order.doc));
      case "disconnect":
        return this.#tide.close();
    }
  }

  #open(name: string, { create, presence }: { readonly create?: unknown; readonly presence?: unknown }): void {
    const [type, key] = partsOf(name);
    const document = this.#tide.open(type, key, {
      ...(create === undefined ? {} : { create }),
      ...(presence === undefined ? {} : { presence }),
    });
    this.#documents.set(name, document);
    document.subscribe((state, { cause, at }) => say({ saw: "state", doc: name, ...at, cause, state }));
    for (const event of EVENTS) {
      document.on(event, (data, { seq }) => say({ saw: "event", doc: name, name: event, data, seq }));
    }
    document.on("gap", ({ from, to }) => say({ saw: "gap", doc: name, from, to }));
    const tell = (): void => {
      const { code } = document.error ?? {};
      say({ saw: "document", doc: name, status: document.status, ...(code === undefined ? {} : { code }) });
    };
    document.onStatus(tell);
    if (document.status !== "connecting") tell();
    document.onSignal("wave", (data, from) => say({ saw: "signal", doc: name, name: "wave", data, from }));
    if (presence !== undefined) this.#watch(name);
  }

  #watch(name: string): void {
    this.#documents.get(name)?.presence.subscribe(({ peers, count }) => {
      const present = peers.map(({ peer, you, meta }) => ({ peer, you, meta }));
      say({ saw: "presence", doc: name, peers: present.sort((a, b) => (a.peer < b.peer ? -1 : 1)), count });
    });
  }

  async #send(order: Asked): Promise<void> {
    const [type, key] = partsOf(order.doc);
    const senders = this.#documents.get(order.doc)?.send ?? this.#tide.call(type, key);
    const send = senders[order.name];
    if (send === undefined) return;
    const sent: Sent<unknown> = send(order.input, this.#options(order));
    await answer(order.call, sent, async () => ({ seq: (await sent.receipt).seq }));
  }

  async #query(order: Asked): Promise<void> {
    const ask = this.#documents.get(order.doc)?.query[order.name];
    if (ask === undefined) return say({ saw: "error", message: `${order.doc} is not open` });
    await answer(order.call, ask(order.input, this.#options(order)), async () => ({}));
  }

  async #probe(name: string, document: Document | undefined): Promise<void> {
    const probing = document?.probe() ?? Promise.reject(new TidemarkError("not_found"));
    const found = probing.then(({ seq, head }) => ({ seq, head }));
    await answer(name, found, async () => ({}));
  }

  #options({ call: name, deadlineMs }: Asked): CallOptions {
    const abort = new AbortController();
    this.#aborts.set(name, abort);
    return { signal: abort.signal, ...(deadlineMs === undefined ? {} : { deadlineMs }) };
  }
}

async function answer(name: string, asked: Promise<unknown>, more: () => Promise<object>): Promise<void> {
  try {
    const result = await asked;
    say({ saw: "answer", call: name, outcome: "ok", ...(result === undefined ? {} : { result }), ...(await more()) });
  } catch (error) {
    if (!(error instanceof TidemarkError)) return say({ saw: "error", message: String(error) });
    const { outcome, code, reason, data } = error;
    say({ saw: "answer", call: name, outcome, code, ...(reason === undefined ? {} : { reason }), data });
  }
}

function partsOf(name: string): readonly [type: string, key: string] {
  const [type = "", key = ""] = name.split("/");
  return [type, key];
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function obey(driven: Driven | undefined, line: string): Driven | undefined {
  const order = command.parse(JSON.parse(line));
  if (order.command === "connect") return new Driven(order);
  driven?.obey(order);
  if (order.command !== "disconnect") return driven;
  // Behind the answers of the calls that were ended by it.
  setImmediate(() => say({ saw: "disconnected" }));
  return undefined;
}

// What a client cannot read it reports to the program it runs in: by an error that nobody catches.
process.on("uncaughtException", (error) => say({ saw: "report", message: String(error) }));
let driven: Driven | undefined;
const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  try {
    driven = obey(driven, line);
  } catch (error) {
    say({ saw: "error", message: `${String(error)}: ${line}` });
  }
});
input.on("close", () => process.exit(0));
say({ saw: "ready" });
