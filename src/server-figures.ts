// What a server counts of itself and what its clients report, gathered from the rooms and written to the log at an
// interval. It counts nothing by itself, and keeps nothing.
import type { LocalDocuments } from "./document/local-documents.js";
import type { Logger } from "./observability/logger.js";
import type { CancelTimer, Runtime } from "./runtime/runtime.js";
import type { ReportedByClients } from "./session/client-reports.js";
import type { SessionRegistry } from "./session/session-registry.js";

/** How often figures are logged unless somebody says otherwise: as often as clients report. */
export const FIGURES_INTERVAL_MS = 60_000;

/** One interval. `connections`, `newcomers` and `documents.loaded` are as of its end, everything else is a count of it. */
export interface ServerFigures {
  readonly connections: number;
  /** Connections that nobody has identified yet. */
  readonly newcomers: number;
  /** Upgrades answered by 503. */
  readonly sentAway: number;
  /** Newcomers closed to make room for others. */
  readonly crowdedOut: number;
  readonly documents: ReturnType<LocalDocuments["takeFigures"]>;
  readonly clients: ReportedByClients;
}

/** Where the figures come from. */
export interface FigureSources {
  readonly documents: LocalDocuments;
  readonly registry: SessionRegistry;
  readonly sockets: { takeSentAway(): number };
}

/** Takes what was counted since the last time. */
export function takeFigures({ documents, registry, sockets }: FigureSources): ServerFigures {
  return {
    connections: registry.size,
    newcomers: registry.newcomers.size,
    sentAway: sockets.takeSentAway(),
    crowdedOut: registry.newcomers.takeCrowdedOut(),
    documents: documents.takeFigures(),
    clients: registry.reports.take(),
  };
}

/** Logs the figures of each interval in which there was anything to count. Returns how to stop. */
export function logFigures(
  sources: FigureSources,
  { runtime, logger, everyMs }: { readonly runtime: Runtime; readonly logger: Logger; readonly everyMs: number },
): CancelTimer {
  let cancel: CancelTimer;
  const log = (): void => {
    const figures = takeFigures(sources);
    if (!isQuiet(figures)) logger.info({ figures }, "figures");
    cancel = runtime.setTimer(everyMs, log);
  };
  cancel = runtime.setTimer(everyMs, log);
  return () => cancel();
}

/** Nobody is there and nothing was counted. */
function isQuiet({ documents, clients, ...counts }: ServerFigures): boolean {
  const { loaded: _loaded, ...counted } = documents;
  return clients.reports === 0 && [...Object.values(counts), ...Object.values(counted)].every((count) => count === 0);
}
