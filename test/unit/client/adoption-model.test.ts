import { type CallMessage, type ClientMessage, type ServerMessage, TidemarkError } from "@tidemark/protocol";
import { expect, test } from "vitest";
import type { Tide } from "../../../clients/typescript/src/api/tide.js";
import { createClient } from "../../../clients/typescript/src/client.js";
import { type FakeConnection, FakeServer } from "../../support/fake-server.js";
import { SharedStorage, type StoragePage } from "../../support/shared-storage.js";
import { seeded, settled, VirtualPlatform } from "../../support/virtual-platform.js";
import type { BoardApp } from "./world.js";

const SEEDS = Number(process.env.SEEDS ?? 150);
const FIRST = Number(process.env.FIRST_SEED ?? 1);
const STEPS = 150;

interface Page {
  readonly tide: Tide<BoardApp>;
  readonly platform: VirtualPlatform;
  readonly server: FakeServer;
  readonly storage: StoragePage;
}

interface Link {
  readonly page: Page;
  readonly connection: FakeConnection;
  readonly client: string;
  readonly conn: number;
  readonly inbound: ClientMessage[];
}

interface Note {
  readonly token: string;
  outcome: "pending" | "ok" | "rejected" | "unknown";
}

/** What one document knows of one client, by REQ-4 to REQ-8 and REQ-12. */
interface Window {
  conn: number;
  low: number;
  applied: number;
  readonly receipts: Map<number, { readonly token: string; readonly seq: number }>;
}

/** A browser whose pages come and go, one storage, and a server that follows the rules of requests and nothing else. */
class Run {
  readonly shared = new SharedStorage();
  readonly chance: () => number;
  readonly pages: Page[] = [];
  readonly links: Link[] = [];
  readonly notes: Note[] = [];
  /** Tokens in the order they were applied. */
  readonly applied: string[] = [];
  readonly #windows = new Map<string, Window>();
  /** What each (client, n, document) was first sent as. */
  readonly #sent = new Map<string, string>();
  readonly #gates: (() => void)[] = [];
  adopted = 0;
  #ids = 0;
  #isCalm = false;

  constructor(seed: number) {
    this.chance = seeded(seed);
    this.shared.gate = () => {
      if (this.#isCalm || this.chance() < 0.3) return Promise.resolve();
      return new Promise((resolve) => void this.#gates.push(resolve));
    };
  }

  open(): void {
    const platform = new VirtualPlatform();
    platform.random = seeded(Math.floor(this.chance() * 1e6));
    const id = ++this.#ids;
    platform.randomBytes = (length) => new Uint8Array(length).fill(id);
    const server = new FakeServer(platform);
    const storage = this.shared.page();
    const tide = createClient<BoardApp>(
      { url: "https://tide.test", token: "t", storage: storage.storage, transport: "websocket" },
      platform,
    );
    const page = { tide, platform, server, storage };
    this.pages.push(page);
    server.onMessage = (connection, message) => this.#received(page, connection, message);
    tide.service.whoami().catch(() => undefined);
  }

  call(): void {
    const page = this.#any(this.pages);
    if (page === undefined) return;
    const note: Note = { token: `t${this.notes.length}`, outcome: "pending" };
    this.notes.push(note);
    const stop = new AbortController();
    if (this.chance() < 0.1) page.platform.setTimer(this.chance() * 400, () => stop.abort());
    const options = { deadlineMs: 200 + this.chance() * 8_000, signal: stop.signal };
    page.tide
      .call("board", this.chance() < 0.6 ? "a" : "b")
      .add({ text: note.token }, options)
      .then(
        () => this.#told(page, note, "ok"),
        (error: unknown) => {
          if (!(error instanceof TidemarkError)) throw error;
          this.#told(page, note, error.outcome);
        },
      );
  }

  /** The oldest message on one of the links arrives, perhaps long after its page has gone. */
  take(): boolean {
    const link = this.#any(this.links.filter(({ inbound }) => inbound.length > 0));
    const message = link?.inbound.shift();
    if (link === undefined || message === undefined) return false;
    if (message[0] === "c") this.#call(link, message);
    return true;
  }

  crash(): void {
    const page = this.#any(this.pages);
    if (page === undefined) return;
    this.pages.splice(this.pages.indexOf(page), 1);
    page.storage.crash();
  }

  close(): void {
    const page = this.#any(this.pages);
    if (page === undefined) return;
    this.pages.splice(this.pages.indexOf(page), 1);
    page.tide.close();
  }

  cut(): void {
    const link = this.#any(this.links.filter(({ page, connection }) => connection.open && this.pages.includes(page)));
    if (link === undefined) return;
    if (this.chance() < 0.5) link.inbound.length = 0;
    link.connection.close(1006);
  }

  /** The store does what it was asked first. */
  store(): boolean {
    const pass = this.#gates.shift();
    pass?.();
    return pass !== undefined;
  }

  async advance(ms: number): Promise<void> {
    for (const { platform } of [...this.pages]) await platform.advance(ms);
    await settled();
  }

  /** One page stays, everything that was said arrives, and the store keeps up. */
  async calm(): Promise<void> {
    this.#isCalm = true;
    while (this.store()) await settled();
    while (this.pages.length > 1) this.crash();
    if (this.pages.length === 0) this.open();
    for (let round = 0; round < 60; round++) {
      await this.advance(500);
      while (this.take()) await settled();
      // A page looks around when it connects.
      if (round % 10 === 5) this.pages[0]?.server.connections.find(({ open }) => open)?.close(1006);
    }
  }

  #any<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.chance() * list.length)];
  }

  /** What a page says after it has crashed, nobody hears. */
  #told(page: Page, note: Note, outcome: "ok" | "rejected" | "unknown"): void {
    if (this.pages.includes(page)) note.outcome = outcome;
  }

