// Tokens of the simulation: whose they are, how long they are good for, the team they say, and a serial that makes each
// another.

/** What a token says. */
export interface TokenFacts {
  readonly subject: string;
  readonly lifeMs: number;
  readonly team: string;
  readonly serial: number;
}

/** The token that says so. */
export const tokenFor = ({ subject, lifeMs, team, serial }: TokenFacts): string =>
  [subject, lifeMs, team, serial].join(":");

/** What a token says; a text that is no token says nothing. */
export function readToken(token: string): TokenFacts {
  const [subject = "", lifeMs, team = "", serial] = token.split(":");
  return { subject, lifeMs: Number(lifeMs ?? 0), team, serial: Number(serial ?? 0) };
}
