// The application that simulations run: its document types by name, and the documents there are. More types come here
// (timers), and their calls into workload/.
import type { App, Contract } from "@tidemark/protocol";
import { resolveApp } from "../../../src/document/definition/define-app.js";
import { defineApp } from "../../../src/index.js";
import { ballast } from "./ballast.js";
import { board } from "./board.js";
import type { Shown } from "./company.js";
import { counter } from "./counter.js";
import { CHANNELS } from "./hall.js";
import { table } from "./table.js";
import { vault } from "./vault.js";

/** The types, resolved. */
export const { types } = resolveApp(
  defineApp({ documents: { ballast, board, counter, table, vault }, channels: CHANNELS }),
);

/** Everything that every run touches. */
export const DOCUMENTS = ["counter/a", "counter/b", "board/a", "board/b", "vault/a", "table/a", "channel/a"] as const;

/** What actors know of any type: names are found at run time. */
interface AnyContract extends Contract {
  readonly view: { readonly [part: string]: unknown };
  readonly events: { readonly [name: string]: unknown };
  readonly signals: { readonly [name: string]: unknown };
  readonly presence: Shown;
}

/** The application as actors see it. */
export type SimulatedApp = App<{ readonly [type: string]: AnyContract }>;
