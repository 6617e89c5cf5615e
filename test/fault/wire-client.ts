// A bare client of the JSON wire: it sends what it is told under numbers it can repeat, and remembers every answer. It
// never reconnects, retries or follows state by itself, so that a test decides all of it.
import { randomBytes } from "node:crypto";
import { Socket } from "node:net";
import { WebSocket } from "ws";
import type { Peer } from "./witness.js";

export type Answer =
  | { readonly kind: "ok"; readonly epoch: number; readonly seq: number; readonly result: unknown }
  | { readonly kind: "no"; readonly code: string; readonly retry: string }
  | { readonly kind: "unk"; readonly code: string };

/** One request, kept for retries under its number. */
export interface Call {
  readonly n: number;
  /** `type/key`. */
  readonly document: string;
  readonly name: string;
  readonly input: unknown;
  readonly born: number;
  /** A query takes no seq. */
  readonly query: boolean;
  answer?: Answer;
}

/** What the server showed of one document. */
export interface Followed {
  epoch: number;
  seq: number;
  /** State of the last snapshot. */
  snapshot: unknown;
}

/** Stands for every call that had no answer when its connection ended. */
export class Disconnected extends Error {}

const TTL_MS = 30_000;

interface Waiting {
  readonly call: Call;
  resolve(answer: Answer): void;
  reject(reason: Error): void;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const numbers = (value: unknown): readonly number[] =>
  Array.isArray(value) ? value.filter((one): one is number => typeof one === "number") : [];

function answerOf(message: readonly unknown[]): Answer {
  const [type, , third, fourth] = message;
  if (type === "ok") {
    const [epoch = 0, seq = 0] = numbers(third);
    return { kind: "ok", epoch, seq, result: fourth };
  }
  const details = message[4];
  if (type === "no") return { kind: "no", code: String(third), retry: isRecord(details) ? String(details.retry) : "" };
  return { kind: "unk", code: String(third) };
}

/** One client id; `connect` may be called again after the connection has ended. */
export class WireClient {
  readonly id = randomBytes(16).toString("hex");
  readonly calls: Call[] = [];
  readonly followed = new Map<string, Followed>();
  readonly #token: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #opening = new Map<number, { resolve(): void; reject(reason: Error): void }>();
  #socket: WebSocket | undefined;
  #documents = new Map<number, string>();
  #handles = new Map<number, { readonly document: string; readonly subscription: number }>();
  #connections = 0;
  #clockOffsetMs = 0;

  constructor(token: string) {
    this.#token = token;
  }

