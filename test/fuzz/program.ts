// Applications that do anything an application can do, as data: made by fast-check, run by one interpreter inside each
// target, with a note of what they saw.
import type { Application, HeaderList, StartResponse } from '../../src/types.js';

/** What a program does, one thing after the other. */
export type Step =
  | { do: 'start'; status: string; headers: HeaderList; excInfo: boolean }
  | { do: 'write'; bytes: number[]; wait: boolean }
  /** A chunk, where the body is being iterated. */
  | { do: 'chunk'; bytes: number[] }
  /** What is no chunk. */
  | { do: 'junk'; what: keyof typeof JUNK }
  | { do: 'throw'; what: keyof typeof THROWN }
  | { do: 'pause' }
  | { do: 'read'; size: number | null }
  | { do: 'outlive' };

export interface Program {
  shape: 'list' | 'async list' | 'generator' | 'async generator' | 'iterator' | 'no body';
  /** Before the body is returned, or, in a generator, before its first chunk. */
  before: Step[];
  /** While the body is iterated; of a list, its chunks. */
  body: Step[];
  close: 'none' | 'returns' | 'resolves' | 'throws' | 'rejects';
}

/** What a program has seen. */
export interface Note {
  /** Bodies with a `close` that the gateway has been given. */
  handed: number;
  closed: number;
  /** Bytes that the application had a right to see arrive: write() resolved, or the next chunk was asked for. */
  accepted: number[];
}

const JUNK = {
  string: 'text',
  number: 5,
  null: null,
  undefined: undefined,
  array: [1, 2],
  promise: Promise.resolve('text'),
  words: new Uint16Array(2),
} as const;
const THROWN = { error: new Error('a secret'), string: 'a secret', null: null, undefined: undefined } as const;

export const note = (): Note => ({ handed: 0, closed: 0, accepted: [] });

/** Makes the application of a program. */
export function interpret({ shape, before, body, close }: Program, seen: Note): Application {
  let write: ReturnType<StartResponse> | undefined;

  // A step that says what to wait for, or what to hand on as a chunk.
  const act = (step: Step, environ: Parameters<Application>[0], startResponse: StartResponse): unknown => {
    switch (step.do) {
      case 'start':
        write = startResponse(step.status, step.headers, step.excInfo ? new Error('handled') : undefined);
        return;
      case 'write': {
        const bytes = Uint8Array.from(step.bytes);
        const taken = write?.(bytes).then(() => void seen.accepted.push(...step.bytes));
        // Not awaited, a rejection must not end the process; ours is not the gateway's.
        taken?.catch(() => {});
        return step.wait ? taken : undefined;
      }
      case 'throw':
        throw THROWN[step.what];
      case 'pause':
        return new Promise((resolve) => setTimeout(resolve, 0));
      case 'read':
        return environ['wsgi.input'].read(step.size ?? undefined);
      case 'outlive':
        environ['wsgi_edge.wait_until'](Promise.reject(new Error('outlived')));
        return;
    }
    return;
  };
  const chunkOf = (step: Step): unknown =>
    step.do === 'chunk' ? Uint8Array.from(step.bytes) : step.do === 'junk' ? JUNK[step.what] : NONE;

  const closing = <Body extends object>(iterable: Body): Body => {
    if (close === 'none') return iterable;
    seen.handed++;
    const end = (): void | Promise<void> => {
      seen.closed++;
      if (close === 'throws') throw new Error('close threw');
      if (close === 'rejects') return Promise.reject(new Error('close rejected'));
      if (close === 'resolves') return Promise.resolve();
    };
    return Object.assign(iterable, { close: end });
  };

  const list = () => closing(body.map(chunkOf).filter((chunk) => chunk !== NONE)) as Uint8Array[];

  switch (shape) {
    case 'no body':
      return ((environ, startResponse) => {
        for (const step of before) act(step, environ, startResponse);
      }) as Application;
    case 'list':
      return (environ, startResponse) => {
        for (const step of before) act(step, environ, startResponse);
        return list();
      };
    case 'async list':
      return async (environ, startResponse) => {
        for (const step of before) await act(step, environ, startResponse);
        return list();
      };
    case 'generator':
      return (environ, startResponse) =>
        closing(
          (function* () {
            for (const step of [...before, ...body]) {
              const chunk = chunkOf(step);
              if (chunk === NONE) act(step, environ, startResponse);
              else yield chunk as Uint8Array;
            }
          })(),
        );
    case 'async generator':
      return (environ, startResponse) =>
        closing(
          (async function* () {
            for (const step of [...before, ...body]) {
              const chunk = chunkOf(step);
              if (chunk === NONE) await act(step, environ, startResponse);
              else yield chunk as Uint8Array;
            }
          })(),
        );
    case 'iterator':
      return (environ, startResponse) => {
        for (const step of before) act(step, environ, startResponse);
        const steps = [...body];
        return closing({
          [Symbol.iterator]: () => ({
            next() {
              for (;;) {
                const step = steps.shift();
                if (step === undefined) return { done: true as const, value: undefined };
                const chunk = chunkOf(step);
                if (chunk !== NONE) return { done: false as const, value: chunk as Uint8Array };
                act(step, environ, startResponse);
              }
            },
          }),
        });
      };
  }
}

const NONE = Symbol('no chunk');
