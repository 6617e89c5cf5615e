// Tickets of an edge: each stands for a token that the server has just known, and lets in once, soon, at one document.
import { type JsonObject, parseDocumentId } from "@tidemark/protocol";
import type { FastifyRequest } from "fastify";
import { ShownOnce } from "../auth/shown-once.js";
import { TICKET_PREFIX, TICKET_WITHIN_MS, type Ticket } from "../auth/tickets.js";
import type { Runtime } from "../runtime/runtime.js";
import type { Forwarding } from "./forwarding.js";
import { invalid } from "./parameters.js";
import { inPath } from "./routes.js";

interface Admission {
  readonly token: string;
  readonly doc: string;
}

/** The tickets that nobody has shown yet. */
export class EdgeTickets {
  readonly #runtime: Runtime;
  readonly #forwarding: Forwarding;
  readonly #waiting: ShownOnce<Admission>;

  constructor(runtime: Runtime, forwarding: Forwarding) {
    this.#runtime = runtime;
    this.#forwarding = forwarding;
    this.#waiting = new ShownOnce(TICKET_PREFIX, runtime);
  }

  /** Makes one. Rejects with TidemarkError. */
  async make(token: string, { doc, ...others }: JsonObject, request: FastifyRequest): Promise<Ticket> {
    const [other] = Object.keys(others);
    if (other !== undefined) throw invalid(`/${other}`, "nothing of that name");
    if (typeof doc !== "string" || parseDocumentId(doc) === undefined) throw invalid("/doc", "`type/key`");
    await this.#forwarding.check(token, request);
    const useBefore = this.#runtime.now() + TICKET_WITHIN_MS;
    return { ticket: this.#waiting.make({ token, doc }, useBefore), useBefore };
  }

  /** The token that it stands for; undefined: it does not let in there. It cannot be shown again. */
  take(ticket: string, request: FastifyRequest): string | undefined {
    const admission = this.#waiting.take(ticket);
    return admission?.doc === `${inPath(request, "type")}/${inPath(request, "key")}` ? admission.token : undefined;
  }
}
