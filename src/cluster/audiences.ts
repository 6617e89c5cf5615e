// The audiences of an owner's documents, made by the session room's fan-outs and shared with its edges.
import { DocumentMap } from "../document/document-map.js";
import type { DocumentName } from "../document/document-store.js";
import type { AudienceOptions } from "../document/documents.js";
import { invariant } from "../runtime/invariant.js";
import type { FanOuts } from "../session/fan-out.js";
import { SharedAudience } from "./shared-audience.js";

/** Audiences by document. */
export class Audiences {
  readonly #fanOuts: FanOuts;
  readonly #byDocument = new DocumentMap<SharedAudience>();

  constructor(fanOuts: FanOuts) {
    this.#fanOuts = fanOuts;
  }

  /** A new one, when a document's host comes up. */
  create(document: DocumentName, options: AudienceOptions): SharedAudience {
    const local = this.#fanOuts.create(document, options);
    const retired = (): void => void this.#byDocument.delete(document);
    const audience = new SharedAudience(document, options, { local, retired });
    this.#byDocument.set(document, audience);
    return audience;
  }

  /** The one of a document that is loaded. */
  get(document: DocumentName): SharedAudience {
    const audience = this.#byDocument.get(document);
    invariant(audience !== undefined, "a loaded document has an audience");
    return audience;
  }
}
