import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClientDisconnected, WsgiError } from '../src/errors.js';
import { createGateway } from '../src/gateway.js';
import { textToBytes } from '../src/native-string.js';
import { type Responder, run } from '../src/run.js';
import { testEnviron } from '../src/testing.js';
import type { Application, Body, GatewayOptions } from '../src/types.js';

// A target that can be slow, lose its client and run out of time.
function stage(app: Application, options: GatewayOptions = {}, method = 'GET') {
  const events: string[] = [];
  const lines: string[] = [];
  const aborter = new AbortController();
  const environ = testEnviron({ REQUEST_METHOD: method, 'wsgi_edge.signal': aborter.signal });
  const errors = { text: '' };
  environ['wsgi.errors'] = {
    write: (text) => {
      errors.text += text;
    },
    writelines: () => {},
    flush: () => void events.push('flush'),
  };
  let accept: (() => Promise<void>) | undefined;
  let finish: (() => Promise<void>) | undefined;
  const responder: Responder = {
    head: ({ status }, body) => {
      events.push(`head ${status}${body === undefined ? '' : body === null ? ' null' : ` ${body.length}`}`);
    },
    write: (chunk) => {
      events.push(`write ${new TextDecoder().decode(chunk)}`);
      return accept?.();
    },
    end: () => {
      events.push('end');
      return finish?.();
    },
    abort: () => void events.push('abort'),
  };
  return {
    events,
    lines,
    errors,
    environ,
    aborter,
    slow: (next: () => Promise<void>) => {
      accept = next;
    },
    endless: () => {
      finish = () => new Promise(() => {});
    },
    run: () => run(createGateway('test', app, options, 599), environ, responder),
  };
}

const body = (events: string[], chunks: string[]): Body => ({
  *[Symbol.iterator]() {
    try {
      for (const chunk of chunks) yield textToBytes(chunk);
    } finally {
      events.push('return');
    }
  },
  close() {
    events.push('close');
  },
});

afterEach(() => {
  vi.useRealTimers();
});

