// Channels on a bench: servers that follow one another on one disk, real clients of them, in virtual time. Everybody may
// do what their token says: `ann` everything, `ann@open+publish` that much on all channels.
import type { App, Json } from "@tidemark/protocol";
import type { Tide } from "../../clients/typescript/src/api/tide.js";
import { createClient } from "../../clients/typescript/src/client.js";
import type { ChannelRules } from "../../src/document/channels/channel-rules.js";
import { checkedGrants } from "../../src/document/grants.js";
import type { Identified } from "../../src/session/identity.js";
import { MemoryDisk } from "../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../src/storage/memory/memory-store.js";
import { nameKey } from "../../src/storage/name-key.js";
import { ControlledStore } from "./controlled-store.js";
import { JoinedPlatform } from "./joined-client.js";
import { SessionBench } from "./session-bench.js";
import { VirtualRuntime } from "./virtual-runtime.js";

/** Any events with any data. */
export type AnyMessages = Record<string, Json>;

const ALL = ["open", "publish", "presence", "create", "delete", "list", "history"];

/** A client and its world. */
export interface ChannelClient {
  readonly tide: Tide<App>;
  readonly platform: JoinedPlatform;
}

export class ChannelBench {
  readonly runtime: VirtualRuntime;
  readonly disk = new MemoryDisk();
  readonly #channels: Readonly<Record<string, ChannelRules>>;
  readonly #platforms: JoinedPlatform[] = [];
  store: ControlledStore;
  /** Who listens; undefined: nobody. */
  server: SessionBench | undefined;

  constructor({ seed = 1, channels = {} }: { seed?: number; channels?: Readonly<Record<string, ChannelRules>> } = {}) {
    this.runtime = new VirtualRuntime({ seed });
    this.#channels = channels;
    this.store = this.#openStore();
    this.server = this.#start();
  }

  /** The process dies, and another one starts on the same disk: at once, or when it is told. */
  restart(): void {
    this.stop();
    this.store = this.#openStore();
    this.server = this.#start();
  }

  stop(): void {
    this.server = undefined;
    // What it had under way never reaches the disk.
    this.store.plan = () => "lost";
    for (const { socket } of this.#platforms) socket?.cut();
  }

  client(token: string, codec: "json" | "msgpack" = "json"): ChannelClient {
    const platform = new JoinedPlatform(this.runtime, () => this.server);
    this.#platforms.push(platform);
    return {
      tide: createClient<App>({ url: "https://tide.test", token, codec, transport: "websocket" }, platform),
      platform,
    };
  }

  advance(ms: number): Promise<void> {
    return this.runtime.advance(ms);
  }

  /** Every message that is durable: seq, event, data. */
  published(channel: string): readonly (readonly [seq: number, event: string, data: Json])[] {
    const rows = this.disk.documents.get(nameKey({ space: "", type: "channel", key: channel }))?.rowsAfter(0) ?? [];
    return rows.flatMap(({ seq, events = "[]" }) => {
      const parsed: readonly (readonly [string, Json])[] = JSON.parse(events);
      return parsed.map(([event, data]) => [seq, event, data] as const);
    });
  }

  /** In which a channel began. */
  epoch(channel: string): number {
    const [first] = this.disk.documents.get(nameKey({ space: "", type: "channel", key: channel }))?.rowsAfter(0) ?? [];
    return first?.epoch ?? 0;
  }

  #start(): SessionBench {
    const { runtime, store } = this;
    return new SessionBench({
      types: {},
      store,
      runtime,
      channels: this.#channels,
      identify: (token) => this.#who(token),
    });
  }

  #openStore(): ControlledStore {
    return new ControlledStore(new MemoryStore({ disk: this.disk, runtime: this.runtime }));
  }

  #who(token: string): Identified {
    const [id = "", rights] = token.split("@");
    const may = rights === undefined ? ALL : rights.split("+").filter((right) => right !== "");
    const grants = checkedGrants([{ doc: "channel/*", may }]);
    return { principal: { id, roles: [], claims: {} }, space: "", grants, expiresAt: this.runtime.now() + 3_600_000 };
  }
}
