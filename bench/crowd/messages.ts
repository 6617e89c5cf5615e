// What the benchmark and a process full of clients say to each other. Times are Unix ms: all run on one machine.

/** To the crowd. */
export type CrowdOrder =
  /** Connect so many clients, each to one of the documents in turn. `keepsMemory` false: whoever comes back has forgotten
   * what it held, like a page that was loaded again. */
  | {
      readonly order: "connect";
      readonly url: string;
      readonly clients: number;
      readonly documents: readonly string[];
      readonly keepsMemory: boolean;
    }
  /** From now on, note when each is at head again; `heads` are seqs by document that it must have reached. */
  | { readonly order: "watch"; readonly heads: { readonly [document: string]: number } }
  /** Nothing is written any more: compare with the writer's state and position. */
  | { readonly order: "compare"; readonly documents: { readonly [document: string]: Held } };

/** What somebody holds of a document. */
export interface Held {
  readonly seq: number;
  readonly state: string;
}

/** From the crowd. */
export type CrowdReport =
  | { readonly report: "connected" }
  | { readonly report: "back"; readonly clients: readonly Return[]; readonly cpuSeconds: number }
  | { readonly report: "compared"; readonly differing: number };

/** How one client came back. */
export interface Return {
  /** When it was live and at head. */
  readonly at: number;
  /** Sockets that it tried to open since the fault. */
  readonly attempts: number;
}
