// Bugs of views: who sees whose layer, layers that stay behind, events for the wrong ears.
import type { HeldPosition } from "@tidemark/protocol";
import { DocumentViews } from "../../../src/document/views/document-views.js";
import { Layer } from "../../../src/document/views/layer.js";
import { LayerTable } from "../../../src/document/views/layer-table.js";
import { ReadIndex } from "../../../src/document/views/read-index.js";
import { ReplayRing } from "../../../src/document/views/replay-ring.js";
import { types } from "../app/app.js";
import { teamOf } from "../app/table.js";
import { audienceBut, type Mutant, openingsBut, replaced } from "./mutation.js";

/** What can go wrong with views. */
export const VIEW_MUTANTS: readonly Mutant[] = [
  {
    name: "one-mine-for-all",
    about: "whoever comes second sees the layer of whoever came first",
    mutation: () => {
      const first = new WeakMap<LayerTable, Layer>();
      return {
        patch: () =>
          replaced(LayerTable.prototype, "find", (find) => {
            return function (this: LayerTable, name) {
              const found = find.call(this, name) ?? (name.startsWith('["mine"') ? first.get(this) : undefined);
              if (found?.kind === "mine" && !first.has(this)) first.set(this, found);
              return found;
            };
          }),
      };
    },
  },
  {
    name: "layer-delta-dropped",
    about: "every fourth release tells nobody of one of its layers",
    mutation: () => {
      let count = 0;
      return {
        audience: (audience) => (document, options) => {
          const inner = audience(document, options);
          return audienceBut(inner, {
            release: (head, deltas) => {
              count += 1;
              inner.release(head, count % 4 === 0 ? new Map([...deltas].slice(1)) : deltas);
            },
          });
        },
      };
    },
  },
  {
    name: "layers-released-apart",
    about: "what one commit does to two layers comes in two frames",
    mutation: () => ({
      audience: (audience) => (document, options) => {
        const inner = audience(document, options);
        return audienceBut(inner, {
          release: (head, deltas) => {
            for (const delta of deltas) inner.release(head, new Map([delta]));
            if (deltas.size === 0) inner.release(head, deltas);
          },
        });
      },
    }),
  },
  {
    name: "team-never-changes",
    about: "a refreshed token changes nothing of what its owner sees",
    mutation: () => ({ patch: () => replaced(DocumentViews.prototype, "regroup", () => () => undefined) }),
  },
  {
    name: "view-not-recomputed",
    about: "one of those who read what was written is not asked again",
    mutation: () => ({
      patch: () =>
        replaced(ReadIndex.prototype, "touchedBy", (touchedBy) => {
          return function (this: ReadIndex<unknown>, operations) {
            const touched = touchedBy.call(this, operations);
            const [reader] = [...touched].slice(-1);
            if (touched.size > 1) touched.delete(reader);
            return touched;
          };
        }),
    }),
  },
  {
    name: "view-replay-one-short",
    about: "a replay of a layer leaves out its first delta",
    mutation: () => ({
      patch: () =>
        replaced(ReplayRing.prototype, "after", (after) => {
          return function (this: ReplayRing, layer, seq) {
            return after.call(this, layer, seq)?.slice(1);
          };
        }),
    }),
  },
  {
    name: "left-layer-not-caught-up",
    about: "a layer that nobody followed for a while is shown as it was left",
    mutation: () => ({
      patch: () =>
        replaced(Layer.prototype, "moveTo", (moveTo) => {
          return function (this: Layer, tree) {
            return this.followers === 0 ? "[]" : moveTo.call(this, tree);
          };
        }),
    }),
  },
  {
    name: "audience-ignored",
    about: "everybody hears what is meant for one team",
    mutation: () => ({
      patch: () => {
        const audiences = types.get("table")?.audiences;
        if (audiences === undefined) throw new TypeError("the table has no audiences");
        return replaced(audiences as Map<string, never>, "get", () => () => undefined);
      },
    }),
  },
  {
    name: "view-tag-ignored",
    about: "a layer is gone on with though it was another one before",
    mutation: () => {
      const tags = new Map<string, string>();
      return {
        documents: (documents) =>
          openingsBut(documents, {
            opened: (opening, { follower }) => {
              const [, mine] = opening.kind === "view" ? opening.layers : [];
              if (mine !== undefined) tags.set(teamOf(follower.caller.principal), mine.tag);
              return opening;
            },
            open: (request) => {
              const { heldMine, follower } = request;
              const tag = tags.get(teamOf(follower.caller.principal));
              if (heldMine === undefined || tag === undefined || heldMine[2] === "!") return request;
              const claimed: HeldPosition = [heldMine[0], heldMine[1], tag];
              return { ...request, heldMine: claimed };
            },
          }),
      };
    },
  },
];
