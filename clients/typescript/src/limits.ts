// The client's own bounds and intervals; those both sides share are in the protocol's LIMITS.

/** Units come last. */
export const CLIENT_LIMITS = Object.freeze({
  /** A stream outlives its last opening by so long: route changes and remounts reopen for nothing. */
  lingerMs: 5_000,
  /** A token is refreshed so long before it expires, or at half of a life shorter than twice that. */
  tokenLeadMs: 30_000,
  /** An answer is due so soon after a wake; the network may have gone while the page was frozen. */
  wakeGraceMs: 5_000,
  /** A timer later than this was held up by a frozen page, so silence proves nothing yet. */
  lateTimerMs: 1_000,
  /** An answer waits so long for the storage to forget its call. */
  storeWaitMs: 5_000,
  /** Between two looks for what other pages have left behind; less than the default deadline of their calls. */
  lookIntervalMs: 15_000,
  /** How often an audit looks again at a document that had moved on. */
  auditRetries: 4,
  /** Between two reports of what was counted. */
  reportIntervalMs: 60_000,
  /** A connection that lasted so long starts its back-off anew. */
  settledMs: 5_000,
  /** Our clocks may differ by so much in what time has passed; past it the server is asked what time it is. */
  clocksApartMs: 10_000,
  /** From the beginning of a connection to `welcome`; an application may take 10 s to say who somebody is. Less than
   * the 15 s within which everybody is back (R20). */
  welcomeMs: 12_000,
  /** From the beginning of a WebSocket to its handshake, where there is something to fall back to. */
  handshakeMs: 5_000,
  /** The same of one request of the fallback: later, it does not get through, or its answer is held back. */
  streamWelcomeMs: 5_000,
  /** How soon a WebSocket is tried again while it does not get through, doubled each time, at the most. */
  trialBaseMs: 1_000,
  trialCapMs: 300_000,
  /** How long calls under way are waited for before another transport takes over, and how often that is looked at. */
  switchWaitMs: 5_000,
  switchLookMs: 100,
  /** From one poll to the next. */
  pollGapMs: 100,
  /** How long what is asked for again stays as live as it was. */
  renewalMs: 15_000,
  /** Requests with calls that are under way at once. */
  callPostsMax: 4,
  /** A call that is posted may begin for so long; by so much more clocks may differ in how fast they go. */
  notAfterMs: 5_000,
  notAfterMarginMs: 250,
  /** The answer to posted calls is waited for so long. */
  callPostMs: 20_000,
  /** One copy of a backend's request is waited for so long, and for its answer a little longer, before it is sent again. */
  copyMs: 10_000,
  copyMarginMs: 1_000,
  /** What is read of a refusal. */
  problemLengthMax: 16_384,
  /** How long to wait after a refusal that does not say. */
  refusedWaitMs: 1_000,
  /** Calls that wait to be sent; one more is refused. */
  unsentCallsMax: 10_000,
  /** Of calls that are made, the share that may be sent again after refusals; what a pause has saved; what time gives. */
  retryShare: 0.2,
  retryTokensMax: 32,
  retriesPerSecond: 1,
  /** What setTimeout can wait for. */
  timerMaxMs: 2 ** 31 - 1,
  /** The largest frame accepted: a snapshot of the largest state, and what travels with it. */
  frameBytesMax: 32 * 1_048_576,
});