  /** Resolves after `welcome`. `peers` learns which port is this client's. */
  async connect(url: string, peers?: Map<number, Peer>): Promise<void> {
    const socket = new WebSocket(url, "tidemark.v1.json", { perMessageDeflate: false });
    this.#socket = socket;
    this.#documents = new Map();
    this.#handles = new Map();
    this.#connections += 1;
    await new Promise<void>((resolve, reject) => {
      // The server may be killed while it is still being connected to.
      socket.once("error", (error) => reject(new Disconnected(error.message)));
      socket.once("open", () => {
        // ws keeps its socket to itself; the port is the only name by which a trace knows this client.
        const inner: unknown = Reflect.get(socket, "_socket");
        const port = inner instanceof Socket ? inner.localPort : undefined;
        if (port !== undefined) peers?.set(port, { client: this.id, documents: this.#documents });
        const hello = { v: 1, token: this.#token, client: this.id, conn: this.#connections, sdk: "fault/1", caps: [] };
        this.#send(["hello", hello]);
      });
      socket.on("message", (data: Buffer) => {
        for (const message of JSON.parse(data.toString("utf8"))) this.#message(message, resolve);
      });
      socket.on("close", (code: number) => {
        const reason = new Disconnected(`the connection ended with ${code}`);
        reject(reason);
        this.#ended(reason);
      });
    });
    socket.on("error", () => {}); // A close follows, and says it.
  }

  /** Follows a document, creating it where the type allows; resolves with its first payload. */
  open(document: string): Promise<void> {
    const subscription = this.#documents.size + 1;
    this.#documents.set(subscription, document);
    return new Promise((resolve, reject) => {
      this.#opening.set(subscription, { resolve, reject });
      this.#send(["open", { s: subscription, doc: document, create: true }]);
    });
  }

  /** Sends a new request; rejects with Disconnected when the connection ends before its answer. */
  call(document: string, name: string, input: unknown): Promise<Answer> {
    return this.#first({ document, name, input, query: false });
  }

  /** Asks a new question. */
  query(document: string, name: string): Promise<Answer> {
    return this.#first({ document, name, input: null, query: true });
  }

  /** Sends a request of before once more, under its number. */
  repeat(call: Call): Promise<Answer> {
    const extension = { born: call.born, ttl: TTL_MS, ...(call.query ? { q: 1 } : {}) };
    return new Promise((resolve, reject) => {
      this.#waiting.set(call.n, { call, resolve, reject });
      this.#send(["c", call.n, call.document, call.name, call.input, extension]);
    });
  }

  /** Ends the connection and waits until it has. */
  async close(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    await new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
      socket.close();
    });
  }

  #first(asked: Pick<Call, "document" | "name" | "input" | "query">): Promise<Answer> {
    const call: Call = { ...asked, n: this.calls.length + 1, born: Date.now() + this.#clockOffsetMs };
    this.calls.push(call);
    return this.repeat(call);
  }

  #send(message: readonly unknown[]): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify([message]));
    else this.#ended(new Disconnected("the connection is closed"));
  }

  #ended(reason: Error): void {
    for (const waiting of [...this.#waiting.values(), ...this.#opening.values()]) waiting.reject(reason);
    this.#waiting.clear();
    this.#opening.clear();
  }

  #message(message: readonly unknown[], welcomed: () => void): void {
    const [type, first] = message;
    if (type === "welcome") {
      if (isRecord(first)) this.#clockOffsetMs = Number(first.now) - Date.now();
      welcomed();
    } else if (type === "ok" || type === "no" || type === "unk") this.#answered(Number(first), answerOf(message));
    else if (type === "opened" && isRecord(first)) this.#opened(first);
    else if (type === "ended" && isRecord(first)) this.#endedOne(first);
    else if (type === "snap")
      this.#saw(Number(first), { epoch: Number(message[2]), seq: Number(message[3]) }, message[4]);
    else if (type === "d") this.#saw(Number(first), { seq: Number(message[3]) });
    else if (type === "ping") this.#send(["pong", first, []]);
  }

  #answered(n: number, answer: Answer): void {
    const waiting = this.#waiting.get(n);
    if (waiting === undefined) return;
    this.#waiting.delete(n);
    waiting.call.answer = answer;
    waiting.resolve(answer);
  }

  /** A snapshot follows, maybe in a frame of its own: nothing is ever held here that could be resumed. */
  #opened(body: Record<string, unknown>): void {
    const subscription = Number(body.s);
    const document = this.#documents.get(subscription);
    if (document === undefined) return;
    for (const handle of numbers(body.h)) this.#handles.set(handle, { document, subscription });
  }

  #endedOne(body: Record<string, unknown>): void {
    this.#opening.get(Number(body.s))?.reject(new Error(`subscription ended: ${String(body.code)}`));
    this.#opening.delete(Number(body.s));
  }

  #saw(handle: number, at: { epoch?: number; seq: number }, snapshot?: unknown): void {
    const opened = this.#handles.get(handle);
    if (opened === undefined) return;
    const { document, subscription } = opened;
    const before = this.followed.get(document) ?? { epoch: 0, seq: 0, snapshot: undefined };
    this.followed.set(document, { ...before, ...at, ...(snapshot === undefined ? {} : { snapshot }) });
    if (snapshot === undefined) return;
    this.#opening.get(subscription)?.resolve();
    this.#opening.delete(subscription);
  }
}
