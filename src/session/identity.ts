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
  /** What is not among these is out of its reach, whatever types and grants say; undefined: nothing is. */
  readonly scope?: readonly Grant[] | undefined;
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

/** The same as documents know it. */
export const callerOf = ({ principal, space, grants = [], scope }: Identified): Caller => ({
  principal,
  space,
  grants,
  scope,
});

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
