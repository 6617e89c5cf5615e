// Turns "any name" into one function per name, which is all that typed calls are at run time: the names exist only in
// the contract, as types.

/** An object with a function for every name; the same name gives the same function. */
export function methods<Method>(make: (name: string) => Method): { readonly [name: string]: Method } {
  const made = new Map<string, Method>();
  return new Proxy<{ readonly [name: string]: Method }>(
    {},
    {
      get(_target, name) {
        // An object with a `then` would be taken for a promise by `await`.
        if (typeof name === "symbol" || name === "then") return undefined;
        const method = made.get(name) ?? make(name);
        made.set(name, method);
        return method;
      },
    },
  );
}
