// Every wrong use by a client that must not compile. `tsc` fails when one of these stops being an error. Never run.
import type { Change } from "@tidemark/client";
import { server } from "@tidemark/client/http";
import type { ErrorCode } from "@tidemark/protocol";
import { backend, tide } from "./example.client.js";

export async function client(): Promise<void> {
  // @ts-expect-error unknown type
  tide.open("bord", "x");
  // @ts-expect-error a key is a string
  tide.open("board", 42);
  // @ts-expect-error this type's creator must pass a title
  tide.open("board", "x", { create: true });
  // @ts-expect-error unknown option
  tide.open("board", "x", { paarms: {} });

  const board = tide.open("board", "x");
  // @ts-expect-error unknown message
  board.send.ad({ text: "a" });
  // @ts-expect-error wrong input
  board.send.add({ txt: "a" });
  // @ts-expect-error missing input
  board.send.add();
  // @ts-expect-error wrong option
  board.send.add({ text: "a" }, { timeout: 1 });
  // @ts-expect-error wrong use of a result
  (await board.send.add({ text: "a" })).seq;
  // @ts-expect-error a query is not sent
  board.send.find({ text: "a" });
  // @ts-expect-error wrong query result
  (await board.query.find({ text: "a" }))[0]?.text;
  // @ts-expect-error state is absent before the first payload
  board.state.title;
  // @ts-expect-error a write to yielded state
  if (board.state) board.state.title = "x";
  // @ts-expect-error nor deep inside
  if (board.state) delete board.state.cards.a;
  // @ts-expect-error nor to the confirmed one
  if (board.confirmed) board.confirmed.mine.drafts.a = { text: "", by: "" };
  // @ts-expect-error drafts are hidden from the shared view
  board.state?.drafts;
  // @ts-expect-error counters have no `mine`
  tide.open("counter", "c").state?.mine;
  // @ts-expect-error unknown event
  board.on("reveald", () => undefined);
  // @ts-expect-error wrong event data
  board.on("revealed", ({ cuont }) => cuont);
  // @ts-expect-error an observed record has items of its own type
  board.watch((view) => view.cards, { added: (card) => card.title });
  // @ts-expect-error an array is observed by a key
  board.watch(() => [{ id: "a" }], { added: () => undefined });
  // @ts-expect-error a scalar is not a collection
  board.watch((view) => view.title, { added: () => undefined });
  // @ts-expect-error wrong presence
  tide.open("board", "x", { presence: { nick: "a" } });
  // @ts-expect-error nor later
  board.presence.set({ nick: "a" });
  // @ts-expect-error counters have no presence
  tide.open("counter", "c").presence.count;
  // @ts-expect-error what others show is not yours to change
  if (board.presence.peers[0]) board.presence.peers[0].meta.name = "x";
  // @ts-expect-error unknown signal
  board.signal("mouse", { x: 1, y: 1 });
  // @ts-expect-error wrong signal data
  board.signal("cursor", { x: 1 });
  // @ts-expect-error wrong signal to listen to
  board.onSignal("mouse", () => undefined);
  // @ts-expect-error counters have no signals
  tide.open("counter", "c").signal("cursor", { x: 1, y: 1 });
  // @ts-expect-error one status among seven
  if (board.status === "open") return;
  // @ts-expect-error wrong message of a call
  tide.call("board", "x").startTimer({ hours: 1 });
  // @ts-expect-error wrong create input
  void tide.service.create("board", "x", { name: "a" });
  // @ts-expect-error not an index
  void tide.service.list("board", { where: { title: "a" } });
  // @ts-expect-error a hidden part is not in the view
  tide.open("poll", "lunch").state?.ballots;
  // @ts-expect-error unknown channel event
  void tide.channel<{ say: string }>("dogs").publish("bark", "a");
  // @ts-expect-error a filter names events that there are
  tide.channel<{ say: string }>("dogs", { events: ["bark"] });
  // @ts-expect-error a filter compares scalars
  tide.channel<{ say: string }>("dogs", { where: { text: { like: "a" } } });
  // @ts-expect-error wrong data of a channel event
  void tide.channel<{ say: string }>("dogs").publish("say", 1);
  // @ts-expect-error a channel's messages are only those claimed
  tide.channel<{ say: { text: string } }>("dogs").onMessage(({ data }) => data.txt);
  tide.channel<{ say: { text: string } }>("dogs").onMessage((message) => {
    // @ts-expect-error nothing in a message can be assigned
    message.data.text = "";
  });
  // @ts-expect-error wrong input of a hidden poll
  tide.open("poll", "lunch").send.vote({ choice: "tea" });
}

export const cause = (change: Change): number =>
  // @ts-expect-error `first` has no patch
  change.patch.length;

// @ts-expect-error not a registered code
export const code: ErrorCode = "not_owner";

export async function fromABackend(): Promise<void> {
  // @ts-expect-error a backend shows a key
  server({ url: "https://tide.example.com" });
  // @ts-expect-error a message has data, if only null
  await backend.publish("dogs", "bark");
  // @ts-expect-error data is JSON
  await backend.publish("dogs", "bark", () => 1);
  // @ts-expect-error each of several names its channel
  await backend.publish([{ event: "bark", data: 1 }]);
  // @ts-expect-error one receipt for one message
  (await backend.publish("dogs", "bark", 1))[0];
  // @ts-expect-error unknown type
  backend.call("bord", "x");
  // @ts-expect-error unknown message
  await backend.call("board", "x").ad({ text: "a" });
  // @ts-expect-error wrong input
  await backend.call("board", "x").add({ txt: "a" });
  // @ts-expect-error wrong create input
  await backend.create("board", "x", { name: "a" });
  // @ts-expect-error a hidden part is not in the view
  (await backend.get("poll", "lunch")).state.ballots;
  // @ts-expect-error a token is for somebody
  await backend.token({ roles: ["editor"] });
  // @ts-expect-error no such right
  await backend.token({ sub: "ann", grants: [{ doc: "channel/dogs", may: ["write"] }] });
  // @ts-expect-error either a subject or a token
  await backend.revoke({ key: "backend" });
  // @ts-expect-error nothing is opened over HTTP
  backend.open("board", "x");
}
