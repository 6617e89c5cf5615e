// A line made of HTTP requests, for networks that do not let a WebSocket through. What is followed comes as the response to
// one request, which is made anew, from what is held, whenever it ends or something else is to be followed; calls are
// requests of their own. A response that a proxy holds back until its end is asked for as a poll.
import {
  CALLS_PATH,
  CLOSE,
  type ClientMessage,
  type Hello,
  jsonCodec,
  LIMITS,
  type PingMessage,
  POLL_PATH,
  type ServerMessage,
  STREAM_PATH,
  type Welcome,
} from "@tidemark/protocol";
import { CLIENT_LIMITS } from "../limits.js";
import type { Cancel, Platform } from "../platform/platform.js";
import { CallPosts } from "./call-posts.js";
import { httpUrl } from "./http-url.js";
import type { Line, LineListener, RequestSource } from "./line.js";
import { closeCodeOf, problemIn } from "./problem.js";

interface HttpLineOptions {
  readonly platform: Platform;
  /** Of the socket. */
  readonly url: URL;
  /** How it is followed. */
  readonly manner: "stream" | "poll";
  readonly source: RequestSource;
  readonly listener: LineListener;
}

/** Nobody said why. */
const CUT = 1_006;

export class HttpLine implements Line {
  readonly codec = jsonCodec;
  readonly #options: HttpLineOptions;
  readonly #calls: CallPosts;
  #hello: Hello | undefined;
  #token = "";
  #askedMs = 0;
  #pings: PingMessage[] = [];
  /** Documents by the numbers that calls may name them by. */
  #documents: ReadonlyMap<number, string> = new Map();
  #isScheduled = false;
  #isClosed = false;
  /** The newest request was welcomed. */
  #isWelcomed = false;
  #cancel: Cancel = () => undefined;
  #gap: Cancel = () => undefined;

