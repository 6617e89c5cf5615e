// Use of the applications in example.app.ts by a client. Nothing here imports server code. Type-checked, never run.
import { connect, type OpenDocument, TidemarkError } from "@tidemark/client";
import { SomeRefusedError, server } from "@tidemark/client/http";
import type { App } from "./example.app.js";

declare const fetchToken: () => Promise<string>;
declare const show: (...what: readonly unknown[]) => void;
declare const me: string;

export const tide = connect<App>({ url: "https://tide.example.com", token: fetchToken });

export async function vanilla(): Promise<void> {
  const counter = tide.open("counter", "clicks", { create: true });
  counter.subscribe((state, change) => show(state.value, change.cause));
  const value: number = await counter.send.add({ by: 2 });
  await counter.send.add({});
  await counter.send.reset();

  const board = tide.open("board", "retro-42", { presence: { name: "Ann" }, everyMs: 100 });
  board.subscribe((state, change) => {
    if (change.cause === "delta") show(change.patch.length, change.by);
    show(state.title, state.busy, state.mine.drafts);
  });
  const stop = board.watch((state) => state.cards, {
    added: (card, id) => show("new", id, card.text),
    changed: (card, id, previous) => show(id, previous.text, card.text),
    removed: (_card, id) => show("gone", id),
  });
  board.on("revealed", ({ count }, at) => show(count, at.seq));
  board.on("gap", ({ from, to }) => show("missed events", from, to));

  board.onSignal("cursor", ({ x, y }, peer) => show(peer, x, y));
  board.signal("cursor", { x: 1, y: 2 });
  const gone = board.presence.subscribe(({ peers, count }) =>
    show(
      count,
      peers.map((peer) => peer.meta.name),
    ),
  );
  board.presence.set({ name: "Anna" });
  board.presence.set(null);
  gone();

  const sent = board.send.add({ text: "hi" }, { deadlineMs: 5_000, signal: AbortSignal.timeout(2_000) });
  const { id } = await sent;
  const { seq } = await sent.receipt;
  const found = await board.query.find({ text: "hi" });
  const { head, rttMs } = await board.probe();
  show(value, id, seq, cardCount(board), found[0]?.by, head, rttMs, board.status, board.state === board.confirmed);
  for await (const state of board) if (!state.open) break;
  stop();
  board.close();
}

export const cardCount = (board: OpenDocument<App, "board">): number => Object.keys(board.state?.cards ?? {}).length;

export async function withoutOpening(): Promise<void> {
  try {
    await tide.service.create("board", "retro-43", { title: "Friday" });
    await tide.call("board", "retro-43").startTimer({ minutes: 5 });
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error;
    if (error.code === "rejected" && error.reason === "closed") return show("too late");
    if (error.outcome === "unknown") return show("it may have happened", error.hint);
  }
  const { keys, next } = await tide.service.list("board", { limit: 10 });
  const { state, at } = await tide.service.get("board", "retro-43");
  const [entry] = await tide.service.history("board", "retro-43", { after: at.seq });
  await tide.service.delete("board", "retro-43");
  show(keys, next, entry?.patch, state.mine.drafts, (await tide.service.whoami()).roles, me);
}

/** Channels carry what their type argument claims. */
export async function channels(): Promise<void> {
  const chat = tide.channel<{ say: { text: string }; left: { who: string } }>("chat-dogs");
  chat.onMessage((message) => (message.event === "say" ? show(message.data.text) : show(message.data.who)));
  chat.onGap(({ from, to }) => show(from, to));
  await chat.publish("say", { text: "woof" });
  const { seq } = await chat.publish("left", { who: "rex" }, { deadlineMs: 1_000 }).receipt;
  const [newest] = await chat.history({ limit: 20 });
  show(seq, newest?.at, chat.status, chat.error?.code);
  tide.channel<{ say: { text: string } }>("news", { last: 1, events: ["say"], where: { text: "tea", loud: true } });
  // Without a claim it is any JSON.
  const any = tide.channel("news");
  any.onMessage(({ event, data }) => show(event, data));
  await any.publish("whatever", { a: [1, null] });
  chat.close();
}

/** `hidden` takes a part out of the view, `mine` adds one. */
export function layers(): void {
  const poll = tide.open("poll", "lunch", { create: { question: "?" } });
  const seen: { question: string; count: number; mine: { vote: number | null } } | undefined = poll.confirmed;
  show(seen);
}

/** Another backend, with an API key. */
export const backend = server<App>({ url: "https://tide.example.com", key: "tmk_secret" });

export async function fromABackend(): Promise<void> {
  const { seq } = await backend.publish("chat-dogs", "say", { text: "from the shop" }, { deadlineMs: 5_000 });
  const [first] = await backend.publish([{ channel: "chat-dogs", event: "say", data: { text: "twice" } }]);
  const { id } = await backend.call("board", "retro-42").add({ text: "hi" });
  const [found] = await backend.call("board", "retro-42").find({ text: "hi" });
  await backend.call("counter", "clicks").reset();
  const { epoch } = await backend.create("board", "retro-44", { title: "Monday" });
  const { state, at } = await backend.get("board", "retro-42", { signal: AbortSignal.timeout(1_000) });
  const { keys, next } = await backend.list("board", { limit: 10 });
  const [entry] = await backend.history("board", "retro-42", { after: at.seq });
  await backend.delete("board", "retro-44");
  const grants = [{ doc: "channel/chat-*", may: ["open", "publish"] }] as const;
  show(await backend.token({ sub: me, grants, ttlSeconds: 300 }), keys, next, entry?.by, state.title);
  await backend.revoke({ sub: me });
  show(seq, first?.n, id, found?.by, epoch);
}

export function accountOf(error: unknown): void {
  if (!(error instanceof SomeRefusedError)) return;
  for (const one of error.outcomes) show(one instanceof TidemarkError ? one.code : one.seq);
}
