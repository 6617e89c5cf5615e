import { applyPatch, type Json, jsonEquals, type PatchOperation } from "@tidemark/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { delta } from "../../support/fake-server.js";
import { type Board, following, reconnect, type World } from "./world.js";

interface Card {
  readonly id: string;
  readonly text: string;
}

interface Shown {
  readonly cards: { readonly [id: string]: Card };
  readonly rows: readonly Card[];
}

type View = NonNullable<Board["state"]>;

/** What became of one key: undefined is absent. */
interface Net {
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

const START: Shown & { readonly title: string; readonly order: readonly string[] } = {
  title: "",
  order: [],
  cards: { a: { id: "a", text: "" }, b: { id: "b", text: "" } },
  rows: ["a", "b", "c"].map((id) => ({ id, text: "" })),
};

const IDS = ["a", "b", "c", "d", "e"];

/** One transaction on what is shown, made of three random numbers. */
function operationsFor(state: Shown, [what, first, second]: readonly [number, number, number]): PatchOperation[] {
  const id = IDS[first % IDS.length] ?? "a";
  const place = first % Math.max(1, state.rows.length);
  const free = IDS.find((name) => state.rows.every((row) => row.id !== name));
  const known = Object.hasOwn(state.cards, id);
  switch (what % 7) {
    case 0:
      return [[known ? "=" : "+", `/cards/${id}`, { id, text: String(second) }]];
    case 1:
      return known ? [["-", `/cards/${id}`]] : [];
    case 2:
      return known ? [["~", `/cards/${id}/text`, "x"]] : [];
    case 3:
      return free === undefined ? [] : [["+", `/rows/${second % (state.rows.length + 1)}`, { id: free, text: "" }]];
    case 4:
      return state.rows.length === 0 ? [] : [["-", `/rows/${place}`]];
    case 5:
      return state.rows.length === 0 ? [] : [["=", `/rows/${place}/text`, String(second % 2)]];
    default:
      return state.rows.length < 2 ? [] : [[">", `/rows/${place}`, `/rows/${second % state.rows.length}`]];
  }
}

/** Notes what listeners of both collections are told, from now on. */
function notes(board: Board): { readonly told: Map<string, Net[]>; begin(): void } {
  const told = new Map<string, Net[]>();
  const note = (key: string, net: Net): void => void told.set(key, [...(told.get(key) ?? []), net]);
  const observer = (where: string) => ({
    added: (item: object, key: string) => note(where + key, { before: undefined, after: plain(item) }),
    changed: (item: object, key: string, previous: object) =>
      note(where + key, { before: plain(previous), after: plain(item) }),
    removed: (item: object, key: string) => note(where + key, { before: plain(item), after: undefined }),
  });
  board.watch((state: View) => state.rows, { ...observer("rows/"), key: ({ id }) => id });
  board.watch((state: View) => state.cards, observer("cards/"));
  return { told, begin: () => told.clear() };
}

const plain = (value: object): Json => JSON.parse(JSON.stringify(value));

const same = (one: Json | undefined, other: Json | undefined): boolean =>
  one === other || (one !== undefined && other !== undefined && jsonEquals(one, other));

/** What a story comes to: each step must begin where the last one ended. */
function netOf(story: readonly Net[]): Net | undefined {
  for (const [index, step] of story.entries()) {
    const last = story[index - 1];
    if (last !== undefined) expect(step.before).toEqual(last.after);
  }
  const net = { before: story[0]?.before, after: story.at(-1)?.after };
  return same(net.before, net.after) ? undefined : net;
}

async function isolated(): Promise<World & { readonly board: Board }> {
  const made = await following();
  made.server.now.send(delta(1, 2, [["=", "", plain(START)]]));
  return made;
}

test("[SEQ-6] a reset tells the net of what a replay tells: by key, each difference once and nothing else", async () => {
  const step = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const [replayed, reset] = [await isolated(), await isolated()];
      const stories = [notes(replayed.board), notes(reset.board)] as const;
      for (const story of stories) story.begin();
      let state: Json = plain(START);
      let seq = 2;
      for (const dice of steps) {
        const operations = operationsFor(state as unknown as Shown, dice);
        if (operations.length === 0) continue;
        state = applyPatch(state, operations);
        replayed.server.now.send(delta(seq, ++seq, operations));
      }
      await reconnect(reset);
      reset.server.now.reset(JSON.parse(JSON.stringify(state)), { seq });
      expect(plain(reset.board.state ?? {})).toEqual(plain(replayed.board.state ?? {}));
      const [slow, fast] = stories;
      for (const key of new Set([...slow.told.keys(), ...fast.told.keys()])) {
        const net = netOf(slow.told.get(key) ?? []);
        expect([key, fast.told.get(key) ?? []]).toEqual([key, net === undefined ? [] : [net]]);
      }
      for (const { tide } of [replayed, reset]) tide.close();
    }),
    { numRuns: 300 },
  );
});
