// Compares what is held of a document with what its server shows at the same position, and heals what differs: the only
// thing that finds a wrong state under a right position. Positions are the probe's business.
import { jsonEquals, TidemarkError } from "@tidemark/protocol";
import type { Audit } from "../api/document.js";
import type { Position } from "../api/position.js";
import type { Calls } from "../calls/calls.js";
import { backOffMs } from "../connection/back-off.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { Platform } from "../platform/platform.js";
import { stateOf } from "../service.js";
import type { FollowedDocument } from "./followed-document.js";

interface AuditOptions {
  readonly platform: Platform;
  readonly calls: Calls;
}

/** Rejects with TidemarkError when the document is followed no longer, or the server does not answer in time. */
export async function audit(document: FollowedDocument, { platform, calls }: AuditOptions): Promise<Audit> {
  for (let attempt = 0; ; attempt++) {
    if (document.stream.phase === "over") throw document.error ?? new TidemarkError("closed");
    const { state, at } = await stateOf(calls, document.documentId, { params: document.params });
    await reached(document, at.seq, platform);
    const { position, stream } = document;
    if (stream.phase === "live" && position?.epoch === at.epoch && position.seq === at.seq) {
      const equal = document.state !== undefined && jsonEquals(document.state, state);
      if (!equal) document.heal("audit");
      return { at, equal };
    }
    if (attempt >= CLIENT_LIMITS.auditRetries) return { at, equal: undefined };
    await new Promise<void>((resolve) => platform.setTimer(backOffMs(attempt, platform.random()), resolve));
  }
}

/** What the answer is about may be right behind it; what does not come is not waited for. */
function reached(document: FollowedDocument, seq: Position["seq"], platform: Platform): Promise<void> {
  return new Promise((resolve) => {
    const cancel = platform.setTimer(CLIENT_LIMITS.wakeGraceMs, resolve);
    document.whenReached(seq, () => {
      cancel();
      resolve();
    });
  });
}
