// What every client test begins with: a client of a small application, a virtual platform, a scripted server.
import type { ConnectOptions, Message, OpenDocument, Query, Tide } from "@tidemark/client";
import { createClient } from "../../../clients/typescript/src/client.js";
import { FakeServer } from "../../support/fake-server.js";
import { VirtualPlatform } from "../../support/virtual-platform.js";

interface BoardContract {
  readonly view: {
    title: string;
    cards: { [id: string]: { text: string } };
    order: string[];
    rows?: { id: string; text: string }[];
  };
  readonly messages: { add: Message<{ text: string }, { id: string }>; clear: Message<void, void> };
  readonly queries: { count: Query<void, number> };
  readonly events: { added: { id: string } };
  readonly signals: object;
  readonly presence: never;
  readonly params: object;
  readonly create: { title: string };
  readonly indexes: object;
}

/** An application with one type. */
export interface BoardApp {
  readonly "~contracts": { readonly board: BoardContract };
}

export type Board = OpenDocument<BoardApp, "board">;

export interface World {
  readonly platform: VirtualPlatform;
  readonly server: FakeServer;
  readonly tide: Tide<BoardApp>;
}

/** A client that has not connected yet. */
export function world(options: Partial<ConnectOptions> = {}): World {
  const platform = new VirtualPlatform();
  const server = new FakeServer(platform);
  const socket = { url: "https://tide.test", token: "token", transport: "websocket" } as const;
  const tide = createClient<BoardApp>({ ...socket, ...options }, platform);
  return { platform, server, tide };
}

export const EMPTY = { title: "", cards: {}, order: [] };

/** A client with an open document whose snapshot is at seq 1. */
export async function following(options: Partial<ConnectOptions> = {}): Promise<World & { readonly board: Board }> {
  const made = world(options);
  const board = made.tide.open("board", "b");
  await made.server.settle();
  made.server.now.reset(EMPTY);
  return { ...made, board };
}

/** Cuts the connection and lets the client make another. */
export async function reconnect({ platform, server }: World): Promise<void> {
  const before = server.connections.length;
  server.now.close(1006);
  while (server.connections.length === before) await platform.advance(100);
}

/** Time passes on a healthy connection: the server pings each 10 s, naming these heads, and answers to bare pings. */
export async function beat({ platform, server }: World, forMs: number, heads: readonly number[] = []): Promise<void> {
  for (let passed = 0; passed < forMs; passed += 10_000) {
    await platform.advance(Math.min(10_000, forMs - passed));
    server.now.send(["ping", passed + 1, heads]);
    await server.settle();
    const asked = server.now.all("ping").at(-1);
    if (asked?.[2].length === 0 && asked[3] === undefined) server.now.send(["pong", asked[1], []]);
  }
}

/** What a promise has come to so far. */
export interface Heard {
  /** The value, or the error it was rejected with; undefined while it is pending. */
  readonly answer: unknown;
  readonly pending: boolean;
}

/** Listens to a promise from now on, so that its rejection is never unheard. */
export function hear(promise: Promise<unknown>): Heard {
  const heard = { answer: undefined as unknown, pending: true };
  const settle = (answer: unknown): void => void Object.assign(heard, { answer, pending: false });
  promise.then(settle, settle);
  return heard;
}

/** A client that is live and follows nothing; its call number 1 is answered. */
export async function live(options: Partial<ConnectOptions> = {}): Promise<World> {
  const made = world(options);
  hear(made.tide.call("board", "warm").clear());
  await made.server.settle();
  made.server.now.ok(1, 1);
  await made.server.settle();
  return made;
}

/** What the listeners of a document were told, in order. */
export function listen(board: Board): { readonly what: unknown[] } {
  const what: unknown[] = [];
  board.subscribe((state, change) => what.push([change.cause, state.title, change.at.seq]));
  board.on("added", ({ id }, at) => what.push(["added", id, at.seq]));
  board.on("gap", (gap) => what.push(["gap", gap]));
  return { what };
}
