// What sessions are made with: the same for all of a server.
import type { Documents } from "../document/documents.js";
import type { Runtime } from "../runtime/runtime.js";
import type { FanOuts } from "./fan-out.js";
import type { Flusher } from "./flusher.js";
import type { IdentityCheck } from "./identity.js";
import type { SessionRegistry } from "./session-registry.js";

/** What all sessions of a server share. */
export interface SessionParts {
  readonly runtime: Runtime;
  readonly documents: Documents;
  readonly fanOuts: FanOuts;
  readonly flusher: Flusher;
  readonly identify: IdentityCheck;
  readonly registry: SessionRegistry;
  /** Identifies this run of the server to clients. */
  readonly serverId: string;
  readonly pingIntervalMs: number;
  readonly watchdogMs: number;
  /** How soon whoever connects must have proved who they are; default 15 s (R16). */
  readonly authDeadlineMs?: number | undefined;
}
