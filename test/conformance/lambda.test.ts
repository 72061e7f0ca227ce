import { decodeNative, encodeNative } from '../../src/native-string.js';
import { toLambdaHandler } from '../../targets/aws-lambda/index.js';
import { type LambdaKind, lambdaEvent, readLambdaResult } from '../../targets/testing.js';
import { application, options } from './application.js';
import type { Capability } from './capabilities.js';
import type { RawRequest, RawResponse } from './case.js';
import { collect, LAMBDA_INAPPLICABLE, LAMBDA_LACKS, withoutFraming } from './lambda-front.js';
import { testTarget } from './suite.js';

const handler = toLambdaHandler(application, options);
const context = { getRemainingTimeInMillis: () => 30_000 };

const sender =
  (kind: LambdaKind) =>
  async (request: RawRequest): Promise<RawResponse> => {
    const body = await collect(request.body);
    const event = lambdaEvent(kind, {
      method: request.method ?? 'GET',
      target: decodeNative(request.target ?? '/'),
      headers: withoutFraming(request).map(([name, value]) => [name, decodeNative(value)]),
      ...(body === undefined ? {} : { body }),
    });
    // As on AWS: what crosses the border of the function is JSON.
    const result: unknown = JSON.parse(JSON.stringify(await handler(JSON.parse(JSON.stringify(event)), context)));
    const { status, headers, body: given } = readLambdaResult(kind, result);
    // A front end sends no body where HTTP has none.
    const bytes = request.method === 'HEAD' || status === 204 || status === 304 ? new Uint8Array(0) : given;
    return {
      status,
      reason: null,
      headers: headers.map(([name, value]) => [name, encodeNative(value)]),
      headAt: performance.now(),
      body: bytes,
      chunks: [{ at: performance.now(), bytes }],
      complete: true,
    };
  };

const buffered: Partial<Record<Capability, string>> = {
  streaming: 'Lambda hands a buffered result on when it is whole',
  duplex: 'the event holds the whole body, the result the whole response',
};

testTarget('lambda HTTP API', {
  send: sender('apigw-http-v2'),
  lacks: {
    ...LAMBDA_LACKS,
    ...buffered,
    pathBytes: 'an HTTP API decodes the path to text: bytes that are not UTF-8 are lost',
    requestUri: 'an HTTP API sends the path decoded: the spelling of the client is lost',
  },
  inapplicable: LAMBDA_INAPPLICABLE,
});
testTarget('lambda Function URL', {
  send: sender('function-url'),
  lacks: { ...LAMBDA_LACKS, ...buffered },
  inapplicable: LAMBDA_INAPPLICABLE,
});
