// How `tail` follows a document: by its view, as any viewer may, or by its log, transaction by transaction with events.
// It prints nothing: it hands on lines.
import type { OpenDocument, Tide } from "@tidemark/client";
import { TidemarkError } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import type { AnyDocuments } from "./tide.js";

/** A document of any application. */
export type FollowedDocument = OpenDocument<AnyDocuments, string>;

/** One line of `tail`. */
export interface Line {
  readonly [field: string]: unknown;
  readonly epoch: number;
  readonly seq: number;
}

/** Who takes the lines. Both answer whether that was enough. */
export interface TakeLine {
  line(line: Line): boolean;
  /** The document stands at `seq`; there may be no line for it. */
  reached(seq: number): boolean;
}

/** What to read of a log. */
export interface LogRange {
  readonly type: string;
  readonly key: string;
  /** Undefined: from where the document stands. */
  readonly after: number | undefined;
  readonly events: boolean;
  readonly runtime: Runtime;
}

const PAGE = 500;
const LOOK_AGAIN_MS = 100;

/** Rejects when the document will send nothing more: denied, deleted, not there. */
export function ended(document: FollowedDocument): Promise<never> {
  return new Promise((_, reject) => {
    const look = (): void => {
      if (document.error !== undefined) reject(document.error);
      else if (document.status === "closed") reject(new TidemarkError("closed"));
    };
    document.onStatus(look);
    look();
  });
}

/** A line for each change of the view; what came in one frame is one. Resolves when it was enough. */
export function followView(document: FollowedDocument, take: TakeLine): Promise<void> {
  return new Promise((resolve) => {
    let enough = false;
    document.subscribe((_, change) => {
      if (enough) return;
      if (change.cause === "first") {
        enough = take.reached(change.at.seq);
      } else {
        const { epoch, seq } = change.at;
        const { cause, patch } = change;
        const by = cause === "delta" ? change.by : undefined;
        const reason = cause === "reset" ? change.reason : undefined;
        enough = take.line({ epoch, seq, cause, reason, by, patch });
      }
      if (enough) resolve();
    });
  });
}

/** A line for each transaction, from the log. Resolves when it was enough. */
export async function followLog(
  tide: Tide<AnyDocuments>,
  document: FollowedDocument,
  range: LogRange,
  take: TakeLine,
): Promise<void> {
  const { type, key, events, runtime } = range;
  await movedPast(document, 0, runtime);
  let after = range.after ?? document.position?.seq ?? 0;
  while (!take.reached(after)) {
    await movedPast(document, after, runtime);
    for (const entry of await tide.service.history(type, key, { after, limit: PAGE })) {
      const { epoch, seq, at, by, patch } = entry;
      after = seq;
      if (take.line({ epoch, seq, at, by, patch, ...(events ? { events: entry.events } : {}) })) return;
    }
  }
}

/**
 * Resolves when the document stands past `seq`. A transaction that only emits changes no state, so that no listener
 * hears of it: the position is looked at now and then.
 */
async function movedPast(document: FollowedDocument, seq: number, runtime: Runtime): Promise<void> {
  while ((document.position?.seq ?? 0) <= seq) {
    await new Promise<void>((resolve) => void runtime.setTimer(LOOK_AGAIN_MS, resolve));
  }
}