  constructor(options: HttpLineOptions) {
    this.#options = options;
    const { platform, url, source, listener } = options;
    this.#calls = new CallPosts({
      platform,
      url: httpUrl(url, CALLS_PATH),
      source,
      refused: (code) => this.#over(code),
      frame: (frame) => this.#isClosed || listener.frame(frame),
    });
    platform.microtask(() => this.#isClosed || listener.opened());
  }

  get askedMs(): number {
    return this.#askedMs;
  }

  get isIdle(): boolean {
    return this.#calls.isIdle;
  }

  push(message: ClientMessage): boolean {
    switch (message[0]) {
      case "hello":
        return this.#greet(message[1]);
      case "auth":
        this.#takeToken(message[1].token);
        return this.#schedule();
      case "open":
      case "close":
      case "pres":
        return this.#schedule();
      case "sig":
        // Now or never, and there is nobody to take it (SIG-1).
        return true;
      case "ping":
        // Handles of what was asked for before mean nothing to whoever answers.
        this.#pings.push(message[3] === undefined ? ["ping", message[1], []] : ["ping", message[1], [], message[3]]);
        return this.#schedule();
      case "pong":
        return true;
      case "c": {
        const [type, n, target, ...rest] = message;
        const document = typeof target === "number" ? (this.#documents.get(target) ?? "") : target;
        return this.#calls.add([type, n, document, ...rest]);
      }
    }
  }

  flush(): void {
    this.#calls.flush();
  }

  welcomed(welcome: Welcome): void {
    this.#isWelcomed = true;
    this.#calls.welcomed(welcome.now);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
    this.#gap();
    this.#calls.close();
  }

  #greet({ token = "", ...hello }: Hello): boolean {
    this.#hello = hello;
    this.#takeToken(token);
    this.#calls.greeted(hello);
    // One that comes back at once, so that a proxy which holds it back holds up nothing.
    if (this.#options.manner === "poll") this.#pings.push(["ping", 0, []]);
    return this.#schedule();
  }

  #takeToken(token: string): void {
    this.#token = token;
    this.#calls.token = token;
  }

  /** All that happens in one tick is one request. */
  #schedule(): true {
    if (this.#isScheduled) return true;
    this.#isScheduled = true;
    this.#options.platform.microtask(() => {
      this.#isScheduled = false;
      if (!this.#isClosed) this.#ask();
    });
    return true;
  }

  #ask(): void {
    const { platform, source, url, manner } = this.#options;
    this.#cancel();
    this.#gap();
    if (this.#hello === undefined) return;
    const opens = source.opens();
    this.#documents = new Map(opens.map(([, { s, doc }]) => [s, doc]));
    const hello: ClientMessage = ["hello", { ...this.#hello, conn: source.nextConn() }];
    const messages = [hello, ...opens, ...this.#pings.splice(0)];
    this.#askedMs = platform.monotonicMs();
    this.#isWelcomed = false;
    const post = {
      url: httpUrl(url, manner === "poll" ? POLL_PATH : STREAM_PATH),
      token: this.#token,
      body: jsonCodec.join(messages.map((message) => jsonCodec.encode(message))),
    };
    this.#cancel = this.#follow(post);
  }

  #follow(post: Parameters<Platform["post"]>[0]): Cancel {
    const { platform, listener } = this.#options;
    let isCurrent = true;
    const stopPost = platform.post(post, {
      answered: (status) => {
        reader = status === 200 ? new Lines((line) => isCurrent && listener.frame(line)) : new Refused();
      },
      text: (chunk) => {
        if (isCurrent) reader?.take(chunk);
      },
      ended: (isWhole) => {
        if (!isCurrent) return;
        stop();
        if (reader instanceof Refused) this.#refused(reader.text);
        else this.#ended(isWhole);
      },
    });
    let reader: Lines | Refused | undefined;
    const stopWatch = this.#watch(() => {
      stop();
      this.#over(CLOSE.helloTimeout);
    });
    const stop = (): void => {
      isCurrent = false;
      stopWatch();
      stopPost();
    };
    return stop;
  }

  /** A request that is not even welcomed is one that does not get through, or whose answer is held back. */
  #watch(late: () => void): Cancel {
    const { platform, manner } = this.#options;
    const delayMs = CLIENT_LIMITS.streamWelcomeMs + (manner === "poll" ? LIMITS.pingIntervalMs : 0);
    return platform.setTimer(delayMs, () => {
      if (!this.#isWelcomed) late();
    });
  }

  #ended(isWhole: boolean): void {
    if (!this.#isWelcomed) return this.#over(CUT);
    // Ended by its server, or by somebody on the way who has had enough: it goes on where it was.
    const { platform, manner } = this.#options;
    const sinceMs = platform.monotonicMs() - this.#askedMs;
    if (manner === "stream" && sinceMs < CLIENT_LIMITS.settledMs) return this.#over(CUT);
    if (manner === "poll" && !isWhole) return this.#over(CUT);
    this.#gap = platform.setTimer(manner === "poll" ? CLIENT_LIMITS.pollGapMs : 0, () => this.#ask());
  }

  #refused(body: string): void {
    const problem = problemIn(body);
    this.#over(problem === undefined ? CUT : closeCodeOf(problem), problem?.refusal.afterMs);
  }

  #over(code: number, afterMs?: number): void {
    if (this.#isClosed) return;
    if (afterMs !== undefined) this.#hint(afterMs);
    this.close();
    this.#options.listener.closed(code);
  }

  /** As the server says it on a stream. */
  #hint(afterMs: number): void {
    const hint: ServerMessage = [
      "goaway",
      { code: "overloaded", afterMs: Math.ceil(afterMs), jitterMs: CLIENT_LIMITS.refusedWaitMs },
    ];
    this.#options.listener.frame(jsonCodec.frame(jsonCodec.encode(hint)));
  }
}

/** Cuts what comes into lines. */
class Lines {
  readonly #line: (line: string) => void;
  #begun: string[] = [];

  constructor(line: (line: string) => void) {
    this.#line = line;
  }

  take(chunk: string): void {
    const [first = "", ...rest] = chunk.split("\n");
    this.#begun.push(first);
    for (const next of rest) {
      const whole = this.#begun.join("");
      this.#begun = [next];
      if (whole !== "") this.#line(whole);
    }
  }
}

/** Keeps the beginning of what says why not. */
class Refused {
  text = "";

  take(chunk: string): void {
    if (this.text.length < CLIENT_LIMITS.problemLengthMax) this.text += chunk;
  }
}
