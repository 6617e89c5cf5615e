// Who sends an HTTP request: the token of its Authorization header, checked as a socket's is, before a byte of its body
// is read (R16), and at every request anew (R17). Tokens are never taken from an address, and never logged.
import { LIMITS, TidemarkError } from "@tidemark/protocol";
import type { FastifyRequest } from "fastify";
import type { Identified, IdentityCheck } from "../session/identity.js";
import { isFromHere, type OriginRules } from "../session/origins.js";

const BEARER = /^Bearer ([\x21-\x7e]+)$/i;
const AFTER_MS = 1_000;

/** The senders of requests. */
export class Senders {
  readonly #identify: IdentityCheck;
  readonly #rules: OriginRules;
  #asking = 0;

  constructor(identify: IdentityCheck, rules: OriginRules) {
    this.#identify = identify;
    this.#rules = rules;
  }

  /** Who sends it. Rejects with TidemarkError `unauthenticated`, or `overloaded` when too many are being asked about. */
  async identify(request: FastifyRequest): Promise<Identified> {
    const token = BEARER.exec(request.headers.authorization ?? "")?.[1];
    if (token === undefined || token.length > LIMITS.tokenLengthMax) throw new TidemarkError("unauthenticated");
    if (this.#asking >= LIMITS.newcomersMax) throw new TidemarkError("overloaded", { afterMs: AFTER_MS });
    this.#asking += 1;
    const identity = await this.#identify(token, this.#sourceOf(request)).finally(() => {
      this.#asking -= 1;
    });
    if (identity === undefined || identity === "revoked") throw new TidemarkError(identity ?? "unauthenticated");
    return identity;
  }

  #sourceOf(request: FastifyRequest): Parameters<IdentityCheck>[1] {
    // A browser sends no origin with what a page reads from its own host, whatever that name was bent to.
    return { loopback: isFromHere(this.#rules, request.raw), isAwaited: () => !request.socket.destroyed };
  }
}
