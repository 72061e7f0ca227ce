import { nameOf, WsgiError } from '../../src/errors.js';
import { record, text } from './read/fields.js';
import type { LambdaKind } from './types.js';

type Event = Record<string, unknown>;
type Test = (event: Event) => boolean;

const context = (event: Event): Event => record(event.requestContext);
const cloudFront = (event: Event): Event =>
  record(record(Array.isArray(event.Records) ? event.Records[0] : undefined).cf);
const edgeRequest = (event: Event): Event => record(cloudFront(event).request);
const edgeTrigger = (event: Event): unknown => record(cloudFront(event).config).eventType;
const isThere = (value: unknown): boolean => value !== undefined && value !== null;
const has =
  (...keys: string[]): Test =>
  (event) =>
    keys.every((key) => isThere(event[key]));
const http = (event: Event): Event => record(context(event).http);
const isV2: Test = (event) => event.version === '2.0' && text(http(event).method) !== undefined;
const isV1: Test = (event) => has('httpMethod', 'path')(event) && 'requestContext' in event;
const isFunctionUrl: Test = (event) => text(context(event).domainName)?.includes('.lambda-url.') === true;

// The names that event sources give themselves, in the event or in its records.
const SOURCES: Record<string, string> = {
  'aws:amq': 'an Amazon MQ event',
  'aws:codecommit': 'a CodeCommit event',
  'aws:docdb': 'a DocumentDB event',
  'aws:SelfManagedKafka': 'a Kafka event',
  'aws:dynamodb': 'a DynamoDB Streams event',
  'aws:kafka': 'a Kafka event',
  'aws:kinesis': 'a Kinesis event',
  'aws:mq': 'an Amazon MQ event',
  'aws:rmq': 'an Amazon MQ event',
  'aws:s3': 'an S3 event',
  'aws:ses': 'an SES event',
  'aws:sns': 'an SNS event',
  'aws:sqs': 'an SQS event',
};
const sourceName = (event: Event): string | undefined => {
  const from = Array.isArray(event.Records) ? record(event.Records[0]) : event;
  const source = text(from.eventSource) ?? text(from.EventSource) ?? '';
  return Object.hasOwn(SOURCES, source) ? SOURCES[source] : undefined;
};

// Events do not name their front end, so their fields are compared, in this order.
const HTTP_EVENTS: Array<[kind: LambdaKind, test: Test]> = [
  [
    'edge-origin-request',
    (event) =>
      text(edgeRequest(event).method) !== undefined &&
      (edgeTrigger(event) === 'origin-request' || isThere(edgeRequest(event).origin)),
  ],
  ['edge-viewer-request', (event) => text(edgeRequest(event).method) !== undefined],
  [
    'alb-multi',
    (event) => isV1(event) && isThere(context(event).elb) && Object.keys(record(event.multiValueHeaders)).length > 0,
  ],
  ['alb-single', (event) => isV1(event) && isThere(context(event).elb)],
  ['function-url', (event) => isV2(event) && isFunctionUrl(event)],
  ['apigw-http-v2', isV2],
  [
    'lattice-v2',
    (event) =>
      event.version === '2.0' &&
      has('method', 'path')(event) &&
      ['serviceArn', 'serviceNetworkArn', 'targetGroupArn'].some((key) => isThere(context(event)[key])),
  ],
  ['lattice-v1', has('raw_path', 'method')],
  ['apigw-http-v1', (event) => event.version === '1.0' && isV1(event)],
  ['apigw-rest-v1', isV1],
];

// These events also have the fields of an HTTP event, so they are refused first.
const LOOKALIKES: Array<[name: string, test: Test]> = [
  [
    'a Lambda@Edge response event',
    (event) =>
      isThere(event.Records) &&
      (isThere(cloudFront(event).response) || /response$/.test(text(edgeTrigger(event)) ?? '')),
  ],
  [
    'a Lambda authorizer event',
    (event) =>
      (event.type === 'REQUEST' || event.type === 'TOKEN') && (isThere(event.methodArn) || isThere(event.routeArn)),
  ],
  ['an API Gateway WebSocket event', (event) => text(context(event).connectionId) !== undefined],
];

