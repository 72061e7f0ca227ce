import { setImmediate as turn } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Connection } from '../src/connection.js';
import { ClientDisconnected, WsgiError } from '../src/errors.js';
import { FileWrapper } from '../src/file-wrapper.js';
import { createGateway } from '../src/gateway.js';
import { textToBytes } from '../src/native-string.js';
import type { Head } from '../src/start-response.js';
import type { Application, Body, GatewayOptions, HeaderList, Write } from '../src/types.js';
import { testEnviron } from '../testing/app.js';
import { connectionOf, type Responder, run } from './responder.js';

// A target that can be slow, lose its client and run out of time.
function stage(app: Application, options: GatewayOptions = {}, method = 'GET') {
  const events: string[] = [];
  const heads: Head[] = [];
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
    head: (head, body) => {
      heads.push(head);
      events.push(`head ${head.status}${body === undefined ? '' : body === null ? ' null' : ` ${body.length}`}`);
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
    heads,
    errors,
    environ,
    aborter,
    responder,
    slow: (next: () => Promise<void>) => {
      accept = next;
    },
    endless: () => {
      finish = () => new Promise(() => {});
    },
    run: (connection?: Connection) => run(createGateway('test', app, options, 599), environ, responder, connection),
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
  vi.restoreAllMocks();
});

