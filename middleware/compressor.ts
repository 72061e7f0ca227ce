import { concatenate } from '../src/body.js';

/** A content coding that this module makes. */
export type Encoding = 'gzip' | 'br' | 'zstd';

/** Compresses one body. */
export interface Compressor {
  /** Takes a chunk, and returns the bytes that are ready: all of them, so that the client can read the chunk, if the
   *  compressor was made to flush. */
  push(chunk: Uint8Array): Promise<Uint8Array>;
  end(): Promise<Uint8Array>;
  /** Frees the memory of a body that broke off. */
  destroy(): void;
}

/** A coding and the way to make it on this platform. */
export interface Codec {
  encoding: Encoding;
  /** Its compressors can flush, so a stream does not have to be held back. */
  flushes: boolean;
  create(flush: boolean): Compressor;
}

let known: Codec[] | undefined;

/** The codings of this platform, the best first: from `node:zlib`, which Workers with a recent compatibility date have too, or
 *  else from CompressionStream, which can't flush. */
export function codecs(): Codec[] {
  known ??= nodeCodecs() ?? webCodecs();
  return known;
}

// The part of node:zlib that is used. An import would make bundlers for other platforms fail.
interface Zlib {
  createGzip(options: object): Transform;
  createBrotliCompress(options: object): Transform;
  createZstdCompress?(options: object): Transform;
  constants: Record<string, number>;
}
interface Transform {
  on(event: 'data', take: (chunk: Uint8Array) => void): void;
  on(event: 'error', take: (error: unknown) => void): void;
  on(event: 'end', take: () => void): void;
  write(chunk: Uint8Array, done?: () => void): void;
  flush(done: () => void): void;
  end(): void;
  destroy(): void;
}
type Builtins = { process?: { getBuiltinModule?: (name: string) => unknown } };

function nodeCodecs(): Codec[] | undefined {
  const zlib = (globalThis as Builtins).process?.getBuiltinModule?.('node:zlib') as Zlib | undefined;
  if (typeof zlib?.createGzip !== 'function') return undefined;
  const { constants } = zlib;
  // Levels for responses that are made on the fly: close to the ratio of the highest, at a fraction of the time.
  const make: Array<[Encoding, (() => Transform) | undefined]> = [
    ['zstd', zlib.createZstdCompress && (() => zlib.createZstdCompress?.({}) as Transform)],
    ['br', () => zlib.createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY as number]: 4 } })],
    ['gzip', () => zlib.createGzip({ level: 6 })],
  ];
  return make.flatMap(([encoding, create]) =>
    create === undefined
      ? []
      : [{ encoding, flushes: true, create: (flush: boolean) => transformCompressor(create(), flush) }],
  );
}

function transformCompressor(transform: Transform, flush: boolean): Compressor {
  const ready: Uint8Array[] = [];
  let fail: (error: unknown) => void = () => {};
  let finish = () => {};
  transform.on('data', (chunk) => ready.push(chunk));
  transform.on('error', (error) => fail(error));
  transform.on('end', () => finish());
  return {
    push: (chunk) =>
      new Promise((resolve, reject) => {
        fail = reject;
        const done = () => resolve(take(ready));
        // The application may use the chunk again afterwards, so wait until it has been read.
        if (!flush) return transform.write(chunk, done);
        transform.write(chunk);
        transform.flush(done);
      }),
    end: () =>
      new Promise((resolve, reject) => {
        fail = reject;
        finish = () => resolve(take(ready));
        transform.end();
      }),
    destroy: () => transform.destroy(),
  };
}

const NAMES: Array<[Encoding, string]> = [
  ['br', 'brotli'],
  ['gzip', 'gzip'],
];

function webCodecs(): Codec[] {
  return NAMES.filter(([, format]) => isSupported(format)).map(([encoding, format]) => ({
    encoding,
    flushes: false,
    create: () => streamCompressor(new CompressionStream(format as CompressionFormat)),
  }));
}

function isSupported(format: string): boolean {
  try {
    new CompressionStream(format as CompressionFormat);
    return true;
  } catch {
    return false;
  }
}

function streamCompressor({ readable, writable }: CompressionStream): Compressor {
  const ready: Uint8Array[] = [];
  const writer = writable.getWriter();
  const reader = readable.getReader();
  const pump = async (): Promise<void> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      ready.push(value);
    }
  };
  const read = pump();
  read.catch(() => {}); // write() and close() reject with the same error.
  return {
    async push(chunk) {
      await writer.write(chunk as Uint8Array<ArrayBuffer>);
      return take(ready);
    },
    async end() {
      await writer.close();
      await read;
      return take(ready);
    },
    destroy: () => void writer.abort().catch(() => {}),
  };
}

function take(ready: Uint8Array[]): Uint8Array {
  const chunks = ready.splice(0);
  return concatenate(
    chunks,
    chunks.reduce((sum, chunk) => sum + chunk.length, 0),
  );
}
