// The requests of one connection and their answers: one for each copy, and none unasked (REQ-1).
import type { CallMessage } from "@tidemark/protocol";

interface Request {
  readonly documentId: string | undefined;
  copies: number;
}

/** What was asked on one connection. */
export class Asked {
  readonly #requests = new Map<number, Request>();

  /** A copy came in. `documentOf` finds the document of a subscription. */
  call([, n, target]: CallMessage, documentOf: (s: number) => string | undefined): void {
    const known = this.#requests.get(n);
    if (known !== undefined) {
      known.copies += 1;
      return;
    }
    const documentId = typeof target === "number" ? documentOf(target) : target;
    this.#requests.set(n, { documentId, copies: 1 });
  }

  /** An answer leaves. False: nobody waits for it. */
  answered(n: number): boolean {
    const request = this.#requests.get(n);
    if (request === undefined || request.copies === 0) return false;
    request.copies -= 1;
    return true;
  }

  /** The document that a request is about. */
  documentOf(n: number): string | undefined {
    return this.#requests.get(n)?.documentId;
  }
}
