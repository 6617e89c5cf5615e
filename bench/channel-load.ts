// Runs the load of channels against a server and reads its one line of JSON. A load that found anything wrong throws.
import { finished, LoadFailure } from "./load.js";
import { nativeProgram } from "./native.js";
import { pinned } from "./pinning.js";

/** How the load gets in, and what it plays. */
export interface ChannelLoad {
  readonly kind: "tidemark" | "river";
  readonly port: number;
  readonly serverPid: number;
  readonly token: string;
  readonly members: number;
  /** More of them, in a process of their own. With callers only. */
  readonly beside?: number;
  /** Members show that they are present. */
  readonly present?: boolean;
  readonly seconds: number;
  readonly warmUpSeconds?: number;
  /** Where the load runs; default: its own core. */
  readonly cores?: "load" | "any";
}

/** How callers publish. */
export interface PublishForm {
  readonly httpPort: number;
  readonly callers: number;
  readonly path: string;
  readonly authorization: string;
  readonly bodyBefore: string;
  readonly bodyAfter: string;
}

/** What was seen of publishes within the window; lags are from the POST to a member, `calm` of one publish at a time. */
export interface PublishResult {
  readonly seconds: number;
  readonly published: number;
  readonly publishedPerSecond: number;
  readonly deliveries: number;
  readonly deliveriesPerSecond: number;
  readonly lagP50Ms: number;
  readonly lagP99Ms: number;
  readonly calmLagP50Ms: number;
  readonly calmLagP99Ms: number;
  /** Of the socket server, before and after the window. */
  readonly rssMb: number;
  readonly rssAfterMb: number;
  /** From the last publish until everything had arrived everywhere. */
  readonly drainSeconds: number;
  readonly serverCpuSeconds: number;
  readonly loadCpu: number;
}

/** What was seen of newcomers; `seen` is from the moment one dials until all members know. */
export interface JoinResult {
  readonly seconds: number;
  readonly joins: number;
  readonly joinsPerSecond: number;
  readonly seenP50Ms: number;
  readonly seenP99Ms: number;
  readonly members: number;
  readonly rssMb: number;
  readonly serverCpuSeconds: number;
  readonly loadCpu: number;
}

/** Callers that publish in a closed loop. */
export async function runPublishes(load: ChannelLoad, form: PublishForm): Promise<PublishResult> {
  const result: PublishResult = JSON.parse(
    await run(
      [
        ...argumentsOf(load),
        ...["--http-port", form.httpPort, "--callers", form.callers, "--publish-path", form.path],
        ...["--authorization", form.authorization, "--body-before", form.bodyBefore, "--body-after", form.bodyAfter],
      ],
      load.cores,
    ),
  );
  return result;
}

/** Newcomers, so many a second, or each when all have seen the one before. */
export async function runJoins(
  load: ChannelLoad,
  { joins, joinsPerSecond = 0 }: { readonly joins: number; readonly joinsPerSecond?: number },
): Promise<JoinResult> {
  const result: JoinResult = JSON.parse(
    await run([...argumentsOf(load), "--joins", joins, "--joins-per-second", joinsPerSecond]),
  );
  return result;
}

function argumentsOf(load: ChannelLoad): (string | number)[] {
  const { kind, port, serverPid, token, members, seconds, warmUpSeconds = 1, beside = 0, present = false } = load;
  return [
    ...["--kind", kind, "--port", port, "--server-pid", serverPid, "--token", token],
    ...["--beside", beside, "--present", present ? 1 : 0],
    ...["--members", members, "--seconds", seconds, "--warm-up", warmUpSeconds],
  ];
}

async function run(options: readonly (string | number)[], cores: "load" | "any" = "load"): Promise<string> {
  const [command, args] = pinned(cores, await nativeProgram("channel"), options.map(String));
  const { exitCode, stdout, stderr } = await finished(command, args);
  if (exitCode !== 0) throw new LoadFailure(`the load found something wrong:\n${stderr}${stdout}`);
  return stdout;
}
