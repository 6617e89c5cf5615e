// The HTTP side of one server on a bench: the real routes over documents whose store and clock belong to the test. A
// request goes in without a socket; time passes only when it is asked for.
import type { Json } from "@tidemark/protocol";
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from "fastify";
import type { Documents } from "../../src/document/documents.js";
import { HttpApi } from "../../src/http/api.js";
import { httpApp } from "../../src/http/app.js";
import type { Identified, IdentityCheck } from "../../src/session/identity.js";
import { TrustedProxies } from "../../src/session/proxies.js";
import { type BenchOptions, DocumentBench } from "./document-bench.js";

/** How the HTTP side is set up. */
export interface HttpBenchOptions extends BenchOptions {
  readonly identify?: IdentityCheck;
  readonly origins?: readonly string[];
  readonly loopbackNamesOnly?: boolean;
  readonly trustProxy?: readonly string[];
  readonly callsPerSecond?: number;
}

/** What a request may say besides its address. */
export interface Saying {
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS" | "PATCH";
  /** Who sends it; default ann. */
  readonly as?: string;
  readonly headers?: Record<string, string>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: string | Buffer;
}

/** A reply under way. */
export interface Reply {
  readonly ended: Promise<LightMyRequestResponse>;
  isEnded: boolean;
}

const HOUR_MS = 3_600_000;

/** Documents behind HTTP. */
export class HttpBench {
  readonly bench: DocumentBench;
  readonly app: FastifyInstance;
  readonly api: HttpApi;
  /** Undefined: the server is starting or stopping. */
  documents: Documents | undefined;
  /** Tokens that were asked about. */
  readonly asked: string[];

  private constructor(parts: { bench: DocumentBench; app: FastifyInstance; api: HttpApi; asked: string[] }) {
    this.bench = parts.bench;
    this.app = parts.app;
    this.api = parts.api;
    this.asked = parts.asked;
    this.documents = parts.bench.documents;
  }

  static async open(options: HttpBenchOptions = {}): Promise<HttpBench> {
    const bench = new DocumentBench(options);
    const asked: string[] = [];
    const known: IdentityCheck = async (token) => {
      asked.push(token);
      return identityOf(token, bench.runtime.now() + HOUR_MS);
    };
    const made: { http?: HttpBench } = {};
    const api = new HttpApi({
      runtime: bench.runtime,
      identify: options.identify ?? known,
      documents: () => made.http?.documents,
      // Streams are tested over real sockets.
      sessions: () => undefined,
      origins: options.origins ?? [],
      loopbackNamesOnly: options.loopbackNamesOnly ?? false,
      proxies: new TrustedProxies(options.trustProxy),
      callsPerSecond: options.callsPerSecond ?? 0,
    });
    const app = await httpApp({ staticDir: undefined, ready: () => true, api });
    made.http = new HttpBench({ bench, app, api, asked });
    return made.http;
  }

  /** Sends a request; nothing is waited for. */
  begin(url: string, { method = "GET", as = "ann", headers = {}, body, raw }: Saying = {}): Reply {
    const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const request: InjectOptions = {
      url,
      method,
      headers: {
        ...(as === "" ? {} : { authorization: `Bearer ${as}` }),
        ...(payload === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(payload === undefined ? {} : { payload }),
    };
    const ended = Promise.resolve(this.app.inject(request));
    const reply: Reply = { ended, isEnded: false };
    ended.then(
      () => Object.assign(reply, { isEnded: true }),
      () => Object.assign(reply, { isEnded: true }),
    );
    return reply;
  }

  /** Sends a request and runs what needs no time until it is answered. */
  ask(url: string, saying?: Saying): Promise<LightMyRequestResponse> {
    return this.answer(this.begin(url, saying));
  }

  /** The same with a body; a POST. */
  post(url: string, body?: unknown, saying: Saying = {}): Promise<LightMyRequestResponse> {
    return this.ask(url, { method: "POST", ...(body === undefined ? {} : { body }), ...saying });
  }

  /** Runs what needs no time until it is answered. */
  async answer(reply: Reply): Promise<LightMyRequestResponse> {
    for (let turn = 0; !reply.isEnded; turn += 1) {
      if (turn > 10_000) throw new Error("it is never answered");
      await this.bench.settle();
    }
    return reply.ended;
  }

  /** Runs all that needs no time, requests on their way included. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await this.bench.settle();
  }
}

/** Whom a token of the bench stands for: its text, with `service:` before it an API key; `nobody` for nobody. */
function identityOf(token: string, expiresAt: number): Identified | undefined {
  if (token === "nobody") return undefined;
  const roles = token.startsWith("service:") ? ["service"] : [];
  return { principal: { id: token, roles, claims: { from: "bench" } }, space: "", expiresAt };
}

/** The body as JSON. */
export const jsonOf = (answer: LightMyRequestResponse): Json => JSON.parse(answer.body);
