import { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';
import { ClientDisconnected } from '../../src/errors.js';
import type { Responder } from '../../src/run.js';
import type { Head } from '../../src/start-response.js';

/** Sends a response through Node's ServerResponse, of HTTP/1.1 or HTTP/2. */
export function nodeResponder(res: ServerResponse | Http2ServerResponse): Responder {
  return {
    head(head, body) {
      if (res.destroyed) return;
      writeHead(res, head);
      if (body === null) res.end();
      else if (body !== undefined) res.end(body);
    },
    write(chunk) {
      if (res.destroyed) throw new ClientDisconnected();
      // The two kinds of response declare different overloads of one call.
      if ((res as ServerResponse).write(chunk)) return undefined;
      return new Promise((resolve, reject) => {
        const settle = () => {
          res.off('drain', settle);
          res.off('close', settle);
          if (res.destroyed) reject(new ClientDisconnected());
          else resolve();
        };
        res.on('drain', settle);
        res.on('close', settle);
      });
    },
    end() {
      res.end();
    },
    abort() {
      // What has been written still goes out; the missing end is what tells the client.
      if (res instanceof ServerResponse) res.socket?.destroySoon();
      else res.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    },
  };
}

function writeHead(res: ServerResponse | Http2ServerResponse, head: Head): void {
  const reason = head.status.slice(4);
  if (!(res instanceof ServerResponse)) {
    // HTTP/2 has no reason phrase (RFC 9113, section 8.3.2).
    for (const [name, value] of head.headers) res.appendHeader(name, value);
    res.writeHead(head.code);
  } else if (reason === '') res.writeHead(head.code, head.headers.flat());
  else res.writeHead(head.code, reason, head.headers.flat());
}
