// What holds of a client whatever the dialogue is about: hello first, numbers that rise, a call that is the same each
// time it is sent. A breach is a fault with the number of its rule.
import {
  type CallMessage,
  type ClientMessage,
  canonicalJson,
  FrameError,
  type Hello,
  type Json,
  type JsonObject,
  jsonEquals,
  type Open,
  parseClientMessage,
} from "@tidemark/protocol";
import { systemRuntime } from "../../../src/runtime/system-runtime.js";
import { Failure } from "../dialogue/failure.js";
import { shown } from "../dialogue/pattern.js";

interface SentCall {
  readonly name: string;
  readonly input: Json;
  readonly born: number;
}

/** A minute, but for what sockets and timers make of it. */
const STATS_EVERY_MS = 59_000;

/** All connections of one client. */
export class ClientRules {
  readonly #calls = new Map<number, SentCall>();
  #client: string | undefined;
  #conn = -1;
  #statsAtMs: number | undefined;
  /** By rising n, as far as they were sent. */
  #bornMs = { n: 0, born: 0 };

  hello({ client, conn }: Hello): void {
    this.#client ??= client;
    if (client !== this.#client) broken("HELLO-5", `client ${this.#client} for all its connections`, client);
    if (conn <= this.#conn) broken("HELLO-5", `conn above ${this.#conn}`, String(conn));
    this.#conn = conn;
  }

  /** `stats` of a ping, `atMs` by the runner's monotonic clock. */
  stats(stats: JsonObject, atMs: number): void {
    const early = this.#statsAtMs !== undefined && atMs - this.#statsAtMs < STATS_EVERY_MS;
    if (early) broken("HEAD-5", "stats at most once a minute", shown(stats));
    if (!Object.values(stats).every((value) => typeof value === "number" && value >= 0)) {
      broken("HEAD-5", "stats that are numbers by name", shown(stats));
    }
    this.#statsAtMs = atMs;
  }

  call([, n, , name, input, { born, low, q }]: CallMessage): void {
    const first = this.#calls.get(n);
    if (first === undefined) return this.#first(n, { name, input, born });
    if (first.name !== name || !jsonEquals(first.input, input)) {
      broken("REQ-5", `call ${n} as it was first sent: ${first.name} ${shown(first.input)}`, `${name} ${shown(input)}`);
    }
    if (first.born !== born) broken("REQ-16", `call ${n} with its first born ${first.born}`, String(born));
    if (q === undefined && low !== undefined && low > n) broken("REQ-7", `low of call ${n} up to ${n}`, String(low));
  }

  #first(n: number, call: SentCall): void {
    this.#calls.set(n, call);
    if (n < this.#bornMs.n) return;
    if (call.born < this.#bornMs.born)
      broken("REQ-16", `born of call ${n} from ${this.#bornMs.born}`, String(call.born));
    this.#bornMs = { n, born: call.born };
  }
}

/** One connection of a client. */
export class ConnectionRules {
  readonly #client: ClientRules;
  readonly #open = new Map<number, string>();
  #greeted = false;
  #welcomed = false;
  #s = -1;

  constructor(client: ClientRules) {
    this.#client = client;
  }

  /** The server has said welcome. */
  welcomed(): void {
    this.#welcomed = true;
  }

  /** The server has ended a subscription. */
  ended(s: number): void {
    this.#open.delete(s);
  }

  heard(raw: Json): ClientMessage {
    const message = parsed(raw);
    if (!this.#greeted && message[0] !== "hello") broken("HELLO-1", "hello first", shown(raw));
    switch (message[0]) {
      case "hello":
        if (this.#greeted) broken("HELLO-1", "one hello", "two");
        this.#greeted = true;
        this.#client.hello(message[1]);
        break;
      case "open":
        this.#opens(message[1]);
        break;
      case "close":
        this.#open.delete(message[1]);
        break;
      case "c":
        this.#client.call(message);
        break;
      case "ping": {
        const stats = message[3]?.stats;
        if (stats !== undefined) this.#client.stats(stats, systemRuntime.monotonicMs());
        break;
      }
      default:
        break;
    }
    if (!this.#welcomed && message[0] !== "hello") broken("HELLO-1", "nothing but hello before welcome", shown(raw));
    return message;
  }

  #opens({ s, doc: name, params }: Open): void {
    const doc = `${name} ${canonicalJson(params ?? {})}`;
    if (s <= this.#s) broken("OPEN-2", `s above ${this.#s}`, String(s));
    this.#s = s;
    if ([...this.#open.values()].includes(doc)) broken("OPEN-2", `${doc} to be opened once`, "a second open");
    this.#open.set(s, doc);
  }
}

function broken(rule: string, expected: string, came: string): never {
  throw new Failure({ rule, expected, came });
}

function parsed(raw: Json): ClientMessage {
  try {
    return parseClientMessage(raw);
  } catch (error) {
    if (!(error instanceof FrameError)) throw error;
    throw new Failure({ rule: "FRAME-8", expected: "a message of its shape", came: `${shown(raw)}: ${error.message}` });
  }
}
