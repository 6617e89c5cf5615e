// One connection of a session bench that follows one document with the real client's replica, and compares what it
// holds with the truth after every frame. It never forgives: see `violations`. Every frame it was sent is kept as text.

import { isDeepStrictEqual } from "node:util";
import {
  type Codec,
  type HeldPosition,
  type Json,
  type JsonObject,
  LIMITS,
  type Opened,
  type PartMessage,
  type ServerMessage,
  type SnapMessage,
  type StateSlice,
  type WireEvent,
} from "@tidemark/protocol";
import { Replica } from "../../clients/typescript/src/stream/replica.js";
import { type BenchClient, call, type SessionBench } from "./session-bench.js";

export interface ViewerOptions {
  readonly bench: SessionBench;
  /** The token, which is the name. */
  readonly who: string;
  /** `type/key`. */
  readonly doc: string;
  readonly codec: Codec;
  readonly params?: JsonObject;
  /** The pace it asks for. */
  readonly every?: number;
  /** What this viewer must see at a seq; undefined: nothing is known of it. */
  readonly truth: (viewer: Viewer, seq: number) => Json | undefined;
}

/** 32 hex digits for the next client. */
let clients = 0;
const clientId = (): string => (++clients).toString(16).padStart(32, "0");

export class Viewer {
  readonly violations: string[] = [];
  /** Every frame, as text, with the group whose frames this viewer may get at that time. */
  readonly tagged: { readonly group: string; readonly text: string }[] = [];
  readonly events: WireEvent[] = [];
  readonly opened: Opened[] = [];
  readonly answers: ServerMessage[] = [];
  endedWith: string | undefined;
  gaps = 0;
  /** Where its history begins. */
  firstSeq: number | undefined;
  /** Snapshots that came in parts. */
  partsRead = 0;
  /** Frames after which a whole state was compared. */
  compared = 0;
  /** The token it last gave. */
  who: string;
  replica = new Replica();
  readonly #options: ViewerOptions;
  readonly #client = clientId();
  #conn = 0;
  #connection: BenchClient | undefined;
  #handles: readonly number[] = [];
  #s = 0;
  #group = "";
  #n = 0;
  #running = false;
  #isClosed = false;
  #healing = false;
  /** By handle: a snapshot of which not all parts have come. */
  readonly #parts = new Map<number, { readonly snap: AnnouncedSnap; readonly slices: StateSlice[] }>();

  constructor(options: ViewerOptions) {
    this.#options = options;
    this.who = options.who;
  }

  /** Every frame, as text. */
  get frames(): string[] {
    return this.tagged.map(({ text }) => text);
  }

  /** What stands behind the `@` of the token that is in force for its stream. */
  get group(): string {
    return this.#group;
  }

