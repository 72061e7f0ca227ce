// Application Load Balancers, with single or with multi-value maps.
import type { HeaderList } from '../../src/types.js';
import type { AlbEvent, LambdaKind } from '../../targets/aws-lambda/types.js';
import { lastValues, lists, lowered } from './maps.js';
import { ACCOUNT, ALL_ADDED, entity, type Parts, withAdded } from './request.js';

/** A load balancer decodes nothing. With single values the last one of a name wins. */
export function albEvent(parts: Parts, kind: LambdaKind): AlbEvent {
  const { method, path, query, headers } = parts;
  const fields = lowered(withAdded(headers, ALL_ADDED));
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
