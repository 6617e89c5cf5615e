// Many cases at once on one server: sessions over sockets of the test, virtual time, a space for each case. In a shadow
// world, documents that a viewer may know nothing of do not exist: to that viewer it must look the same.
import { CHANNEL_TYPE, type Json } from "@tidemark/protocol";
import type { ResolvedType } from "../../../src/document/definition/resolved-type.js";
import type { Documents } from "../../../src/document/documents.js";
import type { Grant, Right } from "../../../src/document/grants.js";
import type { Identified } from "../../../src/session/identity.js";
import { MemoryDisk } from "../../../src/storage/memory/memory-disk.js";
import { MemoryStore } from "../../../src/storage/memory/memory-store.js";
import { nameKey } from "../../../src/storage/name-key.js";
import { type BenchClient, SessionBench } from "../../support/session-bench.js";
import { VirtualRuntime } from "../../support/virtual-runtime.js";
import type { Case, OwnerDeed, Rights } from "./cases.js";
import { Model, type Secret } from "./model.js";
import { typeOf } from "./types.js";
import { callOf, Viewer } from "./viewer.js";

/** A bug of the server, put there on purpose. */
export interface Mutant {
  readonly documents?: (documents: Documents) => Documents;
  readonly type?: (type: ResolvedType) => ResolvedType;
  /** Whatever the tokens say. */
  readonly space?: string;
  /** Takes effect until what it returns is called. */
  readonly patch?: () => () => void;
}

const ALL: readonly Right[] = ["open", "call", "publish", "presence", "create", "delete", "list", "history"];
const LONG_MS = 86_400_000;
const KINDS: Partial<Record<OwnerDeed, Secret["kind"]>> = { whisper: "whisper", own: "owned", hide: "hidden" };

/** One case on its way. */
export class Run {
  readonly number: number;
  readonly case: Case;
  readonly model: Model;
  /** What went otherwise than it must. */
  readonly faults: string[] = [];
  readonly #secrets = new Map<string, Secret>();
  rights: Rights;
  #refreshes = 0;

  constructor(number: number, one: Case) {
    this.number = number;
    this.case = one;
    this.rights = one.rights;
    this.model = new Model(one);
  }

  get type(): string {
    return this.case.policy.shape === "channel" ? CHANNEL_TYPE : `t${this.number}`;
  }

  get doc(): string {
    return `${this.type}/doc`;
  }

  get space(): string {
    return `s${this.number}`;
  }

  /** The viewer's id, which is also the key of what is theirs. */
  get id(): string {
    return `viewer-${this.number}`;
  }

  /** Names the rights of this moment. */
  get token(): string {
    return `${this.number}:${this.#refreshes}`;
  }

  get identity(): Pick<Identified, "principal" | "grants" | "space"> {
    const { roles, grants } = this.rights;
    const own = grants.map(({ doc, may }): Grant => ({ doc: doc.replace("TYPE", this.type), may }));
    return { principal: { id: this.id, roles, claims: {} }, grants: own, space: this.space };
  }

  refresh(rights: Rights): void {
    this.rights = rights;
    this.#refreshes += 1;
  }

  /** A text that is nowhere else. */
  secret(kind: Secret["kind"], mine: boolean): string {
    const text = `<${this.number}.${this.#secrets.size}>`;
    this.#secrets.set(text, { kind, mine, step: this.model.step });
    return text;
  }

  expect(what: string, expected: unknown, heard: unknown): void {
    const [one, other] = [JSON.stringify(expected), JSON.stringify(heard)];
    if (one !== other) this.faults.push(`${what}: expected ${one}, heard ${other}`);
  }

  /** Looks for what must not have been seen, in all that ever came. */
  search(transcript: string): void {
    if (transcript.includes("owner-")) this.faults.push("saw who the owner is");
    for (const [text] of transcript.matchAll(/<\d+\.\d+>/g)) {
      const secret = this.#secrets.get(text);
      if (secret === undefined) this.faults.push(`saw ${text}, of somebody else's document`);
      else if (!this.model.maySee(secret)) this.faults.push(`saw a secret: ${JSON.stringify(secret)}`);
    }
  }
}

/** What is done at each step. */
type Each = (
  run: Run,
  part: { readonly viewer: Viewer; readonly owner: BenchClient | undefined },
) => (() => void) | undefined;

/** Runs cases side by side. Gives what each viewer was sent. */
export async function play(runs: readonly Run[], mutant: Mutant = {}, isShadow = false): Promise<readonly string[]> {
  const world = new World(runs, mutant);
  const parts = await world.begin(isShadow);
  await world.each(parts, (run, { owner }) => {
    if (run.case.born) owner?.say(callOf(1, "$", "create", { doc: run.doc, input: true }));
    return undefined;
  });
  const waves = Math.max(...runs.map((run) => run.case.waves.length));
  for (let wave = 0; wave < waves; wave += 1) {
    await world.each(parts, (run, { viewer, owner }) => ownerActs(run, { viewer, owner }, wave));
    await world.each(parts, (run, { viewer }) => refreshes(run, viewer, wave));
    for (let deed = 0; deed < 3; deed += 1) {
      await world.each(parts, (run, { viewer }) => {
        const tried = run.case.waves[wave]?.deeds[deed];
        if (tried === undefined || (run.model.isFollowing && /open|resume/i.test(tried))) return undefined;
        const { answer, ended } = run.model.deed(tried);
        viewer.try(tried, world.head(run));
        return () => {
          const heard = viewer.heard();
          if (tried !== "close") run.expect(`${tried}, wave ${wave}`, answer, heard.answer);
          run.expect(`streams that ended with ${tried}`, ended === undefined ? [] : [ended], heard.ended);
        };
      });
    }
  }
  return parts.map(({ viewer }, index) => {
    const { transcript } = viewer;
    runs[index]?.search(transcript);
    return transcript;
  });
}

