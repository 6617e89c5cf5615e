// One opening of a channel, as the application holds it. What comes is the events of a followed document; that each is
// told once, or a gap, is the stream's doing.
import { type Json, LIMITS, TidemarkError } from "@tidemark/protocol";
import type { CallOptions, Sent } from "../api/call.js";
import type { Channel, ChannelMessage, ChannelSignal } from "../api/channel.js";
import type { Status, Unsubscribe } from "../api/document.js";
import type { Position } from "../api/position.js";
import type { Presence } from "../api/presence.js";
import { copyInput } from "../calls/input.js";
import { asChannelMessage, asChannelSignal, asPresenceOf } from "../documents/claims.js";
import type { FollowedDocument, Follower } from "../documents/followed-document.js";
import { Listeners } from "../documents/listeners.js";
import { OpeningPresence } from "../peers/opening-presence.js";
import type { Platform } from "../platform/platform.js";
import type { Update } from "../stream/change.js";

/** Part of the past that is asked for. */
export interface HistoryPage {
  readonly before?: number;
  readonly limit?: number;
}

/** A message before its types are claimed. */
export interface UntypedMessage {
  readonly event: string;
  readonly data: Json;
  readonly seq: number;
  readonly at: number;
}

export interface LiveChannelOptions {
  readonly platform: Platform;
  readonly document: FollowedDocument;
  /** `view`: the document, while it is followed. */
  readonly publish: (
    message: { readonly event: string; readonly data: unknown },
    options: CallOptions | undefined,
    view: FollowedDocument | undefined,
  ) => Sent<void>;
  readonly history: (page: HistoryPage) => Promise<readonly UntypedMessage[]>;
  /** Called once, by `close`. */
  readonly release: (follower: Follower) => void;
}

export class LiveChannel<Messages> implements Channel<Messages>, Follower {
  readonly presence: Presence<Json>;
  readonly #options: LiveChannelOptions;
  readonly #presence: OpeningPresence;
  readonly #messages: Listeners<[message: ChannelMessage<Messages>]>;
  readonly #signals: Listeners<[signal: ChannelSignal<Messages>]>;
  readonly #gaps: Listeners<[gap: { readonly from: number; readonly to: number }]>;
  readonly #statuses: Listeners<[status: Status]>;
  #status: Status;
  /** What it goes on showing when it is closed. */
  #last: { readonly position: Position | undefined } | undefined;

  constructor(options: LiveChannelOptions) {
    const { platform, document } = options;
    this.#options = options;
    this.#messages = new Listeners(platform);
    this.#signals = new Listeners(platform);
    this.#gaps = new Listeners(platform);
    this.#statuses = new Listeners(platform);
    this.#status = document.status;
    this.#presence = new OpeningPresence({ platform, opening: this, peers: () => document.peers });
    this.presence = asPresenceOf<Json>(this.#presence);
  }

  get status(): Status {
    return this.#last === undefined ? this.#options.document.status : "closed";
  }

  get error(): TidemarkError | undefined {
    const { status } = this;
    return status === "denied" || status === "ended" ? this.#options.document.error : undefined;
  }

  get position(): Position | undefined {
    return this.#last === undefined ? this.#options.document.position : this.#last.position;
  }

  publish<K extends keyof Messages & string>(event: K, data: Messages[K], options?: CallOptions): Sent<void> {
    return this.#options.publish(
      { event, data },
      options,
      this.#last === undefined ? this.#options.document : undefined,
    );
  }

  signal<K extends keyof Messages & string>(event: K, data: Messages[K]): void {
    const copied = copyInput(data);
    // A connection does not survive a name that could not be one.
    if (event === "" || event.length > LIMITS.nameLengthMax) throw new TidemarkError("invalid_input");
    if (this.status === "live") this.#options.document.peers.signal(event, copied);
  }

  onSignal(listener: (signal: ChannelSignal<Messages>) => void): Unsubscribe {
    return this.#signals.add(listener);
  }

  onMessage(listener: (message: ChannelMessage<Messages>) => void): Unsubscribe {
    return this.#messages.add(listener);
  }

  onGap(listener: (gap: { readonly from: number; readonly to: number }) => void): Unsubscribe {
    return this.#gaps.add(listener);
  }

  onStatus(listener: (status: Status) => void): Unsubscribe {
    return this.#statuses.add(listener);
  }

  async history(page: HistoryPage = {}): Promise<readonly ChannelMessage<Messages>[]> {
    const messages = await this.#options.history(page);
    return messages.map((message) => asChannelMessage<Messages>(message));
  }

  close(): void {
    if (this.#last !== undefined) return;
    this.#last = { position: this.position };
    this.#messages.clear();
    this.#signals.clear();
    this.#gaps.clear();
    this.#presence.close();
    this.#options.release(this);
    this.#tellStatus();
  }

  moved(update: Update | undefined): void {
    if (update?.gap !== undefined) this.#gaps.tell(update.gap);
    for (const { name, data, at, time } of update?.events ?? []) {
      this.#messages.tell(asChannelMessage<Messages>({ event: name, data, seq: at.seq, at: time }));
    }
    this.#tellStatus();
  }

  presenceMoved(): void {
    this.#presence.moved();
  }

  signalled(event: string, data: Json, peer: string): void {
    this.#signals.tell(asChannelSignal<Messages>({ event, data, peer }));
  }

  #tellStatus(): void {
    const { status } = this;
    if (status === this.#status) return;
    this.#status = status;
    this.#statuses.tell(status);
  }
}
