// P20 and P21: what a socket.io 2 and Redis build is used for. HTTP callers publish to a thousand members of a channel, and
// newcomers are announced to as many present as one process has descriptors for.
import { type JoinResult, type PublishForm, type PublishResult, runJoins, runPublishes } from "../channel-load.js";
import type { ServerMemory } from "../memory.js";
import { watchingMemory } from "../process.js";
import { type River, startRiver } from "../river.js";
import type { Figures, RunLength, Scenario } from "../scenario.js";
import { tidemark, withServer } from "../servers.js";

const CHANNEL = "dogs";
const SUBSCRIBERS = 1_000;
const CALLERS = 16;
/** Descriptors are 20,000 a process on many machines: so many members, the newcomers, and a few files. */
const PRESENT = 19_000;
const JOINS = 700;
const JOINS_PER_SECOND = 200;
const SEEN_WITHIN_MS = 500;

async function withRiver<T>(use: (river: River) => Promise<T>): Promise<T> {
  const river = await startRiver();
  try {
    return await use(river);
  } finally {
    await river.stop();
  }
}

type Watched<T> = { readonly result: T; readonly memory: ServerMemory | undefined };

function publishFigures({ result, memory }: Watched<PublishResult>): Figures {
  const { deliveriesPerSecond: value, lagP50Ms, lagP99Ms, calmLagP99Ms, rssMb, rssAfterMb, drainSeconds } = result;
  const note =
    `${Math.round(result.publishedPerSecond)} posts/s; lag p50 ${lagP50Ms} p99 ${lagP99Ms} ms, unloaded p99 ${calmLagP99Ms} ms ` +
    `(x ${(lagP99Ms / calmLagP99Ms).toFixed(1)}); RSS ${rssMb} -> ${rssAfterMb} MB; all had arrived ${drainSeconds} s after the last`;
  return {
    ...{ value, wallSeconds: result.seconds, cpuSeconds: result.serverCpuSeconds, loadCpu: result.loadCpu },
    perCpuSecond: result.deliveries / result.serverCpuSeconds,
    ...(memory === undefined ? {} : { memory }),
    ...{ details: { ...result }, note },
  };
}

const tidemarkPublishes = ({ seconds, warmUpSeconds }: RunLength): Promise<Figures> =>
  withServer(tidemark, async (server) => {
    const { port, pid } = server;
    const load = { kind: "tidemark", port, serverPid: pid, token: "member-", members: SUBSCRIBERS } as const;
    const form: PublishForm = {
      ...{ httpPort: port, callers: CALLERS, path: `/v1/channels/${CHANNEL}/post` },
      ...{ authorization: "Authorization: Bearer publisher", bodyBefore: "", bodyAfter: "" },
    };
    return publishFigures(await watchingMemory(server, () => runPublishes({ ...load, seconds, warmUpSeconds }, form)));
  });

const riverPublishes = ({ seconds, warmUpSeconds }: RunLength): Promise<Figures> =>
  withRiver(async ({ sockets, publisher, token, keyHeader }) => {
    const { port, pid } = sockets;
    const load = { kind: "river", port, serverPid: pid, token, members: SUBSCRIBERS } as const;
    const form: PublishForm = {
      ...{ httpPort: publisher.port, callers: CALLERS, path: "/publish", authorization: keyHeader },
      ...{ bodyBefore: `{"channel":"${CHANNEL}","event":"post","data":`, bodyAfter: "}" },
    };
    return publishFigures(await watchingMemory(sockets, () => runPublishes({ ...load, seconds, warmUpSeconds }, form)));
  });

function joinFigures({ result, memory }: Watched<JoinResult>): Figures {
  const { joinsPerSecond: value, joins, seconds, seenP50Ms, seenP99Ms, members, rssMb, loadCpu } = result;
  const note = `${joins} joins in ${seconds.toFixed(1)} s, seen by all ${members} p50 ${seenP50Ms} p99 ${seenP99Ms} ms; ${rssMb} MB`;
  return {
    ...{ value, wallSeconds: seconds, cpuSeconds: result.serverCpuSeconds, loadCpu },
    ...(memory === undefined ? {} : { memory }),
    ...{ details: { ...result }, note },
  };
}

const tidemarkJoins = ({ seconds }: RunLength): Promise<Figures> =>
  withServer(tidemark, async (server) => {
    const { port, pid } = server;
    const load = { kind: "tidemark", port, serverPid: pid, token: "member-", members: PRESENT, seconds } as const;
    const watched = await watchingMemory(server, () =>
      runJoins(load, { joins: JOINS, joinsPerSecond: JOINS_PER_SECOND }),
    );
    const { seenP99Ms } = watched.result;
    // A join that some see later than promised does not count as one that all have seen.
    if (seenP99Ms > SEEN_WITHIN_MS) throw new Error(`joins were seen by all after ${seenP99Ms} ms`);
    return joinFigures(watched);
  });

/** Its joins take turns: more of them at once take as long all together. */
const riverJoins = ({ seconds }: RunLength): Promise<Figures> =>
  withRiver(async ({ sockets, token }) => {
    const { port, pid } = sockets;
    const load = { kind: "river", port, serverPid: pid, token, members: PRESENT, seconds } as const;
    return joinFigures(await watchingMemory(sockets, () => runJoins(load, { joins: JOINS })));
  });

export const publishes: Scenario = {
  id: "P20-publishes",
  title: `deliveries of HTTP publishes to ${SUBSCRIBERS} members of one channel by ${CALLERS} callers in a closed loop, over a socket.io 2 and Redis build`,
  unit: "deliveries/s",
  subject: { name: "tidemark", measure: tidemarkPublishes },
  peer: { name: "socket.io 2", measure: riverPublishes },
  goal: { atLeast: 15 },
  aboutSeconds: 60,
};

function lagUnderLoad(): Scenario {
  let last: Figures | undefined;
  return {
    id: "P20-lag",
    title: "p99 from a publish to a member under the load of P20-publishes, over the p99 of one publish at a time",
    unit: "ms",
    subject: {
      name: "loaded",
      async measure(length) {
        last = await tidemarkPublishes(length);
        return { ...last, value: last.details["lagP99Ms"] ?? Number.NaN };
      },
    },
    peer: {
      name: "unloaded",
      async measure(length) {
        const { details } = last ?? (await tidemarkPublishes(length));
        return { value: details["calmLagP99Ms"] ?? Number.NaN, details: {} };
      },
    },
    goal: { atMost: 10 },
  };
}

export const publishLag = lagUnderLoad();

export const joins: Scenario = {
  id: "P21-joins",
  title: `joins a second seen by all ${PRESENT} present, ${JOINS_PER_SECOND} offered, over a socket.io 2 and Redis build that announces each`,
  unit: "joins/s",
  subject: { name: "tidemark", measure: tidemarkJoins },
  peer: { name: "socket.io 2", measure: riverJoins },
  goal: { atLeast: 50 },
  aboutSeconds: 90,
};
