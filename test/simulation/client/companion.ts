// One client among the others: what it shows of each document, what it is told of those present, and the waves that it
// sends and hears. Whatever the rules say of a single wave is seen here at once.
import type { OpenDocument } from "../../../clients/typescript/src/api/document.js";
import type { SimulatedApp } from "../app/app.js";
import { COMPANY_DOCUMENTS, type Shown } from "../app/company.js";
import type { CompanyStanding, Wave } from "../history/history.js";

/** Whose companion it is. */
export interface CompanionParts {
  readonly name: string;
  readonly subject: string;
  /** Every wave of the run. */
  readonly waves: Wave[];
  readonly nowMs: () => number;
  readonly problem: (rule: string, text: string) => void;
}

type Opened = OpenDocument<SimulatedApp, string>;

/** One client's part. */
export class Companion {
  readonly #parts: CompanionParts;
  readonly #shown = new Map<string, Shown>();
  readonly #documents = new Map<string, Opened>();
  #count = 0;

  constructor(parts: CompanionParts) {
    this.#parts = parts;
  }

  /** What to show with the opening of a document; undefined: nothing. */
  shows(documentId: string): Shown | undefined {
    if (!isCompanyOf(documentId)) return undefined;
    const shown = this.#next();
    this.#shown.set(documentId, shown);
    return shown;
  }

  /** A document was opened. */
  joins(documentId: string, document: Opened): void {
    if (!isCompanyOf(documentId)) return;
    this.#documents.set(documentId, document);
    document.presence.subscribe(() => undefined);
    const heard = new Set<string>();
    document.onSignal("wave", (data) => {
      const { id } = data as { readonly id: string };
      const wave = this.#parts.waves.find((other) => other.id === id);
      if (heard.has(id)) this.#problem("SIG-2", `${documentId}: wave ${id} is heard twice`);
      if (wave?.documentId !== documentId) this.#problem("SIG-2", `${documentId}: ${id} was not sent there`);
      if (document.status === "denied" || document.status === "ended") this.#problem("SIG-1", `${id} after the end`);
      heard.add(id);
      wave?.heardBy.push(this.#parts.name);
    });
  }

  /** It was closed. */
  leaves(documentId: string): void {
    this.#documents.delete(documentId);
    this.#shown.delete(documentId);
  }

  wave(documentId: string): void {
    const document = this.#documents.get(documentId);
    if (document?.status !== "live") return;
    this.#count += 1;
    const { name, waves, nowMs } = this.#parts;
    const id = `${name}.w${this.#count}`;
    waves.push({ id, documentId, client: name, atMs: nowMs(), heardBy: [] });
    document.signal("wave", { id });
  }

  show(documentId: string): void {
    const document = this.#documents.get(documentId);
    if (document === undefined) return;
    const shown = this.#next();
    this.#shown.set(documentId, shown);
    document.presence.set(shown);
  }

  hide(documentId: string): void {
    this.#shown.delete(documentId);
    this.#documents.get(documentId)?.presence.set(null);
  }

  /** What it shows and is told of each document that it follows. */
  standings(): CompanyStanding[] {
    const { name, subject } = this.#parts;
    return [...this.#documents].map(([documentId, { presence, status }]) => ({
      client: name,
      subject,
      documentId,
      status,
      shown: this.#shown.get(documentId),
      present: presence.peers.map(({ meta }) => meta),
      count: presence.count,
    }));
  }

  #next(): Shown {
    this.#count += 1;
    return { who: this.#parts.subject, n: this.#count };
  }

  #problem(rule: string, text: string): void {
    this.#parts.problem(rule, `${this.#parts.name}: ${text}`);
  }
}

const isCompanyOf = (documentId: string): boolean => COMPANY_DOCUMENTS.some((each) => each === documentId);