const OTHERS: Array<[name: string, test: Test]> = [
  ['a Records event', has('Records')],
  ['an EventBridge event', has('source', 'detail-type')],
  ['a CloudWatch Logs event', has('awslogs')],
  ['a CloudWatch alarm event', has('alarmData')],
  ['a warm-up event', (event) => event.source === 'serverless-plugin-warmup'],
  ['a Bedrock agent event', has('messageVersion', 'agent')],
  ['a Cognito trigger event', has('triggerSource')],
  ['a Cognito Sync event', has('datasetName', 'identityId')],
  ['an AppSync event', (event) => isThere(record(event.info).fieldName)],
  [
    'a Lambda authorizer event',
    (event) => event.type === 'REQUEST' || isThere(event.methodArn) || isThere(event.routeArn),
  ],
  ['an AppSync authorizer event', has('authorizationToken', 'requestContext')],
  ['an IoT authorizer event', has('protocolData')],
  ['an S3 Object Lambda event', has('getObjectContext')],
  ['an S3 Batch Operations event', has('invocationSchemaVersion', 'tasks')],
  ['a Firehose event', has('deliveryStreamArn', 'records')],
  ['a Secrets Manager rotation event', has('SecretId', 'ClientRequestToken', 'Step')],
  ['a CloudFormation custom resource event', has('RequestType', 'ResponseURL')],
  ['a CodePipeline event', has('CodePipeline.job')],
  ['an AWS Config event', has('invokingEvent')],
  ['an Amazon Connect event', (event) => event.Name === 'ContactFlowEvent'],
  ['a Lex event', (event) => isThere(event.bot) && (has('currentIntent')(event) || has('sessionState')(event))],
  ['an Alexa event', has('session', 'request')],
];

const isBareV2: Test = (event) =>
  text(http(event).method) !== undefined && (typeof event.rawPath === 'string' || typeof http(event).path === 'string');
const isBareV1: Test = (event) => text(event.httpMethod) !== undefined && typeof event.path === 'string';

// Events written by hand for a test or for `serverless invoke --data` have little more than a method and a path. They are
// tried last, because any other event may hold such fields as data.
const BARE_EVENTS: Array<[kind: LambdaKind, test: Test]> = [
  ['function-url', (event) => isBareV2(event) && isFunctionUrl(event)],
  ['apigw-http-v2', isBareV2],
  ['apigw-http-v1', (event) => event.version === '1.0' && isBareV1(event)],
  ['apigw-rest-v1', isBareV1],
  ['lattice-v2', (event) => text(event.method) !== undefined && typeof event.path === 'string'],
];

/** Detects which front end sent an event.
 *  @returns the kind of the front end, or the error that names the event's real source */
export function detect(event: unknown): LambdaKind | WsgiError {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return refused(nameOf(event));
  const given = event as Event;
  const firstOf = <T>(table: Array<[T, Test]>): T | undefined => table.find(([, test]) => test(given))?.[0];
  const lookalike = firstOf(LOOKALIKES);
  const kind = lookalike === undefined ? firstOf(HTTP_EVENTS) : undefined;
  if (kind !== undefined) return kind;
  const other = lookalike ?? sourceName(given) ?? firstOf(OTHERS);
  if (other !== undefined) return refused(other);
  return firstOf(BARE_EVENTS) ?? refused(unknownName(given));
}

function unknownName(event: Event): string {
  const keys = Object.keys(event);
  return `an event of unknown kind (${keys.length === 0 ? 'without keys' : `its keys: ${keys.join(', ')}`})`;
}

function refused(name: string): WsgiError {
  return new WsgiError(`aws-lambda: this is ${name}, not an HTTP request; the option onOtherEvent can take it`);
}