function ownerActs(run: Run, { viewer, owner }: Parameters<Each>[1], wave: number): (() => void) | undefined {
  const deed = run.case.waves[wave]?.owner;
  if (deed === undefined) return undefined;
  const ended = run.model.owner(deed);
  owner?.say(ownerCall(run, deed, wave + 2));
  return () =>
    run.expect(
      `streams that ended when the owner did ${deed}`,
      ended === undefined ? [] : [ended],
      viewer.heard().ended,
    );
}

function ownerCall(run: Run, deed: OwnerDeed, n: number): ReturnType<typeof callOf> {
  if (deed === "create" || deed === "delete")
    return callOf(n, "$", deed, { doc: run.doc, ...(deed === "create" ? { input: true } : {}) });
  const mine = n % 2 === 0;
  const text = run.secret(KINDS[deed] ?? "text", mine);
  if (run.type === CHANNEL_TYPE) return callOf(n, run.doc, "publish", { event: "said", data: text });
  const open: Json = deed === "shut" || deed === "reopen" ? { open: deed === "reopen" } : {};
  const name = deed === "shut" || deed === "reopen" ? "write" : deed;
  return callOf(n, run.doc, name, { text, to: mine ? run.id : "somebody else", ...open });
}

function refreshes(run: Run, viewer: Viewer, wave: number): (() => void) | undefined {
  const rights = run.case.waves[wave]?.refresh;
  if (rights === undefined) return undefined;
  const ended = run.model.refresh(rights);
  run.refresh(rights);
  viewer.refresh(run.token);
  return () =>
    run.expect("streams that ended with a refresh", ended === undefined ? [] : [ended], viewer.heard().ended);
}

interface Part {
  readonly run: Run;
  readonly viewer: Viewer;
  readonly owner: BenchClient | undefined;
}

class World {
  readonly #runs: readonly Run[];
  readonly #mutant: Mutant;
  readonly #disk = new MemoryDisk();
  readonly #bench: SessionBench;

  constructor(runs: readonly Run[], mutant: Mutant) {
    this.#runs = runs;
    this.#mutant = mutant;
    const resolved = new Map<string, ResolvedType>();
    for (const run of runs) {
      const type = typeOf(run.case.policy);
      if (type !== undefined) resolved.set(run.type, mutant.type?.(type) ?? type);
    }
    const runtime = new VirtualRuntime();
    const store = new MemoryStore({ disk: this.#disk, runtime });
    const identify = (token: string) => this.#who(token);
    this.#bench = new SessionBench({ types: {}, resolved, store, runtime, identify, wrapDocuments: mutant.documents });
  }

  /** In a shadow world nobody owns what its viewer may know nothing of. */
  async begin(isShadow: boolean): Promise<readonly Part[]> {
    const parts = this.#runs.map((run): Part & { readonly sockets: readonly BenchClient[] } => {
      const socket = this.#greeting(run.token, `${run.number}a`);
      const owner = isShadow ? undefined : this.#greeting(`${run.number}:owner`, `${run.number}b`);
      return {
        run,
        viewer: new Viewer(socket, run.doc),
        owner,
        sockets: owner === undefined ? [socket] : [socket, owner],
      };
    });
    await this.#bench.settle();
    for (const { sockets } of parts) for (const { wire } of sockets) wire.take();
    return parts;
  }

  /** Lets each case do one thing, then all of it happen, then look at what came. */
  async each(parts: readonly Part[], act: Each): Promise<void> {
    const looks = parts.map((part) => act(part.run, part));
    await this.#bench.settle();
    for (const look of looks) look?.();
  }

  /** The true position of a document, as somebody might have been told it; a plausible one where there is none. */
  head({ space, type }: Run): readonly [epoch: number, seq: number] {
    const rows = this.#disk.documents.get(nameKey({ space, type, key: "doc" }))?.rowsAfter(0) ?? [];
    const [first] = rows;
    return first === undefined ? [1, 1] : [first.epoch, first.seq];
  }

  #greeting(token: string, client: string): BenchClient {
    const socket = this.#bench.connect();
    const id = Buffer.from(client.padEnd(16, "-")).toString("hex");
    socket.say(["hello", { v: 1, token, client: id, conn: 1, sdk: "test/1", caps: [] }]);
    return socket;
  }

  #who(token: string): Identified | undefined {
    const [number, which] = token.split(":");
    const run = this.#runs.find((one) => String(one.number) === number);
    if (run === undefined) return undefined;
    const expiresAt = this.#bench.runtime.now() + LONG_MS;
    const { space = run.space } = this.#mutant;
    if (which !== "owner") return { ...run.identity, space, expiresAt };
    const principal = { id: `owner-${number}`, roles: ["service"], claims: {} };
    return { principal, space, grants: [{ doc: `${run.type}/*`, may: ALL }], expiresAt };
  }
}