describe('run', () => {
  it.each<[string, string, HeaderList, string]>([
    ['GET', '200 OK', [], '3'],
    ['GET', '200 OK', [['Content-Length', '3']], '3'],
    ['HEAD', '200 OK', [['Content-Length', '9']], 'null'],
    ['GET', '304 Not Modified', [['Content-Length', '9']], 'null'],
  ])(
    'is done when it returns, where application and body are synchronous (%s, %s, %j)',
    (method, status, headers, body) => {
      const test = stage(
        (_, startResponse) => {
          startResponse(status, headers);
          return [textToBytes('ab'), textToBytes('c')];
        },
        {},
        method,
      );
      expect(test.run()).toBeUndefined();
      expect(test.events).toEqual([`head ${status} ${body}`, 'flush']);
    },
  );

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
    expect(test.events).toEqual(['head 500 Internal Server Error 39', 'flush']);
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
    expect(test.events).toEqual(['head 500 Internal Server Error 39', 'flush']);
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
    expect(odd.events[0]).toBe('head 500 Internal Server Error 39');
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

  it.each<[string, GatewayOptions['onError'], ...string[]]>([
    ['is not given', undefined],
    ['returns nothing', () => {}],
    [
      'throws',
      () => {
        throw new Error('in onError');
      },
      'Error: in onError',
    ],
    [
      'gives a failing page',
      () => () => {
        throw new Error('in the page');
      },
      'Error: in the page',
    ],
  ])('falls back to its own page when onError %s', async (_, onError, ...messages) => {
    const test = stage(
      () => {
        throw new Error('first');
      },
      onError === undefined ? {} : { onError },
    );
    await test.run();
    expect(test.events).toEqual(['head 500 Internal Server Error 39', 'flush']);
    expect(test.errors.text.match(/^\S.*$/gm)).toEqual(['Error: first', ...messages]);
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
    expect(test.events[0]).toBe('head 500 Internal Server Error 39');
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
    expect(test.events).toEqual(['head 500 Internal Server Error 39', 'flush']);
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
    expect(test.events).toEqual(['head 500 Internal Server Error 39', 'flush']);
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

describe('a length', () => {
  it('of 0 makes the response complete with its head', async () => {
    const test: ReturnType<typeof stage> = stage((_, startResponse) => {
      startResponse('200 OK', [['Content-Length', '0']]);
      return body(test.events, []);
    });
    await test.run();
    expect(test.events).toEqual(['head 200 OK 0', 'return', 'close', 'flush']);
  });

  it('is given to a body that yields nothing', async () => {
    const test: ReturnType<typeof stage> = stage((_, startResponse) => {
      startResponse('200 OK', []);
      return body(test.events, []);
    });
    await test.run();
    expect(test.events).toEqual(['return', 'head 200 OK 0', 'close', 'flush']);
    expect(test.heads[0]?.headers).toEqual([['Content-Length', '0']]);
  });

  it('of more than comes is a 500 if nothing has gone out, and else breaks the response off', async () => {
    for (const [chunks, events] of [
      [[], ['head 500 Internal Server Error 39', 'flush']],
      [['ab'], ['head 200 OK', 'write ab', 'abort', 'flush']],
    ] as const) {
      const test: ReturnType<typeof stage> = stage((_, startResponse) => {
        startResponse('200 OK', [['Content-Length', '5']]);
        return (function* () {
          for (const chunk of chunks) yield textToBytes(chunk);
        })();
      });
      await test.run();
      expect(test.events).toEqual(events);
      expect(test.errors.text).toContain(
        `application: the body ended after ${chunks.length * 2} of the 5 bytes of its Content-Length (PEP 3333, "Handling the Content-Length Header")`,
      );
    }
  });
});

describe('a list shorter than its Content-Length', () => {
  it.each<[string, Uint8Array[]]>([
    ['of nothing', []],
    ['of fewer bytes', [textToBytes('short')]],
  ])('%s is a 500, since nothing has gone out', async (_, chunks) => {
    const test = stage((_environ, startResponse) => {
      startResponse('200 OK', [['Content-Length', '10']]);
      return chunks;
    });
    await test.run();
    expect(test.events).toEqual(['head 500 Internal Server Error 39', 'flush']);
    expect(test.errors.text).toMatch(/the body ended after \d of the 10 bytes of its Content-Length/);
  });
});

describe('write()', () => {
  const NOTHING = new Uint8Array(0);

  it.each<[string, string, HeaderList, string[], string[]]>([
    ['sends the head by itself, once', 'GET', [], ['head 200 OK', 'write '], ['end']],
    ['sends no more than the head of an empty response', 'GET', [['Content-Length', '0']], ['head 200 OK 0'], []],
    ['sends no more than the head for HEAD', 'HEAD', [], ['head 200 OK null'], []],
  ])('of no bytes %s', async (_, method, headers, first, rest) => {
    const test: ReturnType<typeof stage> = stage(
      (_, startResponse) => {
        const write = startResponse('200 OK', headers);
        write(NOTHING);
        test.events.push('written');
        write(NOTHING);
        return [];
      },
      {},
      method,
    );
    await test.run();
    expect(test.events).toEqual([...first, 'written', ...rest, 'flush']);
  });

  it('hands a chunk over at once where the platform is ready for it, and later where it is not', async () => {
    const test: ReturnType<typeof stage> = stage(async (_, startResponse) => {
      const write = startResponse('200 OK', []);
      await write(textToBytes('a'));
      const second = write(textToBytes('b'));
      expect(test.events.at(-1)).toBe('write b');
      write(textToBytes('c'));
      expect(test.events.at(-1)).toBe('write b');
      await second;
      write(textToBytes('d'));
      expect(test.events.at(-1)).toBe('write c');
      return [];
    });
    test.slow(() => new Promise((resolve) => setTimeout(resolve, 1)));
    await test.run();
    expect(test.events).toEqual(['head 200 OK', 'write a', 'write b', 'write c', 'write d', 'end', 'flush']);
  });

  it.each([
    ['rejects', () => Promise.reject(new ClientDisconnected())],
    [
      'throws',
      () => {
        throw new ClientDisconnected();
      },
    ],
  ])('rejects where the platform %s, without an unhandled rejection', async (_, lose) => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    let rejection: unknown;
    for (const awaited of [true, false]) {
      const test = stage(async (_, startResponse) => {
        const written = startResponse('200 OK', [])(textToBytes('a'));
        if (awaited)
          await written.catch((error: unknown) => {
            rejection = error;
          });
        else await new Promise((resolve) => setTimeout(resolve, 5));
        return [];
      });
      test.slow(lose);
      await test.run();
      expect(test.events).toEqual(['head 200 OK', 'write a', 'abort', 'flush']);
      expect(test.errors.text).toBe('');
    }
    process.off('unhandledRejection', unhandled);
    expect(rejection).toBeInstanceOf(ClientDisconnected);
    expect(unhandled).not.toHaveBeenCalled();
  });

  it.each<[string, string[], (events: string[]) => Body]>([
    ['an array', ['head 200 OK 1'], () => [textToBytes('a')]],
    ['an iterable', ['head 200 OK', 'write a', 'return', 'end'], (events) => body(events, ['a'])],
    [
      'an iterable that fails',
      ['head 200 OK', 'write a', 'abort'],
      () =>
        (function* () {
          yield textToBytes('a');
          throw new Error('failed');
        })(),
    ],
  ])('is too late in the close() of %s', async (_, events, make) => {
    let write: Write | undefined;
    let late: Promise<void> | undefined;
    const test: ReturnType<typeof stage> = stage((_, startResponse) => {
      write = startResponse('200 OK', []);
      return Object.assign(make(test.events), {
        close: () => {
          late = write?.(textToBytes('late'));
        },
      });
    });
    await test.run();
    await expect(late).rejects.toThrow('application: write() was called after the response had ended');
    expect(test.events).toEqual([...events, 'flush']);
  });
});

describe('a file', () => {
  const sending = (headers: HeaderList, file: FileWrapper, method = 'GET', status = '200 OK') => {
    const test = stage(
      (_, startResponse) => {
        startResponse(status, headers);
        return file;
      },
      {},
      method,
    );
    test.responder.file = async (head) => {
      test.heads.push(head);
      test.events.push(`file ${head.length}`);
      await null;
      test.events.push('sent');
    };
    return test;
  };
  // Three bytes.
  const reader = (events: () => string[]) => {
    const chunks = [textToBytes('abc'), new Uint8Array(0)];
    return new FileWrapper({
      read: () => chunks.shift() ?? null,
      close: () => void events().push('close'),
    });
  };
  const blob = () => new FileWrapper(new Blob(['abc']));

  it.each<[string, HeaderList, () => FileWrapper, HeaderList]>([
    ['with the length that its source tells', [], blob, [['Content-Length', '3']]],
    ['with that same length from the application', [['Content-Length', '3']], blob, [['Content-Length', '3']]],
    ['of unknown length', [], () => reader(() => []), []],
    [
      'with the length that the application tells alone',
      [['Content-Length', '3']],
      () => reader(() => []),
      [['Content-Length', '3']],
    ],
  ])('goes by reference %s', async (_, given, file, headers) => {
    const test = sending(given, file());
    await test.run();
    expect(test.events).toEqual([`file ${headers[0]?.[1]}`, 'sent', 'flush']);
    expect(test.heads[0]?.headers).toEqual(headers);
  });

  it('is closed when it has been sent, or could not be', async () => {
    const sent: ReturnType<typeof stage> = sending(
      [],
      reader(() => sent.events),
    );
    await sent.run();
    expect(sent.events).toEqual(['file undefined', 'sent', 'close', 'flush']);
    for (const [error, logged] of [
      [new Error('disk on fire'), /^Error: disk on fire/],
      [new ClientDisconnected(), /^$/],
    ] as const) {
      const failed: ReturnType<typeof stage> = sending(
        [],
        reader(() => failed.events),
      );
      failed.responder.file = () => Promise.reject(error);
      await failed.run();
      expect(failed.events).toEqual(['close', 'flush']);
      expect(failed.errors.text).toMatch(logged);
    }
  });

  it('lets no write() come between', async () => {
    let write: Write | undefined;
    const test: ReturnType<typeof stage> = stage((_, startResponse) => {
      write = startResponse('200 OK', []);
      return reader(() => test.events);
    });
    test.responder.file = async () => {
      await null;
      await expect(write?.(textToBytes('x'))).rejects.toThrow(WsgiError);
    };
    await test.run();
    expect(test.events).toEqual(['close', 'flush']);
  });

  it.each<[string, string, string, HeaderList, string[]]>([
    ['for HEAD', 'HEAD', '200 OK', [], ['head 200 OK null']],
    ['with a status that has no body', 'GET', '304 Not Modified', [], ['head 304 Not Modified null']],
    ['longer than its Content-Length', 'GET', '200 OK', [['Content-Length', '2']], ['head 200 OK', 'write ab', 'end']],
    ['shorter than it', 'GET', '200 OK', [['Content-Length', '4']], ['head 200 OK', 'write abc', 'abort']],
  ])('does not go by reference %s', async (_, method, status, headers, events) => {
    const test = sending(headers, blob(), method, status);
    await test.run();
    expect(test.events).toEqual([...events, 'flush']);
  });

  it('is what wsgi.file_wrapper makes, not any iterable of a size', async () => {
    const test = sending([], new Set([textToBytes('abc')]) as never);
    await test.run();
    expect(test.events).toEqual(['head 200 OK', 'write abc', 'end', 'flush']);
  });

  it('is read where the platform has no way for it', async () => {
    for (const way of [undefined, () => undefined]) {
      const test: ReturnType<typeof stage> = sending(
        [],
        reader(() => test.events),
      );
      test.responder.file = way as never;
      await test.run();
      expect(test.events).toEqual(['head 200 OK', 'write abc', 'end', 'close', 'flush']);
    }
  });

  it('does not go by reference when something has been written before it', async () => {
    const test: ReturnType<typeof stage> = stage((_, startResponse) => {
      startResponse('200 OK', [])(textToBytes('x'));
      return reader(() => test.events);
    });
    test.responder.file = () => Promise.reject(new Error('called'));
    await test.run();
    expect(test.events).toEqual(['head 200 OK', 'write x', 'write abc', 'end', 'close', 'flush']);
  });

  it('needs a head like every body', async () => {
    const test: ReturnType<typeof stage> = stage(() => reader(() => test.events));
    test.responder.file = () => Promise.reject(new Error('called'));
    await test.run();
    expect(test.events).toEqual(['head 500 Internal Server Error 39', 'close', 'flush']);
    expect(test.errors.text).toContain('application: startResponse was not called before the first chunk (PEP 3333');
  });
});

describe('an upgrade', () => {
  it.each<[string, string, (() => boolean) | undefined]>([
    ['101 Switching Protocols null', '101 Switching Protocols', () => true],
    ['500 Internal Server Error 39', '101 Switching Protocols', () => false],
    ['500 Internal Server Error 39', '101 Switching Protocols', undefined],
    ['500 Internal Server Error 39', '600 Odd', () => true],
  ])('gets %s for %s', async (head, status, upgraded) => {
    const test = stage((_, startResponse) => {
      startResponse(status, []);
      return [];
    });
    if (upgraded) test.responder.upgraded = upgraded;
    await test.run();
    expect(test.events).toEqual([`head ${head}`, 'flush']);
    if (head.startsWith('101')) expect(test.heads[0]?.headers).toEqual([]);
    else expect(test.errors.text).toMatch(/application: status "[^"]+" is (informational|above 599)/);
  });
});

describe('a client that is gone', () => {
  it('before the application has begun is not waited for', async () => {
    const test = stage(() => new Promise(() => {}));
    test.aborter.abort(new ClientDisconnected());
    await test.run();
    expect(test.events).toEqual(['abort', 'flush']);
    expect(test.errors.text).toBe('');
  });

  it('stops a body that never waits', async () => {
    const test: ReturnType<typeof stage> = stage((_, startResponse) => {
      startResponse('200 OK', []);
      return (function* () {
        try {
          yield textToBytes('a');
          test.aborter.abort(new ClientDisconnected());
          for (let i = 0; i < 9; i++) yield textToBytes('b');
        } finally {
          test.events.push('return');
        }
      })();
    });
    await test.run();
    expect(test.events).toEqual(['head 200 OK', 'write a', 'abort', 'return', 'flush']);
  });

  it.each<[string, string, string[], string[]]>([
    ['before the head of an empty one', '0', [], []],
    ['after all of its bytes', '1', ['a'], ['head 200 OK', 'write a']],
  ])('gets no end of a response: %s', async (_, length, chunks, events) => {
    const test = stage(async (_, startResponse) => {
      const write = startResponse('200 OK', [['Content-Length', length]]);
      for (const chunk of chunks) await write(textToBytes(chunk));
      return new Promise(() => {});
    });
    const done = test.run();
    setTimeout(() => test.aborter.abort(new ClientDisconnected()), 5);
    await done;
    expect(test.events).toEqual([...events, 'abort', 'flush']);
    expect(test.errors.text).toBe('');
  });

  it.each([
    ['waits for I/O', () => turn()],
    ['waits for nothing', () => undefined],
  ])('costs no AbortSignal if the application %s and does not ask for one', async (_name, wait) => {
    const test: ReturnType<typeof stage> = stage(async (_, startResponse) => {
      startResponse('200 OK', []);
      return (async function* () {
        for (let i = 0; i < 20; i++) {
          await wait();
          yield textToBytes('a');
        }
      })();
    });
    const gateway = createGateway('test', () => [], {}, 599);
    const connection = connectionOf(test.environ, gateway);
    const asked = vi.spyOn(connection, 'signal', 'get');
    await test.run(connection);
    expect(asked).not.toHaveBeenCalled();
    expect(test.events.at(-2)).toBe('end');
  });

  it('is one that the platform tells of: ClientDisconnected from the application alone is an error like any', async () => {
    const test = stage(() => {
      throw new ClientDisconnected('client: sent half of its body');
    });
    await test.run();
    expect(test.events).toEqual(['head 500 Internal Server Error 39', 'flush']);
    expect(test.errors.text).toContain('ClientDisconnected: client: sent half of its body');
  });
});

describe('an error', () => {
  it.each<[string, HeaderList, string]>([
    ['HEAD', [], 'head 200 OK null'],
    ['GET', [['Content-Length', '0']], 'head 200 OK 0'],
  ])('after a response that its head completed leaves it whole (%s, %j)', async (method, headers, head) => {
    const test = stage(
      (_, startResponse) => {
        startResponse('200 OK', headers)(new Uint8Array(0));
        throw new Error('late');
      },
      {},
      method,
    );
    await test.run();
    expect(test.events).toEqual([head, 'flush']);
    expect(test.errors.text).toMatch(/^Error: late/);
  });

  it('after all the bytes of its Content-Length leaves the response whole', async () => {
    const test: ReturnType<typeof stage> = stage((_, startResponse) => {
      startResponse('200 OK', [['Content-Length', '1']]);
      return Object.assign(
        (function* () {
          yield textToBytes('a');
          throw new Error('late');
        })(),
        { close: () => void test.events.push('close') },
      );
    });
    await test.run();
    expect(test.events).toEqual(['head 200 OK', 'write a', 'end', 'close', 'flush']);
  });

  it('says where a chunk that is none came from', async () => {
    const chunks = [textToBytes('a'), 'b'] as unknown as Uint8Array[];
    for (const bad of [chunks, chunks.values()]) {
      const test = stage((_, startResponse) => {
        startResponse('200 OK', []);
        return bad;
      });
      await test.run();
      expect(test.errors.text).toContain('application: a chunk of the body must be a Uint8Array, not a string;');
    }
    const test = stage((_, startResponse) => {
      startResponse('200 OK', [])('b' as never);
      return [];
    });
    await test.run();
    expect(test.errors.text).toContain('application: the argument of write() must be a Uint8Array, not a string;');
  });

  it.each<[string, () => Body]>([
    ['the application returned its body', () => [textToBytes('a')]],
    ['the first chunk', () => [textToBytes('a')].values()],
    ['the end of the body', () => [].values()],
  ])('says that startResponse was not called before %s', async (when, make) => {
    const test = stage(make);
    await test.run();
    expect(test.events).toEqual(['head 500 Internal Server Error 39', 'flush']);
    expect(test.errors.text).toContain(
      `application: startResponse was not called before ${when} (PEP 3333, "The start_response() Callable")`,
    );
  });

  it('ends the response where the platform takes not even the head of the 500', async () => {
    const test = stage((_, startResponse) => {
      startResponse('200 OK', []);
      return [];
    });
    test.responder.head = ({ code }) => {
      throw new Error(`no ${code}`);
    };
    await test.run();
    expect(test.events).toEqual(['abort', 'flush']);
    expect(test.errors.text.match(/^\S.*$/gm)).toEqual(['Error: no 200', 'Error: no 500']);
  });
});

describe('a gateway', () => {
  const error = new Error('x');
  const record = {
    level: 'error',
    message: 'Error: x\n    at y',
    error,
    request_id: '1',
    method: 'GET',
    path: '/p',
  } as const;
  const logOf = (options: GatewayOptions) => createGateway('test', () => [], options, 599).log;

  it('logs to the console by level, an error and its stack at once', () => {
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      const logged = vi.spyOn(console, level).mockImplementation(() => {});
      logOf({})({ ...record, level });
      expect(logged.mock.calls).toEqual([['[1] GET /p: Error: x\n    at y']]);
    }
  });

  it('gives a function lines, each with the id of its request', () => {
    const lines: string[] = [];
    const log = logOf({ errors: (line) => lines.push(line) });
    log(record);
    log({ level: 'error', message: 'written\nby the application', request_id: '2', method: 'GET', path: '/p' });
    log({ level: 'warn', message: 'without a request' });
    const expected = [
      '[1] GET /p: Error: x',
      '[1]     at y',
      '[2] written',
      '[2] by the application',
      'without a request',
    ];
    expect(lines).toEqual(expected);
  });

  it('gives an object records', () => {
    const records: unknown[] = [];
    logOf({ errors: { record: (each) => void records.push(each) } })(record);
    expect(records).toEqual([record]);
  });

  it('outlives a log that fails', () => {
    const fail = () => {
      throw new Error('disk full');
    };
    expect(() => logOf({ errors: fail })(record)).not.toThrow();
    expect(() => logOf({ errors: { record: fail } })(record)).not.toThrow();
  });
});

describe('an option that is asynchronous', () => {
  it('an onError that rejects is logged, and the gateway answers with its own page', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const test = stage(
      () => {
        throw new Error('in the application');
      },
      { onError: (() => Promise.reject(new Error('in onError'))) as never },
    );
    await test.run();
    await turn();
    expect(test.events).toEqual(['head 500 Internal Server Error 39', 'flush']);
    expect(test.errors.text).toMatch(/in the application[\s\S]*in onError/);
    expect(unhandled).not.toHaveBeenCalled();
    process.off('unhandledRejection', unhandled);
  });

  it('an errors that rejects or throws takes no response and no process with it', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const lines: string[] = [];
    const gateway = createGateway(
      'test',
      () => [],
      {
        errors: ((line: string) => {
          lines.push(line);
          return Promise.reject(new Error('no disk'));
        }) as never,
      },
      599,
    );
    gateway.log({ level: 'error', message: 'one\ntwo' });
    await turn();
    expect(lines).toEqual(['one', 'two']);
    expect(unhandled).not.toHaveBeenCalled();
    process.off('unhandledRejection', unhandled);
  });
});

