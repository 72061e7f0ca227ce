// Application Load Balancers, whose target groups send and take either single values or lists.
import type { HeaderList } from '../../src/types.js';
import type { AlbEvent, LambdaKind } from '../../targets/aws-lambda/types.js';
import { lastValues, lists, lowered } from './maps.js';
import { ACCOUNT, entity, type Parts, withForwarded } from './request.js';
import {
  bodyOf,
  checkDescription,
  type LambdaResponse,
  listsIn,
  objectOf,
  type Refuse,
  response,
  statusOf,
  valuesIn,
} from './response.js';

/** A load balancer decodes nothing. With single values the last value of a name wins. */
export function albEvent(parts: Parts, kind: LambdaKind): AlbEvent {
  const { method, path, query, headers, arrival } = parts;
  const fields = lowered(withForwarded(headers, arrival));
  const parameters = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair): HeaderList[number] => {
      const [name = '', ...value] = pair.split('=');
      return [name, value.join('=')];
    });
  const loadBalancing = `arn:aws:elasticloadbalancing:eu-central-1:${ACCOUNT}`;
  return {
    requestContext: { elb: { targetGroupArn: `${loadBalancing}:targetgroup/app/0123456789abcdef` } },
    httpMethod: method,
    path,
    ...(kind === 'alb-multi'
      ? { multiValueQueryStringParameters: lists(parameters), multiValueHeaders: lists(fields) }
      : { queryStringParameters: lastValues(parameters), headers: lastValues(fields) }),
    body: '',
    ...entity(parts),
  };
}

/** A value of null is an error under any key. The headers of the other mode are ignored. */
export function readAlb(given: unknown, refuse: Refuse, kind: LambdaKind): LambdaResponse {
  const result = objectOf(given, refuse);
  for (const [key, value] of Object.entries(result)) if (value === null) refuse(`null as its ${key}`);
  const status = statusOf(result.statusCode, refuse);
  checkDescription(status, result, refuse);
  const headers = kind === 'alb-multi' ? listsIn(result.multiValueHeaders, refuse) : valuesIn(result.headers, refuse);
  return response(status, headers, bodyOf(result, refuse));
}
