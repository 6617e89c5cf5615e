// What a session asks of authentication: who holds this token? The auth room answers.
import type { Principal } from "@tidemark/protocol";

/** Somebody who proved who they are. */
export interface Identified {
  readonly principal: Principal;
  readonly space: string;
  /** Unix ms; nothing is sent past it. */
  readonly expiresAt: number;
}

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
