// What an edge makes sessions with: documents, identities and claims of its owner at the other end of a link, and a fan-out of
// its own. When the link is over, so is everything that rests on it.
import { CLOSE } from "@tidemark/protocol";
import type { Runtime } from "../runtime/runtime.js";
import { FanOuts } from "../session/fan-out.js";
import { Flusher } from "../session/flusher.js";
import type { SessionParts } from "../session/session-parts.js";
import { SessionRegistry } from "../session/session-registry.js";
import { EdgeEnd } from "./edge-end.js";
import { Link, type LinkEnd, type LinkWire } from "./link.js";
import type { FromOwner } from "./link-messages.js";

/** What an edge is told by its owner before anything else. */
export interface EdgeSettings {
  /** Identifies this run of the server to clients. */
  readonly serverId: string;
  /** Under which followers are given names that tell nothing. */
  readonly peersKey: string;
  readonly pingIntervalMs: number;
  readonly watchdogMs: number;
  readonly authDeadlineMs?: number | undefined;
  /** Connections of one principal; undefined: the default; 0: any number. */
  readonly connectionsPerPrincipal?: number | undefined;
}

/** What the sessions of an edge are made of. */
export interface EdgeSessionsParts {
  readonly runtime: Runtime;
  readonly wire: LinkWire;
  readonly settings: EdgeSettings;
  readonly transferBytesMax?: number;
  /** The owner is gone; every session has been told to come back. */
  readonly over: (why: LinkEnd) => void;
  readonly onBug: (error: unknown) => void;
}

/** An edge's sessions. */
export class EdgeSessions {
  readonly link: Link;
  readonly parts: SessionParts;
  readonly #end: EdgeEnd;

  constructor({ runtime, wire, settings, transferBytesMax, over, onBug }: EdgeSessionsParts) {
    const { serverId, peersKey, pingIntervalMs, watchdogMs, authDeadlineMs, connectionsPerPrincipal } = settings;
    const fanOuts = new FanOuts(runtime, { transferBytesMax, peersKey });
    const end = new EdgeEnd({ fanOuts, send: (message) => this.link.send(JSON.stringify(message)) });
    const registry = new SessionRegistry(connectionsPerPrincipal, end);
    this.#end = end;
    this.link = new Link({
      runtime,
      wire,
      // Both ends are of one build: what comes has the shape that its type says.
      heard: (message) => end.hear(message as FromOwner),
      over: (why) => {
        end.gone();
        registry.endAll(CLOSE.restart, "connection_lost");
        over(why);
      },
      onBug,
    });
    this.parts = {
      ...{ runtime, fanOuts, registry, serverId, pingIntervalMs, watchdogMs, authDeadlineMs },
      documents: end.documents,
      flusher: new Flusher(runtime),
      identify: end.identify,
    };
  }

  /** The owner refuses work for want of time or room. */
  get isOverloaded(): boolean {
    return this.#end.isOverloaded;
  }
}
