import { encodeNative } from '../../src/native-string.js';
import { type LambdaKind, toLambdaHandler } from '../../targets/aws-lambda/index.js';
import { readLambdaResult } from '../../testing/index.js';
import { createApplication } from './application.js';
import type { RawRequest, RawResponse } from './case.js';
import { eventOf, FRONT_ENDS, LAMBDA_INAPPLICABLE, LAMBDA_LACKS, type Reasons } from './lambda-front.js';
import { testTarget } from './suite.js';

const BUFFERED: Reasons = {
  streaming: 'Lambda hands a buffered result on when it is whole',
  duplex: 'the event holds the whole body, the result the whole response',
};
const context = { getRemainingTimeInMillis: () => 30_000 };
// What crosses the border of a function is JSON.
const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function sender(kind: LambdaKind): (request: RawRequest) => Promise<RawResponse> {
  const { application, options } = createApplication();
  const handler = toLambdaHandler(application, options);
  return async (request) => {
    const result = json(await handler(json(await eventOf(kind, request)), context));
    const { status, headers, body: given } = readLambdaResult(kind, result);
    // A front end sends no body where HTTP has none.
    const body = request.method === 'HEAD' || status === 204 || status === 304 ? new Uint8Array(0) : given;
    const now = performance.now();
    return {
      status,
      reason: reasonOf(result),
      headers: headers.map(([name, value]) => [name, encodeNative(value)]),
      headAt: now,
      body,
      chunks: [{ at: now, bytes: body }],
      complete: true,
    };
  };
}

/** The reason phrase in a result: behind the code for load balancers and Lattice, alone for Lambda@Edge. */
function reasonOf(result: object): string | null {
  if (!('statusDescription' in result)) return null;
  const description = encodeNative(String(result.statusDescription));
  return 'status' in result ? description : description.slice('200 '.length);
}

for (const [kind, { name, lacks, inapplicable }] of Object.entries(FRONT_ENDS))
  testTarget(name, {
    send: sender(kind as LambdaKind),
    lacks: { ...LAMBDA_LACKS, ...BUFFERED, ...lacks },
    inapplicable: { ...LAMBDA_INAPPLICABLE, ...inapplicable },
  });
