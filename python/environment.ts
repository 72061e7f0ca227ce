/** Environment variables, such as those of `process.env`. One that is undefined is not set. */
export type Environment = Record<string, string | undefined>;

/** The variables that are set. */
export const definedIn = (env: Environment): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
