import { ClientDisconnected } from '../src/errors.js';
import type { Environ } from '../src/types.js';
import { concat, type Pull, plain, pullFrom } from './bridge/pull.js';
import type { PythonInput } from './bridge/wire.js';

const BLOCK = 65_536; // bytes

/** The bodies in memory together may be as large as this number of bodies of `maxBuffered`. */
const BODIES = 4;

/** How long a client that expects a 100 (Continue) may take to send the first bytes, in milliseconds. Then the application is
 *  called without it, because it may answer without the body. */
const PATIENCE = 2000;

/** A request body that has been read, as far as it may be held in memory. */
export interface TakenBody {
  input: PythonInput;
  /** Gives all of it, if Python has to wait for the rest. */
  pull: Pull | undefined;
  /** Called for the bytes that arrive later. */
  onArrival: ((bytes: number) => void) | undefined;
  /** Says that the bytes are no longer in memory: when Python has its copy, or the request has ended. */
  free(): void;
}

let held = 0; // bytes of bodies in memory, in this isolate

/** Reads a request body to its end, or as far as it may be held in memory: the interpreter must not wait for a slow client.
 *  @param canWait  whether Python can wait for a longer body
 *  @returns the status of the answer to a body that can neither be held nor waited for */
export async function takeBody(
  environ: Environ,
  maxBuffered: number,
  canWait: () => Promise<boolean>,
): Promise<TakenBody | string> {
  const { CONTENT_LENGTH: length, HTTP_EXPECT: expect, 'wsgi.input': input } = environ;
  let size = 0;
  const free = (): void => {
    held -= size;
    size = 0;
  };
  const whole = (bytes: Uint8Array): TakenBody => {
    return { input: bytes.length === 0 ? undefined : bytes, pull: undefined, onArrival: undefined, free };
  };
  const parts: Uint8Array[] = [];
  const keep = (part: Uint8Array): void => {
    parts.push(plain(part));
    size += part.length;
    held += part.length;
  };
  try {
    if (length === '0') return whole(new Uint8Array(0));
    if (expect !== undefined && (await canWait())) {
      const first = input.read(1);
      if (!(await settlesWithin(first, PATIENCE))) return streamed(environ, first, free);
      keep(await first);
    }
    // The platform can read a body of known length in one step.
    else if (length !== undefined && Number(length) <= Math.min(BLOCK, maxBuffered))
      return whole(plain(await input.read()));
    do {
      const part = await input.read(Math.min(BLOCK, maxBuffered + 1 - size));
      if (part.length === 0) return whole(concat(parts, size));
      keep(part);
    } while (size <= maxBuffered && held <= BODIES * maxBuffered);
    if (await canWait()) return streamed(environ, Promise.resolve(concat(parts, size)), free);
    const status = size > maxBuffered ? '413 Content Too Large' : '503 Service Unavailable';
    free();
    return status;
  } catch (error) {
    free();
    throw error;
  }
}

/** A body that Python pulls.
 *  @param begun  its first bytes; if they have not come when Python pulls, its client is given up */
function streamed(environ: Environ, begun: Promise<Uint8Array>, free: () => void): TakenBody {
  let arrived = false;
  let pull: Pull | undefined;
  const settle = (): void => {
    arrived = true;
  };
  begun.then(settle, settle);
  const body: TakenBody = {
    input: true,
    async pull(atLeast, size) {
      if (!arrived) throw new ClientDisconnected('client: expects a 100 (Continue), and has not begun its body');
      pull ??= pullFrom(environ, plain(await begun), (bytes) => body.onArrival?.(bytes), free);
      return pull(atLeast, size);
    },
    onArrival: undefined,
    free,
  };
  return body;
}

async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}
