// Many sessions of a server without sockets, in this process: the built rooms over a memory store, and wires that count what
// is written to them. What it measures is the server's own work, not the kernel's.
import { jsonCodec, LIMITS, type Piece } from "@tidemark/protocol";
import { z } from "zod";
import { makeAuthenticator } from "../../dist/auth/authenticator.js";
import { resolveApp } from "../../dist/document/definition/define-app.js";
import type { HostReport } from "../../dist/document/host-report.js";
import { LocalDocuments } from "../../dist/document/local-documents.js";
import { defineApp, documentType } from "../../dist/index.js";
import { systemRuntime as runtime } from "../../dist/runtime/system-runtime.js";
import { FanOuts } from "../../dist/session/fan-out.js";
import { Flusher } from "../../dist/session/flusher.js";
import { Session } from "../../dist/session/session.js";
import type { SessionParts } from "../../dist/session/session-parts.js";
import { SessionRegistry } from "../../dist/session/session-registry.js";
import type { OutgoingFrame, Wire } from "../../dist/session/wire.js";
import { MemoryDisk } from "../../dist/storage/memory/memory-disk.js";
import { MemoryStore } from "../../dist/storage/memory/memory-store.js";

const lounge = documentType({
  state: z.object({ topic: z.string() }),
  presence: z.object({ name: z.string() }),
  init: () => ({ topic: "tea" }),
  canCreate: () => true,
  messages: () => ({}),
});

const app = resolveApp(defineApp({ documents: { lounge }, authenticate: (token) => ({ id: token }) }));

/** How many a shared frame says are present, read once for all. */
const counts = new WeakMap<OutgoingFrame, number>();

function countOf(frame: OutgoingFrame): number | undefined {
  const known = counts.get(frame);
  if (known !== undefined) return known;
  const text = String(frame.pieces[0]);
  if (!text.startsWith('["pres"')) return undefined;
  const count = Number(/"count":(\d+)/.exec(text)?.[1]);
  counts.set(frame, count);
  return count;
}

/** One client's end: it takes everything at once. */
export class CountingWire implements Wire {
  readonly codec = jsonCodec;
  readonly loopback = true;
  readonly bufferedBytes = 0;
  readonly receivedBytes = 0;
  bytes = 0;
  frames = 0;
  /** How many it was last told are present. */
  present = 0;

  writeMessage(piece: Piece): void {
    this.bytes += piece.length + 2;
    this.frames += 1;
  }

  write(frames: readonly OutgoingFrame[]): void {
    for (const frame of frames) {
      this.bytes += frame.bytes + 2;
      this.frames += 1;
      this.present = countOf(frame) ?? this.present;
    }
  }

  close(code: number, reason: string): void {
    throw new Error(`closed with ${code}: ${reason}`);
  }
}

/** One client of one person. */
export interface Member {
  readonly wire: CountingWire;
  readonly session: Session;
}

function fail(...what: readonly unknown[]): never {
  throw new Error(what.map(String).join(" "));
}
const report: HostReport = { handlerFailed: fail, documentUnreadable: fail, commitLost: fail, loadFailed: fail };

/** A server for as many. */
export class Crowd {
  readonly #parts: SessionParts;
  #people = 0;

  constructor() {
    const store = new MemoryStore({ disk: new MemoryDisk(), runtime });
    const fanOuts = new FanOuts(runtime);
    const audience = fanOuts.create.bind(fanOuts);
    const { types, authenticate } = app;
    this.#parts = {
      runtime,
      fanOuts,
      documents: new LocalDocuments({ types, store, runtime, audience, report, idleMs: LIMITS.idleUnloadMs }),
      flusher: new Flusher(runtime),
      registry: new SessionRegistry(),
      identify: makeAuthenticator({ authenticate, devTokens: false, runtime, onFailed: fail }),
      serverId: "crowd",
      // Nobody answers pings here.
      pingIntervalMs: 3_600_000,
      watchdogMs: 3_600_000,
    };
  }

  /** Welcomes somebody new. */
  async greet(): Promise<Member> {
    this.#people += 1;
    const client = this.#people.toString(16).padStart(32, "0");
    const wire = new CountingWire();
    const session = new Session(this.#parts, wire);
    session.receive([["hello", { v: 1, token: `person-${this.#people}`, client, conn: 1, sdk: "bench/1", caps: [] }]]);
    while (!session.isKnown) await new Promise<void>((resolve) => runtime.defer(resolve));
    return { wire, session };
  }
}

/** Follows the document of all, and is seen there. */
export function join({ session }: Member, name: string): void {
  session.receive([["open", { s: 1, doc: "lounge/all", create: true, presence: { name } }]]);
}