describe('a client that leaves while the body stalls', () => {
  const stalled = () => {
    const cancelled = vi.fn();
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(textToBytes('first')),
      cancel: cancelled,
    });
    return { stream, cancelled };
  };

  it.each<[string, (stream: ReadableStream<Uint8Array>, environ: { 'wsgi.file_wrapper': unknown }) => Body]>([
    ['a stream returned as it is', (stream) => stream as unknown as Body],
    ['a stream in wsgi.file_wrapper', (stream) => new FileWrapper(stream)],
  ])('releases %s', async (_, wrap) => {
    const { stream, cancelled } = stalled();
    const test = stage((environ, startResponse) => {
      startResponse('200 OK', []);
      return wrap(stream, environ);
    });
    setTimeout(() => test.aborter.abort(new ClientDisconnected()), 5);
    await test.run();
    expect(test.events).toEqual(['head 200 OK', 'write first', 'abort', 'flush']);
    expect(cancelled).toHaveBeenCalledTimes(1);
  });

  it('releases a Readable of Node returned as it is', async () => {
    const { PassThrough } = await import('node:stream');
    const readable = new PassThrough();
    readable.write('first');
    const test = stage((_, startResponse) => {
      startResponse('200 OK', []);
      return readable as unknown as Body;
    });
    setTimeout(() => test.aborter.abort(new ClientDisconnected()), 5);
    await test.run();
    expect(readable.destroyed).toBe(true);
  });
});
