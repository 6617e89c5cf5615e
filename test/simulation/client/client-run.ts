// One client from `connect` to its end: the real client library over the simulated platform, and the application that
// uses it as the deeds say.
import { CODECS, type Codec, jsonCodec } from "@tidemark/protocol";
import type { OpenDocument } from "../../../clients/typescript/src/api/document.js";
import type { StreamStats } from "../../../clients/typescript/src/api/stats.js";
import type { Tide } from "../../../clients/typescript/src/api/tide.js";
import { createClient } from "../../../clients/typescript/src/client.js";
import { type SimulatedApp, types } from "../app/app.js";
import { isMortal } from "../app/board.js";
import { isChannel, mayListen, maySpeak } from "../app/hall.js";
import { shownTo } from "../app/shown.js";
import type { CompanyStanding, Sighting, Standing, Wave } from "../history/history.js";
import type { Mutation } from "../mutants/mutation.js";
import { ClientPlatform } from "../network/client-platform.js";
import type { Network } from "../network/network.js";
import type { Route } from "../network/route.js";
import { tokenFor } from "../server/token.js";
import type { CallShelf } from "../storage/call-shelf.js";
import { DELETE, type Deed, keyOf, MAY_FAIL, PATIENT_MS, typeOf } from "../workload/deeds.js";
import type { Chance } from "../world/chance.js";
import type { SimulatedProcess } from "../world/process.js";
import { asJson } from "./as-json.js";
import { ClientRecord, type ClientRecordParts } from "./client-record.js";
import { Companion } from "./companion.js";
import { ItemsWatch } from "./items-watch.js";

/** What a client is made of. */
export interface ClientRunParts extends Omit<ClientRecordParts, "codec"> {
  readonly process: SimulatedProcess;
  readonly route: Route;
  readonly network: Network;
  readonly codecName: "json" | "msgpack";
  /** Where its client id comes from. */
  readonly identity: Chance;
  readonly tokenLifeMs: number;
  /** One after the other, token by token. */
  readonly teams: readonly string[];
  /** The paces it asks for, ms. */
  readonly paces: { readonly [documentId: string]: number };
  /** Before then no token comes, ms. */
  readonly tokensFromMs: () => number;
  /** Where unanswered calls are kept for the pages after it; undefined: nowhere. */
  readonly shelf: CallShelf | undefined;
  readonly mutation: Mutation;
  /** It shows itself to the others. */
  readonly isSociable: boolean;
  /** Every wave of the run. */
  readonly waves: Wave[];
}

/** Every name of any type: those of others are never heard. */
const EVENTS = ["said", "gone", "empty", "played", "whispered"];

/** A document is not there. */
const ABSENT = ["not_found", "deleted"];
const MISSED_AFTER_MS = 4_000;

type Opened = OpenDocument<SimulatedApp, string>;

interface Opening {
  readonly document: Opened;
  /** Writes down where it stands. */
  readonly left: () => void;
}

/** What a call says: its token is in whatever it does. */
function inputOf({ documentId, input }: Extract<Deed, { kind: "call" }>, token: string): object {
  return isChannel(documentId) ? { event: "said", data: { token } } : { ...input, token };
}

/** A client and its application. */
export class ClientRun {
  readonly process: SimulatedProcess;
  readonly record: ClientRecord;
  readonly platform: ClientPlatform;
  readonly #parts: ClientRunParts;
  readonly #tide: Tide<SimulatedApp>;
  readonly #openings = new Map<string, Opening>();
  /** Undefined: it keeps to itself. */
  readonly #companion: Companion | undefined;
  #tokens = 0;

