// Which documents are followed: one stream for each (type, key, params, pace), counted by openings, kept for a while after
// the last of them so that a remount costs nothing.
import { CHANNEL_TYPE, type Contract, formatDocumentId, PUBLISH, TidemarkError } from "@tidemark/protocol";
import type { ChannelOptions } from "../api/channel.js";
import type { Audit, Probe } from "../api/document.js";
import type { Calls } from "../calls/calls.js";
import { channelHistory } from "../channels/history.js";
import { LiveChannel } from "../channels/live-channel.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { Tally } from "../liveness/tally.js";
import type { Cancel, Platform } from "../platform/platform.js";
import type { Subscriptions } from "../stream/subscriptions.js";
import { audit } from "./audit.js";
import type { Method } from "./claims.js";
import { FollowedDocument, type FollowedWire, type Follower, viewIdOf } from "./followed-document.js";
import { type CheckedRequest, checkedRequest, type OpenRequest } from "./open-request.js";
import { Opening } from "./opening.js";
import { probe } from "./probe.js";

interface TableOptions {
  readonly platform: Platform;
  readonly wire: FollowedWire & {
    readonly error: TidemarkError | undefined;
    start(): void;
    /** Sends a heartbeat now: its answer compares what was sent with what is held, and its absence is noticed. */
    ask(): void;
  };
  readonly tally: Tally;
  readonly subscriptions: Subscriptions;
  readonly calls: Calls;
}

/** A document that an opening is of. */
interface Asked extends CheckedRequest {
  readonly document: FollowedDocument;
  readonly isKnown: boolean;
}

export class DocumentTable {
  readonly #options: TableOptions;
  readonly #documents = new Map<string, FollowedDocument>();
  /** Names, with their types, that turned out to be queries. */
  readonly #queries = new Set<string>();
  readonly #lingering = new Map<FollowedDocument, Cancel>();

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** Never throws: what is wrong shows as `status` and `error`. */
  open<C extends Contract>(request: OpenRequest): Opening<C> {
    const { platform, calls, wire } = this.#options;
    const asked = this.#asked(request);
    const { document } = asked;
    const target = document.documentId;
    const opening = new Opening<C>({
      platform,
      document,
      message: (name, followed) => (input, options) =>
        calls.call({ lane: target, target, name, input, options, view: followed() }),
      query: (name) => (input, options) => calls.call({ lane: undefined, target, name, input, options }),
      probe: (followed): Promise<Probe> => probe(followed, { platform, calls, ask: () => wire.ask() }),
      audit: (followed): Promise<Audit> => audit(followed, { platform, calls }),
      release: (follower) => this.#release(document, follower),
    });
    this.#follow(opening, asked);
    return opening;
  }

  /** Never throws: what is wrong shows as `status` and `error`. */
  channel<Messages>(name: string, options: ChannelOptions<Messages>): LiveChannel<Messages> {
    const { platform, calls } = this.#options;
    const { last, since, presence, ...filter } = options;
    const unasked = { create: undefined, everyMs: undefined };
    const asked = this.#asked({ type: CHANNEL_TYPE, key: name, params: filter, last, since, presence, ...unasked });
    const { document } = asked;
    const target = document.documentId;
    const channel = new LiveChannel<Messages>({
      platform,
      document,
      publish: (input, options, view) => {
        const sent = calls.call({ lane: target, target, name: PUBLISH, input, options, view });
        return Object.assign(
          sent.then(() => undefined),
          { receipt: sent.receipt },
        );
      },
      history: (page) => channelHistory(calls, target, { ...filter, ...page }),
      release: (follower) => this.#release(document, follower),
    });
    this.#follow(channel, asked);
    return channel;
  }

  /** The function for one name of a document that need not be followed; whether it is a message, the server knows. */
  method(type: string, key: string, name: string): Method {
    const { calls } = this.#options;
    const target = formatDocumentId(type, key);
    const asked = `${type}/${name}`;
    const ask: Method = (input, options) => calls.call({ lane: undefined, target, name, input, options });
    return (input, options) => {
      if (this.#queries.has(asked)) return ask(input, options);
      const sent = calls.call({ lane: target, target, name, input, options });
      const result = sent.catch(async (error: unknown) => {
        if (!(error instanceof TidemarkError) || error.code !== "unknown_message") throw error;
        const answer = await ask(input, options);
        this.#queries.add(asked);
        return answer;
      });
      return Object.assign(result, { receipt: sent.receipt });
    };
  }

  /** Counts the time of all documents up to now. */
  settleTally(): void {
    for (const document of this.#documents.values()) document.settleTally();
  }

  statusChanged(): void {
    for (const document of [...this.#documents.values()]) document.statusChanged();
  }

  /** The connection is closed for good. */
  close(error: TidemarkError): void {
    for (const document of [...this.#documents.values()]) document.close(error);
  }

  /** The document that is followed, or one that is about to be. */
  #asked(request: OpenRequest): Asked {
    const checked = checkedRequest(request);
    const known = this.#known(checked);
    return { ...checked, document: known ?? this.#made(checked), isKnown: known !== undefined };
  }

  #follow(follower: Follower, { document, isKnown, presence, refusal }: Asked): void {
    document.follow(follower);
    // Before it begins, so that its first message says it.
    if (presence !== undefined) document.peers.show(follower, presence);
    if (!isKnown) this.#begin(document, this.#options.wire.error ?? refusal);
  }

  #known({ request, refusal }: CheckedRequest): FollowedDocument | undefined {
    const known = refusal === undefined ? this.#documents.get(viewIdOf(request)) : undefined;
    if (known === undefined) return undefined;
    this.#lingering.get(known)?.();
    this.#lingering.delete(known);
    return known;
  }

  #made({ request, since }: CheckedRequest): FollowedDocument {
    const { platform, wire, tally } = this.#options;
    const over = (): void => this.#forget(document);
    const document: FollowedDocument = new FollowedDocument({ platform, wire, tally, request, since, over });
    return document;
  }

  #begin(document: FollowedDocument, refusal: TidemarkError | undefined): void {
    if (refusal !== undefined) return document.close(refusal);
    const { wire, subscriptions } = this.#options;
    this.#documents.set(document.viewId, document);
    subscriptions.add(document.stream);
    wire.start();
    if (wire.live) document.stream.connected();
  }

  #release(document: FollowedDocument, follower: Follower): void {
    document.unfollow(follower);
    if (document.followers > 0 || this.#documents.get(document.viewId) !== document) return;
    const cancel = this.#options.platform.setTimer(CLIENT_LIMITS.lingerMs, () => document.close());
    this.#lingering.set(document, cancel);
  }

  /** It is over: the next `open` begins anew. */
  #forget(document: FollowedDocument): void {
    this.#lingering.get(document)?.();
    this.#lingering.delete(document);
    this.#options.subscriptions.remove(document.stream);
    if (this.#documents.get(document.viewId) === document) this.#documents.delete(document.viewId);
  }
}
