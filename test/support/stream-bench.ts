// A session bench for streams that are slow, come in parts or keep a pace: one document type whose state grows as the
// test wants, the truth at every seq, and viewers on sockets that can be throttled.
import { type Codec, type Json, type JsonObject, jsonCodec } from "@tidemark/protocol";
import { z } from "zod";
import { type DocumentType, documentType } from "../../src/index.js";
import { MemoryDisk } from "../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../src/storage/memory/memory-store.js";
import { nameKey } from "../../src/storage/name-key.js";
import { ControlledStore } from "./controlled-store.js";
import { fold } from "./document-bench.js";
import { SessionBench } from "./session-bench.js";
import { Viewer } from "./viewer.js";

/** What documents of this bench hold. */
export interface Page {
  readonly texts: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
}

const state = z.object({ texts: z.record(z.string(), z.string()), secrets: z.record(z.string(), z.string()) });
const base = {
  state,
  canCreate: () => true,
  canDelete: () => true,
  init: () => ({ texts: {}, secrets: {} }),
} as const;

/** Followers share its log. */
export const page = documentType({
  ...base,
  events: { said: { data: z.string() } },
  messages: (message) => ({
    /** Sets a text of so many copies of a word. */
    fill: message(z.object({ key: z.string(), word: z.string(), times: z.number() }), (ctx, { key, word, times }) => {
      ctx.state.texts[key] = word.repeat(times);
    }),
    set: message(z.object({ key: z.string(), text: z.string() }), (ctx, { key, text }) => {
      ctx.state.texts[key] = text;
    }),
    append: message(z.object({ key: z.string(), text: z.string() }), (ctx, { key, text }) => {
      ctx.state.texts[key] = (ctx.state.texts[key] ?? "") + text;
    }),
    drop: message(z.string(), (ctx, key) => {
      delete ctx.state.texts[key];
    }),
    say: message(z.string(), (ctx, text) => ctx.emit("said", text)),
    touch: message(() => undefined),
  }),
});

/** The same texts for all; `mine` shows one secret. */
export const book = documentType({
  ...base,
  events: { said: { data: z.string() } },
  shared: ({ texts }) => ({ texts }),
  mine: { key: (viewer) => String(viewer.claims["group"] ?? ""), of: ({ secrets }, key) => secrets[key] ?? null },
  messages: (message) => ({
    fill: message(z.object({ key: z.string(), word: z.string(), times: z.number() }), (ctx, { key, word, times }) => {
      ctx.state.texts[key] = word.repeat(times);
    }),
    set: message(z.object({ key: z.string(), text: z.string() }), (ctx, { key, text }) => {
      ctx.state.texts[key] = text;
    }),
    append: message(z.object({ key: z.string(), text: z.string() }), (ctx, { key, text }) => {
      ctx.state.texts[key] = (ctx.state.texts[key] ?? "") + text;
    }),
    drop: message(z.string(), (ctx, key) => {
      delete ctx.state.texts[key];
    }),
    say: message(z.string(), (ctx, text) => ctx.emit("said", text)),
    touch: message(() => undefined),
    hide: message(z.object({ key: z.string(), word: z.string(), times: z.number() }), (ctx, { key, word, times }) => {
      ctx.state.secrets[key] = word.repeat(times);
    }),
  }),
});

/** As `page`, at a pace of its own. */
export const slowPage = documentType({
  ...base,
  everyMs: 500,
  messages: (message) => ({
    set: message(z.object({ key: z.string(), text: z.string() }), (ctx, { key, text }) => {
      ctx.state.texts[key] = text;
    }),
  }),
});

/** Who is a group, in a token such as `ann@g1`. */
const identify = (token: string) => {
  const [id = "", group = ""] = token.split("@");
  return { principal: { id, roles: [], claims: { group } }, space: "", expiresAt: 1_800_000_000_000 };
};

/** One server with documents `page/x` and `book/x`. */
export class StreamBench {
  readonly disk = new MemoryDisk();
  readonly store = new ControlledStore(
    new MemoryStore({ disk: this.disk, runtime: { now: () => 1_700_000_000_000, random: () => 0.5 } }),
  );
  readonly bench: SessionBench;
  readonly viewers: Viewer[] = [];

  constructor(types: Readonly<Record<string, DocumentType>> = { page, book, slowPage }) {
    this.bench = new SessionBench({ types, store: this.store, identify });
  }

  /** The durable log. */
  rows(type: string, key = "x") {
    return this.disk.documents.get(nameKey({ space: "", type, key }))?.rowsAfter(0) ?? [];
  }

  /** The state at a seq; undefined: it is not durable. */
  stateAt(type: string, seq: number, key = "x"): Page | undefined {
    const log = this.rows(type, key);
    if (seq > log.length) return undefined;
    return log.slice(0, seq).reduce<Json>((held, { operations }) => fold(held, operations), null) as unknown as Page;
  }

  viewer(who: string, options: { doc?: string; codec?: Codec; every?: number; params?: JsonObject } = {}): Viewer {
    const { doc = "page/x", codec = jsonCodec, ...rest } = options;
    const [type = "", key = ""] = doc.split("/");
    const truth = (each: Viewer, seq: number): Json | undefined => {
      const held = this.stateAt(type, seq, key);
      if (held === undefined || type !== "book") return held as unknown as Json | undefined;
      return { texts: held.texts, mine: held.secrets[each.group] ?? null };
    };
    const viewer = new Viewer({ bench: this.bench, who, doc, codec, truth, ...rest });
    this.viewers.push(viewer);
    return viewer;
  }

  /** A viewer that follows. */
  async opened(who: string, options: Parameters<StreamBench["viewer"]>[1] = {}): Promise<Viewer> {
    const viewer = this.viewer(who, options);
    await viewer.connect();
    viewer.open({ create: true });
    await this.turn();
    return viewer;
  }

  /** Time passes; everybody reads. */
  async pass(ms: number): Promise<void> {
    await this.bench.runtime.advance(ms);
    await this.turn();
  }

  /** Everything that is ready happens, and everybody reads. */
  async turn(): Promise<void> {
    await this.bench.settle();
    for (const viewer of this.viewers) viewer.pump();
  }

  /** The peer of a throttled viewer takes what there is, again and again, until nothing more comes. */
  async drain(viewer: Viewer, bytes = Number.MAX_SAFE_INTEGER): Promise<void> {
    const { wire } = viewer.connection;
    do {
      wire.takes(bytes);
      await this.turn();
    } while (wire.bufferedBytes > 0);
  }
}
