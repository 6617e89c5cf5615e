// Every bound of protocol version 1 in one place. Defaults are named ...Max, the most a configuration may ask for
// ...Ceiling; everything else is fixed. Other rooms read them here and name none of their own.

const KIB = 1_024;
const MIB = 1_024 * KIB;
const DAY_MS = 86_400_000;

/** Bounds and intervals. Units come last: bytes, milliseconds, characters (`Length`), else a count. */
export const LIMITS = Object.freeze({
  /** JSON text of one document's state. */
  stateBytesMax: 4 * MIB,
  stateBytesCeiling: 16 * MIB,
  /** One incoming frame. */
  frameBytesMax: 1 * MIB,
  frameBytesCeiling: 16 * MIB,
  /** Everything a connection may send before it is authenticated. */
  helloBytesMax: 16 * KIB,
  /** JSON text of one call's input. */
  inputBytesMax: 1 * MIB,
  inputBytesCeiling: 8 * MIB,
  /** JSON text of one transaction's operations; also what applying one patch may build. */
  patchBytesMax: 1 * MIB,
  /** JSON text of one call's result, kept in its receipt. */
  resultBytesMax: 64 * KIB,
  /** Arrays and objects inside one another in a state, an input, a result, an event. */
  depthMax: 64,
  /** What a message adds around such a value: the message, a list, an operation or event, one to spare. */
  envelopeDepth: 4,
  /** Per connection. */
  subscriptionsMax: 1_000,
  /** Subscriptions that one connection gives up before it was sent what they begin with: steadily, and at once. */
  abandonedPerSecond: 50,
  abandonedBurst: 256,
  /** Readers of one edge: each has a socket to its reader, and one to the server. */
  edgeReadersMax: 9_000,
  /** Views of one document on one connection. */
  viewsPerConnectionMax: 32,
  /** View groups of one document: distinct view keys with their parameters. */
  viewGroupsMax: 1_000,
  /** How long a member may be away before it has left, ms. */
  membersGraceMsMax: 3_600_000,
  /** Messages that an opened channel begins with. */
  lastMessagesMax: 1_000,
  /** What a viewer passes to narrow its view, as JSON text: it is kept for as long as the view is open. */
  paramsBytesMax: 4 * KIB,
  /** Calls of one client without an answer. */
  inFlightMax: 256,
  /** Calls waiting at one document. */
  mailboxMax: 1_024,
  /** Transactions of one document that are not durable yet. */
  undurableTransactionsMax: 4_096,
  undurableBytesMax: 8 * MIB,
  /** The same of all documents of a process together. */
  workloadMax: 65_536,
  workloadBytesMax: 64 * MIB,
  /** Unsent bytes of one connection: past soft its subscriptions stop queueing, past hard it is closed. */
  outboundSoftBytes: 1 * MIB,
  outboundHardBytes: 16 * MIB,
  /** What comes in parts is sent on while the connection has less than this unsent. */
  outboundAheadBytes: 256 * KIB,
  /** A connection that takes nothing of what is unsent for so long is closed. */
  slowReaderMs: 60_000,
  /** An encoded state above this comes in parts, of slices so large. */
  snapshotWholeBytesMax: 256 * KIB,
  snapshotPartBytes: 64 * KIB,
  /** What openings under way hold in memory, on all connections of a process. */
  transferBytesMax: 64 * MIB,
  /** Paces that one document is followed at, the slowest, and what waits of one layer for the next beat. */
  pacesMax: 16,
  paceMsMax: 60_000,
  paceBytesMax: 1 * MIB,
  /** Encoded deltas of one document kept for replay. */
  replayRingBytesMax: 4 * MIB,
  /** A frame is flushed at so many messages or bytes. */
  frameMessagesMax: 256,
  frameFlushBytes: 256 * KIB,
  /** Subscriptions named by one ping or pong. */
  headsPerPing: 64,
  keyLengthMax: 128,
  typeLengthMax: 64,
  /** Names of messages, queries, events. */
  nameLengthMax: 128,
  /** A document id on the wire. Longer than a valid one, so that a malformed id fails its request, not the connection. */
  targetLengthMax: 1 * KIB,
  tokenLengthMax: 8 * KIB,
  /** Subject, tenant and number of a token. */
  claimLengthMax: 256,
  /** A token with more time left is not accepted, and so long revocations are kept. */
  tokenLifetimeMaxMs: 31 * DAY_MS,
  /** How far the clock of whoever signs tokens may differ. Below the 5 s of R17. */
  tokenLeewayMs: 3_000,
  /** Grants of one identity. */
  grantsMax: 256,
  /** The opaque tag of a position. */
  tagLengthMax: 128,
  /** Name and version of a client library. */
  sdkLengthMax: 128,
  traceLengthMax: 128,
  /** Capabilities, document types and layers listed in one message. */
  capabilitiesMax: 64,
  typesMax: 256,
  layersMax: 2,
  pingIntervalMs: 10_000,
  /** Subscriptions that pings of one connection have looked at, one at least for each: steadily, and at once. */
  headsPerSecond: 20_000,
  headsBurst: 50_000,
  watchdogMs: 25_000,
  helloTimeoutMs: 15_000,
  backoffBaseMs: 250,
  backoffCapMs: 5_000,
  firstPayloadMs: 10_000,
  /** Default deadline of a call. */
  deadlineMs: 30_000,
  /** Past it a call is never applied; receipts live longer. */
  requestHorizonMs: 7 * DAY_MS,
  /** How far `born` may lie in the future of the server's clock. */
  bornAheadMs: 60_000,
  /** The same for a call over HTTP under an idempotency key, and for one without, which nobody can repeat. */
  idempotencyHorizonMs: DAY_MS,
  keylessHorizonMs: 3_600_000,
  /** An idempotency key, of visible characters. */
  idempotencyKeyLengthMin: 8,
  idempotencyKeyLengthMax: 128,
  /** Calls of one HTTP request. */
  batchCallsMax: 100,
  /** Calls over HTTP without an answer, the bodies that are read for them, and the answers that were not taken yet. */
  httpInFlightMax: 4_096,
  httpBodyBytesMax: 64 * MIB,
  httpBodyBytesPerPrincipalMax: 8 * MIB,
  httpAnswerBytesMax: 256 * MIB,
  httpAnswerBytesPerPrincipalMax: 64 * MIB,
  /** Calls over HTTP of one principal. */
  httpCallsPerSecond: 1_000,
  /** Documents loaded for one principal, whether they exist or not: steadily, and at once. */
  documentLoadsPerSecond: 200,
  documentLoadsBurst: 10_000,
  /** A document that nobody uses is unloaded after so long; longer than a copy of a call can be under way. */
  idleUnloadMs: 60_000,
  /** WebSocket upgrades admitted. */
  upgradesPerSecond: 2_000,
  upgradesBurst: 4_000,
  /** Connections that the kernel keeps until they are accepted: what it has no room for comes again a second later. */
  acceptBacklog: 4_096,
  /** Signals of one connection, and what one of them may hold as JSON text. */
  signalsPerSecond: 20,
  signalBytesMax: 4 * KIB,
  /** What one signal becomes: messages to followers of one document. */
  signalMessagesPerSecond: 100_000,
  /** What somebody may show to the others, as JSON text. */
  presenceBytesMax: 1 * KIB,
  /** Those present of a document that are listed; all others only count. */
  presenceListedMax: 100,
  /** Who is present is told no more often, and what somebody shows is taken no more often. */
  presenceIntervalMs: 200,
  /** And so many messages a second about it for one document. */
  presenceMessagesPerSecond: 75_000,
  /** Whoever is cut off is present for so long. */
  presenceGraceMs: 10_000,
  /** Connections of one principal. */
  connectionsPerPrincipal: 1_000,
  /** Connections that nobody has identified yet. */
  newcomersMax: 8_192,
  /** Calls of the application's `authenticate` at a time; others wait. */
  authenticatingMax: 256,
});