describe('run', () => {
  it('is done when it returns, where application and body are synchronous', () => {
    const test = stage((_, startResponse) => {
      startResponse('200 OK', []);
      return [textToBytes('ab'), textToBytes('c')];
    });
    expect(test.run()).toBeUndefined();
    expect(test.events).toEqual(['head 200 OK 3', 'flush']);
  });

  it('ends the body after the response: return(), then close()', async () => {
    const test: ReturnType<typeof stage> = stage((_, startResponse) => {
      startResponse('200 OK', []);
      return body(test.events, ['a', 'b']);
    });
    await test.run();
    expect(test.events).toEqual(['head 200 OK', 'write a', 'write b', 'return', 'end', 'close', 'flush']);
  });

  it('asks for the next chunk only when the platform has taken the last one', async () => {
    const test: ReturnType<typeof stage> = stage((_, startResponse) => {
      startResponse('200 OK', []);
      return (async function* () {
        for (const chunk of ['a', 'b']) {
          test.events.push(`make ${chunk}`);
          yield textToBytes(chunk);
        }
      })();
    });
    test.slow(async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      test.events.push('accepted');
    });
    await test.run();
    expect(test.events).toEqual([
      'make a',
      'head 200 OK',
      'write a',
      'accepted',
      'make b',
      'write b',
      'accepted',
      'end',
      'flush',
    ]);
  });

  it('stops an application that waits between two chunks when the client goes away', async () => {
    const test: ReturnType<typeof stage> = stage(async (_, startResponse) => {
      startResponse('200 OK', []);
      return {
        async *[Symbol.asyncIterator]() {
          try {
            yield textToBytes('a');
            await new Promise((resolve) => setTimeout(resolve, 20));
            yield textToBytes('b');
          } finally {
            test.events.push('return');
          }
        },
        close: () => void test.events.push('close'),
      };
    });
    const done = test.run();
    setTimeout(() => test.aborter.abort(new ClientDisconnected()), 5);
    await done;
    expect(test.events).toEqual(['head 200 OK', 'write a', 'abort', 'return', 'close', 'flush']);
    expect(test.errors.text).toBe('');
  });

  it('closes a body that hangs in next() all the same', async () => {
    vi.useFakeTimers();
    const test: ReturnType<typeof stage> = stage(async (_, startResponse) => {
      startResponse('200 OK', []);
      return {
        async *[Symbol.asyncIterator]() {
          yield textToBytes('a');
          await new Promise(() => {});
        },
        close: () => void test.events.push('close'),
      };
    });
    const done = test.run();
    await vi.advanceTimersByTimeAsync(1);
    test.aborter.abort(new ClientDisconnected());
    await vi.advanceTimersByTimeAsync(5_000);
    await done;
    expect(test.events).toEqual(['head 200 OK', 'write a', 'abort', 'close', 'flush']);
  });

  it('answers 500 when the time is up, and closes the body that comes too late', async () => {
    let answer: ((late: Body) => void) | undefined;
    const test: ReturnType<typeof stage> = stage((_, startResponse) => {
      startResponse('200 OK', []);
      return new Promise<Body>((resolve) => {
        answer = resolve;
      });
    });
    const done = test.run();
    test.aborter.abort(new WsgiError('platform: the time is nearly up'));
    await done;
    expect(test.events).toEqual(['head 500 Internal Server Error 22', 'flush']);
    expect(test.errors.text).toMatch(/the time is nearly up/);
    answer?.(body(test.events, ['a']));
    await expect.poll(() => test.events.at(-1)).toBe('close');
    expect(test.events.filter((event) => event === 'close').length).toBe(1);
  });

  it('answers 500 once and logs the stack, never the message to the client', async () => {
    const test = stage(() => {
      throw new Error('secret');
    });
    await test.run();
    expect(test.events).toEqual(['head 500 Internal Server Error 22', 'flush']);
    expect(test.errors.text).toMatch(/^Error: secret\n {4}at /);
  });

  it('logs the cause of an error, and what is no error', async () => {
    const caused = stage(() => {
      throw new Error('outer', { cause: new Error('inner') });
    });
    await caused.run();
    expect(caused.errors.text).toMatch(/Error: outer[\s\S]*caused by: Error: inner/);
    const odd = stage(() => {
      throw null;
    });
    await odd.run();
    expect(odd.events[0]).toBe('head 500 Internal Server Error 22');
    expect(odd.errors.text).toMatch(/application: threw null/);
  });

  it('lets onError answer in place of its own page', async () => {
    const failing: Application = () => {
      throw new Error('x');
    };
    const seen: unknown[] = [];
    const test = stage(failing, {
      onError: (error, environ) => {
        seen.push((error as Error).message, environ.PATH_INFO);
        return (_, startResponse) => {
          startResponse('503 Busy', []);
          return [textToBytes('busy')];
        };
      },
    });
    await test.run();
    expect(test.events).toEqual(['head 503 Busy 4', 'flush']);
    expect(seen).toEqual(['x', '/']);
  });

  it.each<[string, NonNullable<GatewayOptions['onError']>]>([
    ['returns nothing', () => {}],
    [
      'throws',
      () => {
        throw new Error('in onError');
      },
    ],
    [
      'gives a failing page',
      () => () => {
        throw new Error('in the page');
      },
    ],
  ])('falls back to its own page when onError %s', async (_, onError) => {
    const test = stage(
      () => {
        throw new Error('first');
      },
      { onError },
    );
    await test.run();
    expect(test.events).toEqual(['head 500 Internal Server Error 22', 'flush']);
    expect(test.errors.text).toMatch(/first/);
  });

  it('keeps private copies: an application may wreck its environ', async () => {
    const test = stage(
      (environ, startResponse) => {
        for (const key of Object.keys(environ)) delete environ[key];
        environ.REQUEST_METHOD = 'GET';
        startResponse('200 OK', []);
        return [textToBytes('body')];
      },
      {},
      'HEAD',
    );
    await test.run();
    expect(test.events).toEqual(['head 200 OK null', 'flush']);
  });

  it('survives a log that fails', async () => {
    const test = stage(() => {
      throw new Error('x');
    });
    test.environ['wsgi.errors'].write = () => {
      throw new Error('disk full');
    };
    await test.run();
    expect(test.events[0]).toBe('head 500 Internal Server Error 22');
  });

  it('rejects a write() after the response has ended, without an unhandled rejection', async () => {
    let write: ((data: Uint8Array) => Promise<void>) | undefined;
    const test = stage((_, startResponse) => {
      write = startResponse('200 OK', []);
      return [];
    });
    await test.run();
    await expect(write?.(textToBytes('late'))).rejects.toThrow(/write\(\) was called after the response had ended/);
    expect(test.events).toEqual(['head 200 OK 0', 'flush']);
    write?.(textToBytes('later'));
    await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it.each([
    ['a cause that leads back to itself', () => Object.assign(new Error('around'), { cause: undefined as unknown })],
    [
      'a stack that throws',
      () =>
        Object.defineProperty(new Error('hidden'), 'stack', {
          get() {
            throw new Error('in the getter');
          },
        }),
    ],
    ['nothing that can be named', () => new Proxy({}, { get: () => Symbol('x') })],
  ])('survives an error with %s', async (what, make) => {
    const error = make() as Error;
    if (what.startsWith('a cause')) error.cause = error;
    const test = stage(() => {
      throw error;
    });
    await test.run();
    expect(test.events).toEqual(['head 500 Internal Server Error 22', 'flush']);
    expect(test.errors.text).toMatch(what.startsWith('a cause') ? /around.*caused by: Error: around/s : /application/);
  });

  it('stops waiting for a platform that takes no more when the client goes away', async () => {
    for (const write of [false, true]) {
      const test: ReturnType<typeof stage> = stage((_, startResponse) => {
        const written = startResponse('200 OK', []);
        if (write) written(textToBytes('a'));
        return body(test.events, write ? [] : ['a', 'b']);
      });
      test.slow(() => new Promise(() => {}));
      const done = test.run();
      setTimeout(() => test.aborter.abort(new ClientDisconnected()), 5);
      await done;
      const ending = write ? ['return', 'abort'] : ['abort', 'return'];
      expect(test.events).toEqual(['head 200 OK', 'write a', ...ending, 'close', 'flush']);
      expect(test.errors.text).toBe('');
    }
  });

  it('stops waiting to end a whole response that failed, too', async () => {
    for (const stuck of ['write', 'end']) {
      const test: ReturnType<typeof stage> = stage((_, startResponse) => {
        startResponse('200 OK', [['Content-Length', '1']])(textToBytes('a'));
        throw new Error('late');
      });
      if (stuck === 'write') test.slow(() => new Promise(() => {}));
      else test.endless();
      const done = test.run();
      setTimeout(() => test.aborter.abort(new ClientDisconnected()), 5);
      await done;
      expect(test.events.slice(-2)).toEqual(['abort', 'flush']);
    }
  });

  it('lets a failed application write nothing into the page that answers its error', async () => {
    const late: Promise<unknown>[] = [];
    let write: ((data: Uint8Array) => Promise<void>) | undefined;
    const test = stage(
      (_, startResponse) => {
        write = startResponse('200 OK', []);
        throw new Error('failed');
      },
      {
        onError: () => async (_, startResponse) => {
          late.push(Promise.resolve(write?.(textToBytes('stale'))).catch((error: unknown) => error));
          await null;
          startResponse('503 Own', []);
          late.push(Promise.resolve(write?.(textToBytes('stale'))).catch((error: unknown) => error));
          return [textToBytes('own page')];
        },
      },
    );
    await test.run();
    expect(test.events).toEqual(['head 503 Own 8', 'flush']);
    for (const error of await Promise.all(late)) expect(error).toBeInstanceOf(WsgiError);
    expect(test.errors.text.split('write() was called after the response had ended').length).toBe(2);
  });

  it('says what onError gave that is no application', async () => {
    const test = stage(
      () => {
        throw new Error('failed');
      },
      { onError: (async () => () => []) as never },
    );
    await test.run();
    expect(test.events).toEqual(['head 500 Internal Server Error 22', 'flush']);
    expect(test.errors.text).toContain('onError: must return an application, not a Promise');
  });

  it('logs errors of another realm, and each of several', async () => {
    const foreign = runInNewContext("new Error('foreign')");
    const test = stage(() => {
      throw new AggregateError([new Error('one'), foreign], 'several');
    });
    await test.run();
    expect(test.errors.text).toMatch(/several.*caused by: Error: one.*caused by: Error: foreign\n +at /s);
  });

  it('lets a page write()', async () => {
    const test = stage(
      () => {
        throw new Error('failed');
      },
      {
        onError: () => (_, startResponse) => {
          startResponse('503 Own', [])(textToBytes('own'));
          return [textToBytes(' page')];
        },
      },
    );
    await test.run();
    expect(test.events).toEqual(['head 503 Own', 'write own', 'write  page', 'end', 'flush']);
  });

  it('says that a refused call of startResponse was one', async () => {
    const test = stage((_, startResponse) => {
      try {
        startResponse('200', []);
      } catch {
        // As some applications do.
      }
      return [textToBytes('x')];
    });
    await test.run();
    expect(test.errors.text).toContain(
      'application: startResponse had failed before the application returned its body',
    );
  });

  it('closes nothing where an application gave up on comes to no body', async () => {
    let settle: ((value: Body) => void) | undefined;
    const test = stage(
      () =>
        new Promise<Body>((resolve) => {
          settle = resolve;
        }),
    );
    const done = test.run();
    test.aborter.abort(new ClientDisconnected());
    await done;
    settle?.(undefined as never);
    await new Promise((resolve) => setImmediate(resolve));
    expect(test.errors.text).toBe('');
  });
});

describe('a gateway', () => {
  it('outlives a log that fails', () => {
    const { errors } = createGateway(
      'test',
      () => [],
      {
        errors: () => {
          throw new Error('disk full');
        },
      },
      599,
    );
    expect(() => errors('line')).not.toThrow();
  });
});
