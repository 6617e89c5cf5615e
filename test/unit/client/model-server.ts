// A server over a ModelDocument whose links may be slow and may be cut: messages wait in queues until the schedule
// delivers them. It follows WIRE to the letter, with every choice it leaves open made by chance.
import type { ClientMessage, OpenMessage, PartMessage, ServerMessage, WireEvent } from "@tidemark/protocol";
import type { FakeConnection, FakeServer } from "../../support/fake-server.js";
import type { ModelDocument, Row } from "./model-document.js";

const TAGS = ["shared", "mine"] as const;

/** Messages that leave together, and the row that a subscriber has reached after them. */
interface Frame {
  readonly messages: readonly ServerMessage[];
  readonly through: Row | undefined;
}

interface Subscription {
  readonly s: number;
  readonly sent: [seq: number, seq: number];
  /** What has not left yet of snapshots in parts. */
  readonly parts: PartMessage[];
  /** Answers that wait for the last of them. */
  readonly answers: ServerMessage[];
}

interface Link {
  readonly connection: FakeConnection;
  readonly conn: number;
  readonly inbound: ClientMessage[];
  readonly outbound: Frame[];
  subscription: Subscription | undefined;
}

export class ModelServer {
  readonly #document: ModelDocument;
  readonly #chance: () => number;
  readonly #layers: readonly (0 | 1)[];
  readonly #links: Link[] = [];
  /** What a subscriber that has read everything shows. */
  shown: Row | undefined;
  #ping = 1;

  constructor(server: FakeServer, document: ModelDocument, options: { chance: () => number; layers: 1 | 2 }) {
    this.#document = document;
    this.#chance = options.chance;
    this.#layers = options.layers === 1 ? [0] : [0, 1];
    server.onMessage = (connection, message) => this.#received(connection, message);
  }

