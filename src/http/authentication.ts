// Who sends an HTTP request: the token of its Authorization header, checked as a socket's is, before a byte of its body
// is read (R16), and at every request anew (R17). Tokens are never taken from an address, and never logged; tickets are, at
// the one place where they are good for anything.
import { LIMITS, TidemarkError } from "@tidemark/protocol";
import type { FastifyRequest } from "fastify";
import type { Identified, IdentityCheck } from "../session/identity.js";
import { isFromHere, type OriginRules } from "../session/origins.js";
import { inPath, PREFIX, STREAM, TICKET } from "./routes.js";

const BEARER = /^Bearer ([\x21-\x7e]+)$/i;
const AFTER_MS = 1_000;

/** The token of a request; undefined: it has none, or one that can be none. */
export function bearerOf({ headers }: FastifyRequest): string | undefined {
  const token = BEARER.exec(headers.authorization ?? "")?.[1];
  return token === undefined || token.length > LIMITS.tokenLengthMax ? undefined : token;
}

/** Who shows a ticket at a document, `type/key`. */
export type TicketCheck = (ticket: string, doc: string) => Identified | "revoked" | undefined;

/** The senders of requests. */
export class Senders {
  readonly #identify: IdentityCheck;
  readonly #rules: OriginRules;
  readonly #byTicket: TicketCheck;
  #asking = 0;

  constructor(identify: IdentityCheck, byTicket: TicketCheck, rules: OriginRules) {
    this.#identify = identify;
    this.#byTicket = byTicket;
    this.#rules = rules;
  }

  /** Who sends it. Rejects with TidemarkError `unauthenticated`, or `overloaded` when too many are being asked about. */
  async identify(request: FastifyRequest): Promise<Identified> {
    const identity = this.#shown(request) ?? (await this.#ask(request));
    if (identity === "unknown" || identity === "revoked")
      throw new TidemarkError(identity === "revoked" ? identity : "unauthenticated");
    return identity;
  }

  /** By a ticket; undefined: none is shown. */
  #shown(request: FastifyRequest): Identified | "revoked" | "unknown" | undefined {
    if (request.routeOptions.url !== `${PREFIX}${STREAM}`) return undefined;
    const { query } = request;
    const ticket: unknown = typeof query === "object" && query !== null ? Reflect.get(query, TICKET) : undefined;
    if (typeof ticket !== "string") return undefined;
    return this.#byTicket(ticket, `${inPath(request, "type")}/${inPath(request, "key")}`) ?? "unknown";
  }

  async #ask(request: FastifyRequest): Promise<Identified | "revoked" | "unknown"> {
    const token = bearerOf(request);
    if (token === undefined) throw new TidemarkError("unauthenticated");
    if (this.#asking >= LIMITS.newcomersMax) throw new TidemarkError("overloaded", { afterMs: AFTER_MS });
    this.#asking += 1;
    const identity = await this.#identify(token, this.#sourceOf(request)).finally(() => {
      this.#asking -= 1;
    });
    return identity ?? "unknown";
  }

  #sourceOf(request: FastifyRequest): Parameters<IdentityCheck>[1] {
    // A browser sends no origin with what a page reads from its own host, whatever that name was bent to.
    return { loopback: isFromHere(this.#rules, request.raw), isAwaited: () => !request.socket.destroyed };
  }
}