  /** It follows, as far as it knows. */
  get isOpen(): boolean {
    return this.#running;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** The state it shows. */
  get state(): Json | undefined {
    return this.replica.state;
  }

  /** Its connection's end. */
  get connection(): BenchClient {
    if (this.#connection === undefined) throw new Error("not connected");
    return this.#connection;
  }

  async connect(): Promise<void> {
    this.#conn += 1;
    const { bench, codec } = this.#options;
    this.#connection = await bench.greeted(this.who, { client: this.#client, conn: this.#conn, codec });
    this.#s = 0;
  }

  /** Follows the document, from what it holds. */
  open(extra: { create?: Json; at?: readonly HeldPosition[]; heal?: boolean } = {}): void {
    const { doc, params, every } = this.#options;
    this.#s += 1;
    this.#parts.clear();
    this.#group = groupOf(this.who);
    this.#running = false;
    this.#isClosed = false;
    this.endedWith = undefined;
    this.#healing = extra.heal === true;
    const held = this.replica.held?.map(([epoch, seq, tag]): HeldPosition => [epoch, seq, this.#healing ? "!" : tag]);
    const at = extra.at ?? held;
    this.connection.say([
      "open",
      {
        s: this.#s,
        doc,
        ...(at === undefined ? {} : { at }),
        ...(params === undefined ? {} : { params }),
        ...(every === undefined ? {} : { every }),
        ...(extra.create === undefined ? {} : { create: extra.create }),
      },
    ]);
  }

  /** Stops following on this connection. */
  close(): void {
    this.connection.say(["close", this.#s]);
    this.#parts.clear();
    this.#handles = [];
    this.#running = false;
    this.#isClosed = true;
  }

  /** The connection is cut; what was on its way is gone. */
  cut(): void {
    this.#parts.clear();
    this.#connection?.drop();
    this.#connection = undefined;
    this.#handles = [];
    this.#running = false;
  }

  /** Calls the document; returns n. */
  send(name: string, input: Json = null): number {
    this.#n += 1;
    const { bench, doc } = this.#options;
    this.connection.say(call(this.#n, doc, name, input, { born: bench.runtime.now() }));
    return this.#n;
  }

  /** Another token of the same subject. */
  auth(token: string): void {
    this.who = token;
    this.connection.say(["auth", { token }]);
  }

  /** Reads everything that has come. */
  pump(): void {
    if (this.#connection === undefined) return;
    for (const frames of this.#connection.wire.writes.splice(0)) for (const frame of frames) this.#read(frame);
  }

  #read(frame: readonly ServerMessage[]): void {
    for (const message of frame) this.#receive(message);
    this.tagged.push({ group: this.#group, text: JSON.stringify(frame) });
    const update = this.replica.takeUpdate();
    if (update?.gap !== undefined) this.gaps += 1;
    for (const { name, data, at } of update?.events ?? []) this.events.push([at.seq, 0, name, data]);
    if (this.#running) this.#compare();
  }

  #receive(message: ServerMessage): void {
    switch (message[0]) {
      case "opened":
        return this.#open(message[1]);
      case "snap":
        if (isAnnounced(message)) return this.#announced(message);
        return this.#fits(message[1], "snap", (layer) => this.replica.snap(layer, message));
      case "part":
        return this.#part(message);
      case "d":
        if (this.#parts.size > 0 && this.#handles.includes(message[1])) this.#wrong("a delta between parts");
        return this.#fits(message[1], "d", (layer) => this.replica.delta(layer, message));
      case "ended":
        if (message[1].s !== this.#s) return;
        this.endedWith = message[1].code;
        this.#running = false;
        return;
      case "ok":
        this.answers.push(message);
        // Of its own document.
        if (message[1] > this.#n) return;
        return this.#covered(message[2]?.[1] ?? 0);
      case "ping":
        this.#connection?.say(["pong", message[1], message[2]]);
        return this.#heads(message[2]);
      case "pong":
        return this.#heads(message[2]);
      default:
        this.answers.push(message);
    }
  }

  #open(opened: Opened): void {
    if (opened.s !== this.#s || this.#isClosed) return;
    this.opened.push(opened);
    this.#parts.clear();
    this.#group = groupOf(this.who);
    if (!this.replica.opened(opened, { running: this.#running, again: this.#running, healing: this.#healing }))
      this.#wrong("opened does not fit");
    this.#handles = opened.h;
    this.#running = true;
    this.#healing = false;
  }

  #announced(snap: AnnouncedSnap): void {
    if (this.#handles.includes(snap[1])) this.#parts.set(snap[1], { snap, slices: [] });
  }

  #part([, handle, index, slice]: PartMessage): void {
    const awaited = this.#parts.get(handle);
    if (awaited === undefined)
      return this.#handles.includes(handle) ? this.#wrong("a part nobody announced") : undefined;
    const { snap, slices } = awaited;
    if (index !== slices.length) this.#wrong(`part ${index} came as ${slices.length}`);
    slices.push(slice);
    const [, , epoch, seq, , { bytes, parts }] = snap;
    if (slices.length < parts) return;
    this.#parts.delete(handle);
    this.partsRead += 1;
    const { codec } = this.#options;
    if (slices.reduce((sum, one) => sum + codec.sliceBytes(one), 0) !== bytes) this.#wrong("parts of another length");
    const state = codec.joinState(slices, { bytesMax: LIMITS.frameBytesCeiling, depthMax: LIMITS.depthMax });
    this.#fits(handle, "parts", (layer) => this.replica.snap(layer, ["snap", handle, epoch, seq, state]));
  }

  #fits(handle: number, what: string, apply: (layer: number) => boolean): void {
    const layer = this.#handles.indexOf(handle);
    if (layer !== -1 && !apply(layer)) this.#wrong(`${what} does not fit layer ${layer}`);
  }

  #covered(seq: number): void {
    const at = this.replica.position;
    if (this.#running && (at === undefined || at.seq < seq || !this.replica.whole))
      this.#wrong(`ok of ${seq} came at ${at?.seq}`);
  }

  #heads(heads: readonly number[]): void {
    for (let index = 0; index < heads.length; index += 3) {
      const layer = this.#handles.indexOf(heads[index] ?? -1);
      const held = layer === -1 ? undefined : this.replica.head(layer);
      if (layer !== -1 && this.#parts.size > 0) this.#wrong("heads of what comes in parts");
      if (held === undefined) continue;
      if (held.epoch !== heads[index + 1] || held.seq !== heads[index + 2]) {
        this.#wrong(`heads say ${heads[index + 2]} of layer ${layer}, held is ${held.seq}`);
      }
    }
  }

  #compare(): void {
    const { replica } = this;
    const at = replica.position;
    if (!replica.whole || at === undefined) return;
    const truth = this.#options.truth(this, at.seq);
    if (truth === undefined) return this.#wrong(`at ${at.seq}, which is not durable`);
    this.firstSeq ??= at.seq;
    this.compared += 1;
    if (!isDeepStrictEqual(plain(replica.state), plain(truth))) {
      this.#wrong(`at ${at.seq} it shows ${JSON.stringify(replica.state)}, the truth is ${JSON.stringify(truth)}`);
    }
  }

  #wrong(what: string): void {
    this.violations.push(`${this.who} (${this.#options.codec.name}): ${what}`);
  }
}

type AnnouncedSnap = Extract<SnapMessage, { readonly length: 6 }>;
const isAnnounced = (message: SnapMessage): message is AnnouncedSnap => message.length === 6;

const groupOf = (who: string): string => who.split("@")[1] ?? "";

/** Without prototypes and order of keys. */
const plain = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));