  /** The link of the connection that is open. */
  get #link(): Link | undefined {
    return this.#links.findLast(({ connection }) => connection.open);
  }

  // ------------------------------------------------------------------------------------------------ the schedule

  /** Somebody else's transaction. */
  commit(): void {
    const key = `k${Math.floor(this.#chance() * 4)}`;
    const cards = Object.keys(Object(Reflect.get(Object(this.#document.head.states[0]), "cards")));
    const shared: Row["layers"][0] =
      this.#chance() < 0.2
        ? []
        : cards.includes(key) && this.#chance() < 0.6
          ? [this.#chance() < 0.5 ? ["-", `/cards/${key}`] : ["~", `/cards/${key}/text`, "x"]]
          : [
              ["+", `/cards/${key}`, { text: "" }],
              ["~", "/title", "t"],
            ];
    const mine: Row["layers"][1] =
      this.#layers.length === 2 && this.#chance() < 0.4 ? [["+", `/drafts/${key}`, this.#document.rows.length]] : [];
    this.#publish(this.#document.append([shared, mine], this.#chance() < 0.3 ? 2 : 0, undefined));
  }

  /** Takes the oldest message of one link; perhaps of one that the client has given up. */
  takeOne(): boolean {
    const waiting = this.#links.filter(({ inbound }) => inbound.length > 0);
    const link = waiting[Math.floor(this.#chance() * waiting.length)];
    const message = link?.inbound.shift();
    if (link === undefined || message === undefined) return false;
    this.#take(link, message);
    return true;
  }

  /** Delivers the oldest frame. */
  deliverOne(): boolean {
    const link = this.#link;
    const frame = link?.outbound.shift();
    if (link === undefined || frame === undefined) return false;
    if (frame.through !== undefined) this.shown = frame.through;
    link.connection.send(...frame.messages);
    return true;
  }

  cut(): void {
    const link = this.#link;
    if (link === undefined) return;
    // What the client had sent is lost, or arrives late.
    if (this.#chance() < 0.5) link.inbound.length = 0;
    link.outbound.length = 0;
    link.subscription = undefined;
    link.connection.close(1006);
  }

  /** The server is stopped, its store put back to an earlier time, and started again. */
  restore(): void {
    this.cut();
    for (const link of this.#links) link.inbound.length = 0;
    this.#document.restore(1 + Math.floor(this.#chance() * this.#document.rows.length));
  }

  ping(): void {
    const link = this.#link;
    if (link === undefined) return;
    const messages = this.#advance(link);
    this.#send(link, [...messages, ["ping", this.#ping++, this.#heads(link)]]);
  }

  /** The next part of a snapshot leaves, with what waits for the last one. */
  part(): boolean {
    const link = this.#link;
    const part = link?.subscription?.parts.shift();
    if (link?.subscription === undefined || part === undefined) return false;
    const { parts, answers } = link.subscription;
    const after = parts.length > 0 ? [] : [...this.#advance(link), ...answers.splice(0)];
    this.#send(link, [part, ...after]);
    return true;
  }

  /** The next frame is lost although the connection lives: what no TCP does, and a bug might. */
  loseOne(): boolean {
    return this.#link?.outbound.shift() !== undefined;
  }

  // ------------------------------------------------------------------------------------------------ messages

  #received(connection: FakeConnection, message: ClientMessage): void {
    if (message[0] === "hello") {
      const { conn } = message[1];
      this.#links.push({ connection, conn, inbound: [], outbound: [], subscription: undefined });
    } else {
      this.#links.find((link) => link.connection === connection)?.inbound.push(message);
    }
  }

  #take(link: Link, message: ClientMessage): void {
    switch (message[0]) {
      case "open":
        this.#open(link, message);
        break;
      case "close":
        if (link.subscription?.s === message[1]) link.subscription = undefined;
        break;
      case "c":
        this.#call(link, message);
        break;
      case "ping":
        this.#send(link, [["pong", message[1], this.#heads(link)]]);
    }
  }

  #call(link: Link, message: Extract<ClientMessage, readonly ["c", ...unknown[]]>): void {
    const head = this.#document.head;
    const answer = this.#document.call(message, link.conn, this.#chance);
    if (this.#document.head !== head) this.#publish(this.#document.head);
    if (answer === undefined || !link.connection.open) return;
    if (answer[0] === "ok" && link.subscription !== undefined && link.subscription.parts.length > 0) {
      link.subscription.answers.push(answer);
    } else {
      this.#send(link, [...this.#advance(link), answer]);
    }
  }

  #open(link: Link, [, { s, at }]: OpenMessage): void {
    if (!link.connection.open) return;
    const document = this.#document;
    const plans = this.#layers.map((layer) => {
      const held = at?.[layer];
      const known = held !== undefined && document.verifies(held[0], held[1]);
      const resume = known && held[2] === TAGS[layer] && this.#chance() < 0.6;
      return { layer, held: held?.[1], known, resume };
    });
    const head = document.head;
    link.subscription = { s, sent: [0, 0], parts: [], answers: [] };
    const { parts } = link.subscription;
    const messages = plans.flatMap(({ layer, held, resume }) =>
      resume ? this.#replay(layer, held ?? 0) : this.#snapshot(link, layer, parts),
    );
    const [first] = plans;
    const events = first?.resume === false && first.held !== undefined ? this.#missed(first.held, first.known) : [];
    const opened: ServerMessage = [
      "opened",
      {
        s,
        h: plans.map(({ layer }) => layer + 10),
        mode: plans.map(({ resume }) => (resume ? "resume" : "reset")),
        prev: plans.map(({ layer, held, resume }) =>
          resume ? (document.row(held ?? 0)?.chains[layer] ?? 0) : head.seq,
        ),
        tag: plans.map(({ layer }) => TAGS[layer]),
        ...(events.length > 0 ? { events } : {}),
        ...(first?.held !== undefined && !first.known ? { gap: true } : {}),
      },
    ];
    for (const { layer, held, resume } of plans) {
      link.subscription.sent[layer] = resume ? Math.max(held ?? 0, head.chains[layer]) : head.chains[layer];
    }
    this.#send(link, [opened, ...messages, ...this.#advance(link)], head);
  }

  #replay(layer: 0 | 1, held: number): ServerMessage[] {
    const rows = this.#document.rows.filter(({ seq, chains }) => seq > held && chains[layer] === seq);
    return rows.map((row) => this.#delta(layer, row));
  }

  #snapshot({ connection }: Link, layer: 0 | 1, parts: PartMessage[]): ServerMessage[] {
    const { chains, states } = this.#document.head;
    const place = { epoch: this.#document.row(chains[layer])?.epoch ?? 0, seq: chains[layer], handle: layer + 10 };
    if (this.#chance() < 0.5) return [["snap", place.handle, place.epoch, place.seq, states[layer]]];
    const [snap, ...slices] = connection.parts(states[layer], place);
    parts.push(...slices);
    return [snap];
  }

  #missed(held: number, known: boolean): WireEvent[] {
    const from = known ? held : Math.max(held, this.#document.trimmed);
    return this.#document.rows.filter(({ seq }) => seq > from).flatMap(eventsOf);
  }

  #delta(layer: 0 | 1, row: Row): ServerMessage {
    const before = this.#document.row(row.seq - 1);
    const prev = before?.chains[layer] ?? 0;
    const events = layer === 0 ? eventsOf(row) : [];
    const crosses = this.#document.row(prev)?.epoch !== row.epoch;
    const extension = { ...(crosses ? { e: row.epoch } : {}), ...(events.length > 0 ? { ev: events } : {}) };
    return ["d", layer + 10, prev, row.seq, row.layers[layer], extension];
  }

  #publish(row: Row): void {
    for (const link of this.#links) {
      const { subscription } = link;
      if (subscription === undefined || !link.connection.open) continue;
      const layers = this.#layers.filter((layer) => row.chains[layer] === row.seq);
      for (const layer of layers) subscription.sent[layer] = row.seq;
      if (layers.length > 0)
        this.#send(
          link,
          layers.map((layer) => this.#delta(layer, row)),
          row,
        );
    }
  }

  #advance({ subscription }: Link): ServerMessage[] {
    if (subscription === undefined || subscription.parts.length > 0) return [];
    const { seq, epoch, chains } = this.#document.head;
    return this.#layers.flatMap((layer): ServerMessage[] => {
      if (subscription.sent[layer] === seq) return [];
      subscription.sent[layer] = seq;
      return [["d", layer + 10, chains[layer], seq, [], { e: epoch }]];
    });
  }

  /** What is still under way in parts is left out. */
  #heads({ subscription }: Link): number[] {
    if (subscription === undefined || subscription.parts.length > 0) return [];
    const { sent } = subscription;
    return this.#layers.flatMap((layer) => [layer + 10, this.#document.row(sent[layer])?.epoch ?? 0, sent[layer]]);
  }

  #send(link: Link, messages: readonly ServerMessage[], through?: Row): void {
    link.outbound.push({ messages, through });
  }
}

function eventsOf(row: Row): WireEvent[] {
  return row.events.map((id) => [row.seq, 0, "added", { id }]);
}
