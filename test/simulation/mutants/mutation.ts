// Where a bug can be planted: the seams of the product, and patches of its prototypes. A mutation changes the product
// only, never the world around it or the judge.
import type { Platform } from "../../../clients/typescript/src/platform/platform.js";
import type { DocumentStore } from "../../../src/document/document-store.js";
import type {
  Audience,
  AudienceFactory,
  Documents,
  Follower,
  Opening,
  OpenRequest,
} from "../../../src/document/documents.js";
import type { SimulatedDisk } from "../storage/simulated-disk.js";

/** One planted bug. Everything absent is as the product has it. */
export interface Mutation {
  /** Commits are answered when they are written, and synced so many ms later. */
  readonly syncLateMs?: number;
  /** Put between the documents and their store. */
  readonly store?: (store: DocumentStore, disk: SimulatedDisk) => DocumentStore;
  /** Put between the sessions and the documents. */
  readonly documents?: (documents: Documents, disk: SimulatedDisk) => Documents;
  /** Put between the documents and their followers. */
  readonly audience?: (audience: AudienceFactory) => AudienceFactory;
  /** Put between a client and its world. */
  readonly platform?: (platform: Platform) => Platform;
  /** Changes the product's own objects; returns what puts them back. */
  readonly patch?: () => () => void;
}

/** A mutation with its name and what it stands for. */
export interface Mutant {
  readonly name: string;
  readonly about: string;
  /** Planted anew for each run: what it remembers is of that run. */
  readonly mutation: () => Mutation;
}

/** Documents as they are, but for some of their functions. */
export const documentsBut = (documents: Documents, changes: Partial<Documents>): Documents => ({
  open: (request) => documents.open(request),
  close: (document, follower) => documents.close(document, follower),
  refresh: (document, follower) => documents.refresh(document, follower),
  say: (document, follower, speech) => documents.say(document, follower, speech),
  call: (call) => documents.call(call),
  list: (request) => documents.list(request),
  ...changes,
});

/** What is changed of openings: requests on their way in, and what comes of them on its way out. */
interface OpeningChanges {
  readonly opened?: (opening: Opening, request: OpenRequest) => Opening;
  readonly open?: (request: OpenRequest) => OpenRequest;
}

/** Documents as they are, but for their openings. */
export function openingsBut(documents: Documents, changes: OpeningChanges): Documents {
  const { opened = (opening) => opening, open = (request) => request } = changes;
  const stands = new WeakMap<Follower, Follower>();
  return documentsBut(documents, {
    open: (request) => {
      const { follower } = request;
      const standIn: Follower = {
        get caller() {
          return follower.caller;
        },
        opened: (opening) => follower.opened(opened(opening, request)),
        ended: (code) => follower.ended(code),
        said: (speech, refusal) => follower.said(speech, refusal),
      };
      stands.set(follower, standIn);
      documents.open(open({ ...request, follower: standIn }));
    },
    close: (document, follower) => documents.close(document, stands.get(follower) ?? follower),
    refresh: (document, follower) => documents.refresh(document, stands.get(follower) ?? follower),
    say: (document, follower, speech) => documents.say(document, stands.get(follower) ?? follower, speech),
  });
}

/** An audience as it is, but for some of its functions. */
export const audienceBut = (audience: Audience, changes: Partial<Audience>): Audience => ({
  begin: (at) => audience.begin(at),
  deliver: (rows) => audience.deliver(rows),
  retire: () => audience.retire(),
  beginLayer: (layer, chain) => audience.beginLayer(layer, chain),
  endLayer: (layer) => audience.endLayer(layer),
  release: (head, deltas) => audience.release(head, deltas),
  ...changes,
});

/** Undoes all of them. */
export const undoing =
  (undoes: readonly (() => void)[]): (() => void) =>
  () => {
    for (const undo of undoes) undo();
  };

/** Puts another function in the place of an object's own, which it is given to call. */
export function replaced<Name extends string, Self extends { [K in Name]: (...args: never[]) => unknown }>(
  target: Self,
  name: Name,
  make: (original: Self[Name]) => Self[Name],
): () => void {
  const original = target[name];
  target[name] = make(original);
  return () => {
    target[name] = original;
  };
}
