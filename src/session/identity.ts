// What a session asks of authentication: who holds this token? The auth room answers.
import type { Principal } from "@tidemark/protocol";
import type { Caller } from "../document/documents.js";
import type { Grant } from "../document/grants.js";

/** Somebody who proved who they are. */
export interface Identified {
  readonly principal: Principal;
  readonly space: string;
  /** What the token adds to the rules of the types; checked. */
  readonly grants?: readonly Grant[];
  /** Unix ms; nothing is sent past it. */
  readonly expiresAt: number;
}

/** The same as documents know it. */
export const callerOf = ({ principal, space, grants = [] }: Identified): Caller => ({ principal, space, grants });

/** Whether two tokens of one principal let their holder do and see the same. */
export const sameRights = (a: Identified, b: Identified): boolean =>
  JSON.stringify([a.principal, a.grants ?? []]) === JSON.stringify([b.principal, b.grants ?? []]);

/** How a token came. */
export interface TokenSource {
  /** It came from this machine. */
  readonly loopback: boolean;
  /** Who sends it was identified before: it goes before newcomers. */
  readonly isKnown?: boolean;
  /** False once nobody waits for the answer any more. */
  readonly isAwaited?: () => boolean;
}

/** Checks a token; undefined refuses. Never rejects; answers within 10 s of its turn, and turns may be waited for. */
export type IdentityCheck = (token: string, source: TokenSource) => Promise<Identified | undefined>;
