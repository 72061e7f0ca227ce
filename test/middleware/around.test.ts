// Each middleware of the package around the measured applications: what held before holds around them.
import { brotliDecompressSync, constants, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { applications, moreOfTheKinds } from '../applications/index.js';
import { type Case, type RawRequest, type RawResponse, value } from '../conformance/case.js';
import { core, sender } from '../conformance/core.js';
import { shipped } from '../conformance/shipped.js';
import { client } from '../conformance/suite.js';

/** A case that may fail around a middleware: by its name and its error, and why. */
type Difference = [name: RegExp, error: RegExp, why: string];

const LENGTH: Difference = [
  /: Content-Length$/,
  /^Content-Length: got /,
  'a mapping changes the length: a stream loses it, and the gateway sets that of a list',
];
const VARY: Difference = [/^hd_dup_order/, /Vary|vary/, 'the response depends on a header of the request'];

const DIFFERS: Record<string, Difference[]> = {
  mapResponse: [LENGTH],
  'mapResponse, asynchronous': [
    LENGTH,
    [
      /^st101: 101 without|^kind: status "(0|1)/,
      /^events: got \["start_response ok"\]/,
      'an asynchronous head reaches the gateway, which refuses such a status, after startResponse has returned',
    ],
  ],
  cors: [VARY],
  compress: [VARY],
  'compress, gzip': [LENGTH, VARY],
  'compress, br': [LENGTH, VARY],
  'compress, zstd': [LENGTH, VARY],
  errorPages: [[/^status_app_418/, /^body: got "a page"/, 'it is the status that has a page']],
};

// A response may have broken off.
const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH, ZSTD_e_flush } = constants;
const decoders = {
  gzip: (body: Uint8Array) => gunzipSync(body, { finishFlush: Z_SYNC_FLUSH }),
  br: (body: Uint8Array) => brotliDecompressSync(body, { finishFlush: BROTLI_OPERATION_FLUSH }),
  zstd: (body: Uint8Array) => zstdDecompressSync(body, { finishFlush: ZSTD_e_flush }),
};

/** Sends as a client that accepts every coding, and reads what comes as one. */
function around(name: string, accept: string | undefined): (request: RawRequest) => Promise<RawResponse> {
  const send = sender();
  return async (request) => {
    const response = await send({
      ...request,
      headers: [
        ...(request.headers ?? []),
        ['X-Wsgi-Around', name],
        ...(name === 'basicAuth' ? [['Authorization', 'Basic dTpw'] as [string, string]] : []),
        ...(accept === undefined ? [] : [['Accept-Encoding', accept] as [string, string]]),
      ],
    });
    const coding = value(response, 'content-encoding') as keyof typeof decoders | undefined;
    if (accept === undefined || coding === undefined || response.body.length === 0) return response;
    return { ...response, body: decoders[coding](response.body) };
  };
}

const runs: Array<[title: string, name: string, accept: string | undefined]> = [
  ...Object.keys(shipped).map((name): [string, string, undefined] => [name, name, undefined]),
  ...Object.keys(decoders).map((coding): [string, string, string] => [`compress, ${coding}`, 'compress', coding]),
];

// A flush is a turn of the event loop, which the cases share: 5,000 of them take long.
describe.each(runs)('around %s', { timeout: 120_000 }, (title, name, accept) => {
  const differences = DIFFERS[title] ?? [];
  const used = new Set<Difference>();
  for (const one of [...applications, ...moreOfTheKinds] as Case[])
    for (const inside of ['bare', 'validator'] as const) {
      if (one.needs?.some((need) => need in core.inapplicable)) continue;
      // The client leaves at a fixed time, before which the body has ended unless it is compressed on a busy machine.
      if (accept !== undefined && one.name.includes('goes away during close()')) continue;
      it.concurrent(`${one.name} (${inside})`, async () => {
        // Cases that run side by side must not share a log.
        const { send, recall } = client({ send: around(name, accept) }, one, inside === 'validator');
        const { check } = (inside === 'validator' ? one.refused : undefined) ?? one;
        await check(send, recall).catch((error: Error) => {
          const known = differences.find(([named, failed]) => named.test(one.name) && failed.test(error.message));
          if (known === undefined) throw error;
          used.add(known);
        });
      });
    }
  it('has no difference in its table that does not occur', () => {
    expect(differences.filter((each) => !used.has(each))).toEqual([]);
  });
});
