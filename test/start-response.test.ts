import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { checkChunk, Start } from '../src/start-response.js';

const CALLABLE = '(PEP 3333, "The start_response() Callable")';
const TYPES = '(PEP 3333, "A Note On String Types")';
const write = async () => {};
const begin = () => new Start(write, (code) => (code === 101 ? 'is refused' : null));

describe('startResponse', () => {
  it('takes the head, copies its headers and returns write', () => {
    const start = begin();
    const headers: Array<[string, string]> = [['Content-Length', '5']];
    expect(start.startResponse('200 OK', headers)).toBe(write);
    headers.push(['X-Late', '1']);
    expect(start.started('now')).toEqual({
      status: '200 OK',
      code: 200,
      headers: [['Content-Length', '5']],
      length: 5,
    });
  });

  it.each([[undefined], [null]])('says that a second call lacks excInfo (%s)', (excInfo) => {
    const { startResponse } = begin();
    startResponse('200 OK', []);
    expect(() => startResponse('200 OK', [], excInfo)).toThrow(
      `application: startResponse was called a second time without excInfo ${CALLABLE}`,
    );
  });

  it('replaces the head with excInfo, and throws that once the head has gone out', () => {
    const start = begin();
    const excInfo = new Error('x');
    start.startResponse('200 OK', []);
    start.startResponse('500 Oops', [], excInfo);
    expect(start.head?.status).toBe('500 Oops');
    start.committed = true;
    expect(() => start.startResponse('500 Again', [], excInfo)).toThrow(excInfo);
    expect(start.head?.status).toBe('500 Oops');
  });

  it.each([
    ['200', [], 'status "200" is not three digits, a space and a reason'],
    ['200 OK', [['A B', '']], 'header name "A B" is not a token (RFC 9110, section 5.6.2)'],
    ['101 Upgrade', [], 'status "101 Upgrade" is refused'],
  ])('says what is wrong with %j, %j', (status, headers, what) => {
    const start = begin();
    expect(() => start.startResponse(status, headers as never)).toThrow(`application: ${what} ${CALLABLE}`);
    expect(() => start.started('the end')).toThrow(`application: startResponse had failed before the end ${CALLABLE}`);
  });

  it('says that it was not called', () => {
    expect(() => begin().started('the end')).toThrow(
      `application: startResponse was not called before the end ${CALLABLE}`,
    );
  });
});

describe('a chunk', () => {
  it('may be of another realm, a Buffer, and empty', () => {
    for (const chunk of [new Uint8Array(0), Buffer.from('a'), runInNewContext('new Uint8Array(1)')])
      expect(() => checkChunk(chunk, 'a chunk')).not.toThrow();
  });

  it.each<[unknown, string]>([
    ['text', 'a string; encode text with new TextEncoder().encode(text)'],
    [Promise.resolve(), 'a Promise; await it, or make the body an async generator'],
    [5, 'a number'],
    [null, 'null'],
    [{ [Symbol.toStringTag]: 'Uint8Array' }, 'an Object'],
    [new ArrayBuffer(1), 'an ArrayBuffer'],
    [new Uint16Array(1), 'a Uint16Array'],
    [runInNewContext('new DataView(new ArrayBuffer(1))'), 'a DataView'],
  ])('may not be %s', (chunk, what) => {
    expect(() => checkChunk(chunk, 'a chunk')).toThrow(
      `application: a chunk must be a Uint8Array, not ${what} ${TYPES}`,
    );
  });
});