  #received(page: Page, connection: FakeConnection, message: ClientMessage): void {
    if (message[0] === "hello") {
      const { client, conn } = message[1];
      this.links.push({ page, connection, client, conn, inbound: [] });
    } else this.links.find((link) => link.connection === connection)?.inbound.push(message);
  }

  #call({ page, connection, client, conn }: Link, message: CallMessage): void {
    const [, n, target, , input, { low = 0, q }] = message;
    const answers = connection.open && (this.pages.includes(page) || !this.#isCalm);
    if (q === 1) {
      if (answers) connection.send(["ok", n, null, { id: "ann", roles: [], claims: {}, expiresAt: 0 }]);
      return;
    }
    const token = String(Reflect.get(Object(input), "text"));
    const key = `${client}/${n}`;
    expect(this.#sent.get(key) ?? token).toBe(token);
    this.#sent.set(key, token);
    if (conn > 2 ** 32) this.adopted++;
    const window = this.#window(`${client}/${target}`);
    if (conn < window.conn) return;
    window.conn = conn;
    window.low = Math.max(window.low, low);
    const answer = this.#judge(window, n, token);
    // Answers of those who died in between reach nobody.
    if (answers && this.pages.includes(page)) connection.send(answer);
  }

  #judge(window: Window, n: number, token: string): ServerMessage {
    const receipt = window.receipts.get(n);
    if (receipt !== undefined) return ["ok", n, [1, receipt.seq], { id: "i" }];
    if (n < window.low) return ["unk", n, "settled", { final: true }];
    if (n < window.applied) return ["no", n, "superseded", "", { retry: "never", fault: "caller" }];
    if (!this.#isCalm && this.chance() < 0.25) return ["no", n, "denied", "", { retry: "never", fault: "caller" }];
    window.applied = n;
    this.applied.push(token);
    window.receipts.set(n, { token, seq: this.applied.length });
    return ["ok", n, [1, this.applied.length], { id: "i" }];
  }

  #window(key: string): Window {
    const window = this.#windows.get(key) ?? { conn: 0, low: 0, applied: 0, receipts: new Map() };
    this.#windows.set(key, window);
    return window;
  }
}

async function run(seed: number): Promise<Run> {
  const made = new Run(seed);
  made.open();
  for (let step = 0; step < STEPS; step++) {
    const roll = made.chance();
    if (roll < 0.06 && made.pages.length < 4) made.open();
    else if (roll < 0.3) made.call();
    else if (roll < 0.6) made.take();
    else if (roll < 0.65) made.crash();
    else if (roll < 0.67) made.close();
    else if (roll < 0.72) made.cut();
    else if (roll < 0.88) made.store();
    else await made.advance(Math.floor(made.chance() * 300));
    await settled();
  }
  await made.calm();
  return made;
}

test(`[REQ-20] [R6] [R8] pages that crash, adopt each other and crash again, seeds ${FIRST}..`, async () => {
  const seen = { ok: 0, rejected: 0, unknown: 0, pending: 0, adopted: 0 };
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    try {
      const made = await run(seed);
      expect(made.applied).toEqual([...new Set(made.applied)]);
      for (const { token, outcome } of made.notes) {
        seen[outcome]++;
        if (outcome === "ok" || outcome === "rejected") {
          expect([token, made.applied.includes(token)]).toEqual([token, outcome === "ok"]);
        }
      }
      expect([...made.shared.records]).toEqual([]);
      for (const { platform } of made.pages) expect(platform.reported).toEqual([]);
      seen.adopted += made.adopted;
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  // The schedules must have met what they are for.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(SEEDS / 10);
});
