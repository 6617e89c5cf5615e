// What a session asks of authentication: who holds this token? The auth room answers.
import type { Caller } from "../document/documents.js";

/** Somebody who proved who they are: the caller that documents know, and what its right rests on. */
export interface Identified extends Caller {
  /** What it may do about other people's tokens; undefined: all of it as a service, else nothing. */
  readonly powers?: readonly ("tokens" | "revocations")[];
  /** Unix ms; nothing is sent past it. */
  readonly expiresAt: number;
  /** The number that its token can be revoked by. */
  readonly tokenId?: string | undefined;
  /** When its token was issued, Unix ms; undefined: unknown. */
  readonly issuedAt?: number | undefined;
  /** The API key that it rests on. */
  readonly keyId?: string;
}

/** Whether two tokens of one principal let their holder do and see the same. */
export const sameRights = (a: Identified, b: Identified): boolean =>
  JSON.stringify([a.principal, a.grants ?? [], a.scope]) === JSON.stringify([b.principal, b.grants ?? [], b.scope]);

/** How a token came. */
export interface TokenSource {
  /** It came from this machine. */
  readonly loopback: boolean;
  /** Who sends it was identified before: it goes before newcomers. */
  readonly isKnown?: boolean;
  /** False once nobody waits for the answer any more. */
  readonly isAwaited?: () => boolean;
}

/** Who shows a token; undefined: nobody, or nobody any more. */
export type Verdict = Identified | "revoked" | undefined;

/** Checks a token. Never rejects; answers within 10 s of its turn, and turns may be waited for. */
export type IdentityCheck = (token: string, source: TokenSource) => Promise<Verdict>;
