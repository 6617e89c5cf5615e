// The one who keeps writing while everything else falls over: one client that sends to each document in turn, at a
// steady rate, and knows what was acked.
import { connect, type OpenDocument, type Tide } from "@tidemark/client";
import type { app } from "../app.js";
import type { Held } from "./messages.js";

type App = typeof app;

/** A writer to some documents. */
export class Writer {
  readonly #tide: Tide<App>;
  readonly #documents: ReadonlyMap<string, OpenDocument<App, "sheet">>;
  readonly #sends = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;
  #failed = 0;

  private constructor(tide: Tide<App>, documents: ReadonlyMap<string, OpenDocument<App, "sheet">>) {
    this.#tide = tide;
    this.#documents = documents;
  }

  /** Creates the documents. */
  static async create(url: string, keys: readonly string[], stateBytes: number): Promise<Writer> {
    const tide = connect<App>({ url, token: "writer" });
    const documents = new Map(keys.map((key) => [key, tide.open("sheet", key, { create: { bytes: stateBytes } })]));
    for (const document of documents.values()) await reached(document, 1);
    return new Writer(tide, documents);
  }

  /** Sends this often, to each document in turn. */
  begin(perSecond: number): void {
    const all = [...this.#documents.values()];
    this.#timer = setInterval(() => {
      const document = all[this.#sent % all.length];
      if (document !== undefined) this.#send(document);
    }, 1_000 / perSecond);
  }

  /** Seqs by document that are certainly durable. */
  get heads(): { readonly [document: string]: number } {
    return Object.fromEntries([...this.#documents].map(([key, { position }]) => [key, position?.seq ?? 0]));
  }

  /** Sends nothing more. Resolves with what there is when everything sent was answered; rejects if anything was lost. */
  async finish(): Promise<{ readonly [document: string]: Held }> {
    clearInterval(this.#timer);
    await Promise.all(this.#sends);
    if (this.#failed > 0) throw new Error(`${this.#failed} of ${this.#sent} writes were not acked`);
    return Object.fromEntries([...this.#documents].map(([key, document]) => [key, held(document)]));
  }

  close(): void {
    clearInterval(this.#timer);
    this.#tide.close();
  }

  #send(document: OpenDocument<App, "sheet">): void {
    this.#sent += 1;
    const input = { key: `k${this.#sent % 20}`, at: this.#sent, value: "x".repeat(37) };
    const done = document.send.set(input).then(
      () => undefined,
      () => {
        this.#failed += 1;
      },
    );
    this.#sends.add(done);
    void done.then(() => this.#sends.delete(done));
  }
}

const held = ({ position, state }: OpenDocument<App, "sheet">): Held => ({
  seq: position?.seq ?? 0,
  state: JSON.stringify(state),
});

async function reached(document: OpenDocument<App, "sheet">, seq: number): Promise<void> {
  for await (const _state of document) if ((document.position?.seq ?? 0) >= seq) return;
}
