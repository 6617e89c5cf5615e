// P20 and P21: what a socket.io 2 and Redis build is used for. HTTP callers publish to a thousand members of a channel, and
// newcomers are announced to as many present as one process has descriptors for.
import { runJoins, runPublishes } from "../channel-load.js";
import type { ServerProcess } from "../process.js";
import { type River, startRiver } from "../river.js";
import type { Figures, RunLength, Scenario } from "../scenario.js";
import { tidemark, withDirectory } from "../servers.js";

const CHANNEL = "dogs";
const SUBSCRIBERS = 1_000;
const CALLERS = 16;
/** Descriptors are 20,000 a process on many machines: so many members, the newcomers, and a few files. */
const PRESENT = 19_000;
const JOINS = 700;
const JOINS_PER_SECOND = 200;
const SEEN_WITHIN_MS = 500;

async function withTidemark<T>(use: (server: ServerProcess) => Promise<T>): Promise<T> {
  return withDirectory(async (directory) => {
    const server = await tidemark(directory);
    try {
      return await use(server);
    } finally {
      await server.stop();
    }
  });
}

async function withRiver<T>(use: (river: River) => Promise<T>): Promise<T> {
  const river = await startRiver();
  try {
    return await use(river);
  } finally {
    await river.stop();
  }
}

const publishFigures = (result: Awaited<ReturnType<typeof runPublishes>>): Figures => {
  const { deliveriesPerSecond: value, lagP50Ms, lagP99Ms, calmLagP99Ms, rssMb, rssAfterMb, drainSeconds } = result;
  const note =
    `${Math.round(result.publishedPerSecond)} posts/s; lag p50 ${lagP50Ms} p99 ${lagP99Ms} ms, unloaded p99 ${calmLagP99Ms} ms ` +
    `(x ${(lagP99Ms / calmLagP99Ms).toFixed(1)}); RSS ${rssMb} -> ${rssAfterMb} MB; all had arrived ${drainSeconds} s after the last`;
  return {
    value,
    perCpuSecond: result.deliveries / result.serverCpuSeconds,
    loadCpu: result.loadCpu,
    details: { ...result },
    note,
  };
};

const tidemarkPublishes = ({ seconds, warmUpSeconds }: RunLength): Promise<Figures> =>
  withTidemark(async ({ port, pid }) =>
    publishFigures(
      await runPublishes(
        { kind: "tidemark", port, serverPid: pid, token: "member-", members: SUBSCRIBERS, seconds, warmUpSeconds },
        {
          ...{ httpPort: port, callers: CALLERS, path: `/v1/channels/${CHANNEL}/post` },
          ...{ authorization: "Authorization: Bearer publisher", bodyBefore: "", bodyAfter: "" },
        },
      ),
    ),
  );

const riverPublishes = ({ seconds, warmUpSeconds }: RunLength): Promise<Figures> =>
  withRiver(async ({ sockets, publisher, token, keyHeader }) =>
    publishFigures(
      await runPublishes(
        {
          kind: "river",
          port: sockets.port,
          serverPid: sockets.pid,
          token,
          members: SUBSCRIBERS,
          seconds,
          warmUpSeconds,
        },
        {
          ...{ httpPort: publisher.port, callers: CALLERS, path: "/publish", authorization: keyHeader },
          ...{ bodyBefore: `{"channel":"${CHANNEL}","event":"post","data":`, bodyAfter: "}" },
        },
      ),
    ),
  );

const joinFigures = (result: Awaited<ReturnType<typeof runJoins>>): Figures => {
  const { joinsPerSecond: value, joins, seconds, seenP50Ms, seenP99Ms, members, rssMb, loadCpu } = result;
  const note = `${joins} joins in ${seconds.toFixed(1)} s, seen by all ${members} p50 ${seenP50Ms} p99 ${seenP99Ms} ms; ${rssMb} MB`;
  return { value, loadCpu, details: { ...result }, note };
};

async function tidemarkJoins({ seconds }: RunLength): Promise<Figures> {
  return withTidemark(async ({ port, pid }) => {
    const result = await runJoins(
      { kind: "tidemark", port, serverPid: pid, token: "member-", members: PRESENT, seconds },
      { joins: JOINS, joinsPerSecond: JOINS_PER_SECOND },
    );
    // A join that some see later than promised does not count as one that all have seen.
    if (result.seenP99Ms > SEEN_WITHIN_MS) throw new Error(`joins were seen by all after ${result.seenP99Ms} ms`);
    return joinFigures(result);
  });
}

/** Its joins take turns: more of them at once take as long all together. */
const riverJoins = ({ seconds }: RunLength): Promise<Figures> =>
  withRiver(async ({ sockets, token }) =>
    joinFigures(
      await runJoins(
        { kind: "river", port: sockets.port, serverPid: sockets.pid, token, members: PRESENT, seconds },
        { joins: JOINS },
      ),
    ),
  );

export const publishes: Scenario = {
  id: "P20",
  title: `deliveries of HTTP publishes to ${SUBSCRIBERS} members of one channel by ${CALLERS} callers in a closed loop, over a socket.io 2 and Redis build`,
  unit: "deliveries/s",
  subject: { name: "tidemark", measure: tidemarkPublishes },
  peer: { name: "socket.io 2", measure: riverPublishes },
  goal: { atLeast: 15 },
};

export const joins: Scenario = {
  id: "P21",
  title: `joins a second seen by all ${PRESENT} present, ${JOINS_PER_SECOND} offered, over a socket.io 2 and Redis build that announces each`,
  unit: "joins/s",
  subject: { name: "tidemark", measure: tidemarkJoins },
  peer: { name: "socket.io 2", measure: riverJoins },
  goal: { atLeast: 50 },
};
