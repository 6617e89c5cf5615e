// The log of a document without views, as its subscribers may know it: without hidden parts, and without events that
// are not for them. Documents that hide nothing have none of these.
import type { Json } from "@tidemark/protocol";
import type { Committed } from "../documents.js";
import type { HiddenParts } from "./hidden.js";

/** Who hears an event: asked with its data and the viewer's key. */
export type EventAudience = (data: Json, viewKey: string) => boolean;

/** The viewer key of everybody, where nobody is told apart. */
const EVERYBODY = "";

/** Hears which event's audience threw what. */
export type AudienceFailed = (event: string, error: unknown) => void;

/** What is shown of each transaction. */
export class ShownRows {
  readonly #hidden: HiddenParts | undefined;
  readonly #audiences: ReadonlyMap<string, EventAudience>;
  readonly #failed: AudienceFailed | undefined;

  constructor(
    hidden: HiddenParts | undefined,
    audiences: ReadonlyMap<string, EventAudience>,
    failed: AudienceFailed | undefined = undefined,
  ) {
    this.#hidden = hidden;
    this.#audiences = audiences;
    this.#failed = failed;
  }

  /** The same, telling what an audience throws. Only where rows are shown for the first time: a replay asks again. */
  telling(failed: AudienceFailed): ShownRows {
    return new ShownRows(this.#hidden, this.#audiences, failed);
  }

  /** A transaction as subscribers may know it; the same one when all of it is shown. */
  committed(row: Committed): Committed {
    const operations = this.operationsJson(row.operations);
    const events = this.eventsJson(row.events);
    if (operations === row.operations && events === row.events) return row;
    const { epoch, previousEpoch, seq, at, by } = row;
    return { epoch, previousEpoch, seq, at, operations, events, by };
  }

  operationsJson(text: string): string {
    return this.#hidden === undefined ? text : this.#hidden.operationsJson(text);
  }

  /** Events as the log keeps them; undefined: none is left. */
  eventsJson(text: string | undefined): string | undefined {
    if (text === undefined || this.#audiences.size === 0) return text;
    const events: readonly (readonly [string, Json])[] = JSON.parse(text);
    const heard = events.filter(([name, data]) =>
      hears(this.#audiences.get(name), data, EVERYBODY, (error) => this.#failed?.(name, error)),
    );
    if (heard.length === events.length) return text;
    return heard.length === 0 ? undefined : JSON.stringify(heard);
  }
}

/** Without an audience everybody hears an event; one that throws lets nobody hear it, and tells `failed`. */
export function hears(
  audience: EventAudience | undefined,
  data: Json,
  key: string,
  failed?: (error: unknown) => void,
): boolean {
  if (audience === undefined) return true;
  try {
    return audience(data, key);
  } catch (error) {
    failed?.(error);
    return false;
  }
}
