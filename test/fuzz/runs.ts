// How much the fuzz tests do: little in `npm test`, much in `npm run fuzz`.

/** Inputs for each property. */
export const RUNS = Number(process.env.FUZZ_RUNS ?? 300);
/** Of the inputs; another one each time unless FUZZ_SEED says which. fast-check names it where it finds something. */
export const SEED = process.env.FUZZ_SEED === undefined ? Date.now() % 2 ** 31 : Number(process.env.FUZZ_SEED);
export const TIMEOUT = 60_000 + RUNS * 20; // ms
