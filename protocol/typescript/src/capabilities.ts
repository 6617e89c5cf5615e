// Words that peers announce in `caps`.

/** Of a client that only passes on what it is told: the server tells it everything unasked (EDGE-1). */
export const ONE_WAY = "one-way";