  constructor(parts: ClientRunParts) {
    this.#parts = parts;
    this.process = parts.process;
    const nowMs = (): number => parts.moment().atMs;
    this.#companion = parts.isSociable ? new Companion({ ...parts, nowMs }) : undefined;
    const codec: Codec = CODECS.find(({ name }) => name === parts.codecName) ?? jsonCodec;
    this.record = new ClientRecord({ ...parts, codec });
    this.platform = new ClientPlatform({
      ...parts,
      opening: () => this.record.socket(),
      reported: (error) => parts.problem("R19", `${parts.name} reports ${String(error)}`),
      randomBytes: (length) => parts.identity.bytes(length),
    });
    this.#tide = createClient<SimulatedApp>(
      {
        url: "https://simulated",
        token: () => this.#token(),
        codec: parts.codecName,
        transport: "websocket",
        ...(parts.shelf === undefined ? {} : { storage: parts.shelf.page(parts.process) }),
      },
      parts.mutation.platform?.(this.platform) ?? this.platform,
    );
  }

  get isConnected(): boolean {
    return this.#tide.status === "live";
  }

  /** What it has counted itself. */
  get stats(): StreamStats {
    return this.#tide.stats;
  }

  /** The documents it has open. */
  get open(): readonly string[] {
    return [...this.#openings.keys()];
  }

  perform(deed: Deed): void {
    switch (deed.kind) {
      case "call":
        return this.#call(deed);
      case "query":
        return this.#query(deed.documentId, deed.name);
      case "get":
        return this.#get(deed.documentId);
      case "open":
        return this.follow(deed.documentId);
      case "close":
        return this.unfollow(deed.documentId);
      case "probe":
        return this.#probe(deed.documentId);
      case "audit":
        return this.#audit(deed.documentId);
      case "delete":
        return this.#delete(deed.documentId);
      case "wave":
      case "show":
      case "hide":
        return this.#companion?.[deed.kind](deed.documentId);
    }
  }

  /** Opens a document and writes down all that it tells. */
  follow(documentId: string): void {
    if (this.#openings.has(documentId)) return;
    const everyMs = this.#parts.paces[documentId];
    const presence = this.#companion?.shows(documentId);
    const document = this.#tide.open(typeOf(documentId), keyOf(documentId), {
      create: true,
      ...(everyMs === undefined ? {} : { everyMs }),
      ...(presence === undefined ? {} : { presence }),
    });
    this.#companion?.joins(documentId, document);
    const see = this.record.subscription(documentId);
    const items = documentId.startsWith("board/") ? new ItemsWatch(document) : undefined;
    document.subscribe((state, change) => {
      const reason = change.cause === "reset" ? change.reason : undefined;
      const { cause, at } = change;
      see({ kind: "state", cause, reason, epoch: at.epoch, seq: at.seq, state: asJson(state) });
      if (items?.agrees(asJson(state)) === false) this.#disagree(documentId);
    });
    for (const name of EVENTS) {
      document.on(name, (data, { epoch, seq }) => see({ kind: "event", epoch, seq, name, data: asJson(data) }));
    }
    document.onStatus((status) => {
      if (status === "ended") this.#again(documentId, document);
    });
    document.on("gap", ({ from, to }) => see({ kind: "gap", from, to }));
    const left = (): void => {
      const { position } = document;
      if (position !== undefined && document.state !== undefined)
        see({ kind: "left", epoch: position.epoch, seq: position.seq });
    };
    this.#openings.set(documentId, { document, left });
  }

  unfollow(documentId: string): void {
    const opening = this.#openings.get(documentId);
    opening?.left();
    opening?.document.close();
    this.#companion?.leaves(documentId);
    this.#openings.delete(documentId);
  }

  /** Where everything it follows stands. */
  standings(): Omit<Standing, "head">[] {
    const { name, subject } = this.#parts;
    return [...this.#openings].map(([documentId, { document }]) => {
      const { epoch = 0, seq = 0 } = document.position ?? {};
      const { status, state } = document;
      const team = this.record.history.teams.at(-1) ?? "";
      return { client: name, subject, team, documentId, status, epoch, seq, state: asJson(state) };
    });
  }

  /** What it shows, and is told of the others. */
  company(): readonly CompanyStanding[] {
    return this.#companion?.standings() ?? [];
  }

  /** Where everything stands that it says is live, and at what pace that comes. */
  live(): (Pick<Sighting, "documentId" | "epoch" | "seq" | "team"> & { readonly everyMs: number })[] {
    return [...this.#openings].flatMap(([documentId, { document }]) => {
      const { status, position, state } = document;
      if (status !== "live" || position === undefined) return [];
      const everyMs = this.#parts.paces[documentId] ?? types.get(typeOf(documentId))?.everyMs ?? 0;
      return [{ documentId, team: shownTo(documentId, asJson(state)), everyMs, ...position }];
    });
  }

  /** The application ends as it should. */
  close(): void {
    for (const { left } of this.#openings.values()) left();
    this.#tide.close();
  }

  /** The process dies. */
  kill(): void {
    for (const { left } of this.#openings.values()) left();
    this.process.kill();
    this.record.gone("crashed");
  }

  #call(deed: Extract<Deed, { kind: "call" }>): void {
    const { documentId, name, deadlineMs } = deed;
    const opening = this.#openings.get(documentId)?.document;
    const ifSeq = deed.ifUnmoved === true ? opening?.position?.seq : undefined;
    const mayFail = [
      ...(MAY_FAIL[name] ?? []),
      ...(deadlineMs < PATIENT_MS ? ["deadline_exceeded"] : []),
      ...(deed.abortAfterMs === undefined ? [] : ["aborted"]),
      ...(ifSeq === undefined ? [] : ["conflict"]),
      ...this.#denials(documentId, "calls"),
    ];
    const call = this.record.call({ documentId, name, isQuery: false, mayFail });
    const signal = deed.abortAfterMs === undefined ? {} : { signal: this.#abortAfter(deed.abortAfterMs) };
    const options = { deadlineMs, ...signal, ...(ifSeq === undefined ? {} : { ifSeq }) };
    const senders = opening?.send ?? this.#tide.call(typeOf(documentId), keyOf(documentId));
    const sent = senders[name]?.(inputOf(deed, call.token), options);
    if (sent === undefined || !("receipt" in sent)) return;
    const patientUntilMs = this.process.monotonicMs() + deadlineMs;
    this.record.message(call, sent, () => {
      const isShown = opening?.status === "live" && this.process.monotonicMs() < patientUntilMs;
      return isShown ? opening.position?.seq : undefined;
    });
  }

  /** Positions are right or are healed: what is held at one must be what the server shows there. */
  #audit(documentId: string): void {
    const compared = this.#openings.get(documentId)?.document.audit();
    compared?.then(
      ({ equal, at }) => {
        if (equal !== false || this.record.history.mayDiverge) return;
        this.#parts.problem("R4", `${this.#parts.name}: an audit of ${documentId} at ${at.seq} finds a difference`);
      },
      () => undefined,
    );
  }

  /** It is gone: after a while somebody misses it, and makes it anew. */
  #again(documentId: string, document: Opened): void {
    if (this.#openings.get(documentId)?.document !== document) return;
    this.unfollow(documentId);
    this.process.setTimer(this.process.random() * MISSED_AFTER_MS, () => this.follow(documentId));
  }

  /** What a page leaves behind may be deleted by the next one: then nobody is there to write it down. */
  #delete(documentId: string): void {
    if (this.#parts.shelf !== undefined) return;
    const call = this.record.call({
      documentId,
      name: DELETE,
      isQuery: false,
      mayFail: [...ABSENT, "deadline_exceeded"],
    });
    this.record.query(call, this.#tide.service.delete(typeOf(documentId), keyOf(documentId)));
  }

  #query(documentId: string, name: string): void {
    const call = this.record.call({ documentId, name, isQuery: true, mayFail: this.#denials(documentId) });
    const opening = this.#openings.get(documentId)?.document;
    const askers = opening?.query ?? this.#tide.call(typeOf(documentId), keyOf(documentId));
    const asked = askers[name]?.(undefined, { deadlineMs: PATIENT_MS });
    if (asked !== undefined) this.record.query(call, asked);
  }

  #get(documentId: string): void {
    const call = this.record.call({
      documentId,
      name: "get",
      isQuery: true,
      mayFail: ["deadline_exceeded", ...this.#denials(documentId)],
    });
    const got = this.#tide.service.get(typeOf(documentId), keyOf(documentId));
    this.record.query(
      call,
      got.then(({ state, at }) => ({ state, epoch: at.epoch, at: at.seq })),
    );
  }

  #probe(documentId: string): void {
    const document = this.#openings.get(documentId)?.document;
    if (document === undefined) return;
    // On a slow network a probe may ask for a reset that was not needed.
    this.record.history.mayDiverge = true;
    document.probe().catch(() => undefined);
  }

  /** Everybody but its owner may be shut out of a vault at any time, some documents may be gone, and some tokens let their
   * holder listen only. */
  #denials(documentId: string, doing: "asks" | "calls" = "asks"): readonly string[] {
    const { subject, teams } = this.#parts;
    if (isMortal(documentId)) return ABSENT;
    if (isChannel(documentId)) {
      const always = doing === "asks" ? mayListen(subject) : teams.every((team) => maySpeak(subject, team));
      return always ? [] : ["denied"];
    }
    return typeOf(documentId) === "vault" && this.#parts.subject !== "ann" ? ["denied"] : [];
  }

  #abortAfter(ms: number): AbortSignal {
    const controller = new AbortController();
    this.process.setTimer(ms, () => controller.abort("the caller lost patience"));
    return controller.signal;
  }

  #token(): Promise<string> {
    const { subject, tokenLifeMs: lifeMs, teams } = this.#parts;
    const team = teams[this.#tokens % teams.length] ?? "";
    this.#tokens += 1;
    const token = tokenFor({ subject, lifeMs, team, serial: this.#tokens });
    const waitMs = Math.max(0, this.#parts.tokensFromMs() - this.process.monotonicMs()) + this.process.random() * 20;
    return new Promise((resolve) => this.process.post(waitMs, () => resolve(token)));
  }

  #disagree(documentId: string): void {
    this.#parts.problem("SEQ-6", `${this.#parts.name}: the changes of ${documentId} do not add up to its state`);
  }
}
