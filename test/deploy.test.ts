// The artefacts that the two deploy commands would upload, built offline, loaded and run.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, describe, expect, it } from 'vitest';
import { startFunctionUrl } from '../emulation/lambda/function-url.ts';
import { ensureRuntimeClient } from '../emulation/lambda/install-ric.ts';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'wsgi-edge-'));
const LIMIT = 180_000; // ms; the tools take long on a busy machine
const offline = { ...process.env, WRANGLER_SEND_METRICS: 'false', SLS_TELEMETRY_DISABLED: '1' };
const runtimeMissing = await ensureRuntimeClient().then(
  () => undefined,
  (error: Error) => error.message,
);
if (runtimeMissing !== undefined && !process.env.CI)
  console.warn(`skipped, what needs Lambda's runtime: ${runtimeMissing}`);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Role {
  Type: string;
  Properties: {
    ManagedPolicyArns?: string[];
    Policies?: Array<{
      PolicyDocument: {
        Statement: Array<{ Effect: string; Action: string[]; Resource: Array<Record<string, string[]>> }>;
      };
    }>;
  };
}

/** What the roles and policies of a template allow, one line for each statement: resources, then actions. */
function rightsIn(resources: Record<string, unknown>): string[] {
  const own = Object.values(resources as Record<string, Role>).filter(({ Type }) => Type.startsWith('AWS::IAM::'));
  return own.flatMap(({ Type, Properties: { ManagedPolicyArns = [], Policies } }) => [
    ...ManagedPolicyArns,
    ...(Policies?.flatMap(({ PolicyDocument }) =>
      PolicyDocument.Statement.map(
        ({ Action, Resource }) =>
          `${Resource.map((each) => each['Fn::GetAtt']?.[0] ?? JSON.stringify(each))}: ${Action.join(', ')}`,
      ),
    ) ?? [Type]),
  ]);
}

describe('wrangler deploy --dry-run', () => {
  it('makes a Worker that serves the showcase', { timeout: LIMIT }, async () => {
    const wrangler = join('node_modules', 'wrangler', 'bin', 'wrangler.js');
    await run(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', join(folder, 'worker')], {
      env: offline,
    });
    const [main] = readdirSync(join(folder, 'worker')).filter((file) => file.endsWith('.js'));
    const workerd = new Miniflare(
      convertV4MiniflareOptions({
        modules: [
          { type: 'ESModule', path: 'worker.js', contents: readFileSync(join(folder, 'worker', main ?? ''), 'utf8') },
        ],
        compatibilityDate: '2026-10-20',
        kvNamespaces: ['COUNTER'],
        host: '127.0.0.1',
        cf: false,
      }),
    );
    try {
      const url = await workerd.ready;
      const home = await fetch(url);
      expect([home.status, home.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      expect(await home.text()).toMatch(/<title>/);
      const counted = await fetch(new URL('/counter', url), { method: 'POST', redirect: 'manual' });
      expect(counted.status).toBe(303);
      const { keys } = await (await workerd.getKVNamespace('COUNTER')).list();
      expect(keys.length).toBe(1);
    } finally {
      await workerd.dispose();
    }
  });
});

describe('osls package', () => {
  it.skipIf(runtimeMissing !== undefined && !process.env.CI)(
    "makes a function that serves the showcase in Lambda's runtime, buffered and streaming",
    { timeout: LIMIT },
    async () => {
      await run(process.execPath, ['scripts/bundle-lambda.ts']);
      const osls = join('node_modules', 'serverless', 'bin', 'serverless.js');
      await run(process.execPath, [osls, 'package', '--package', join(folder, 'lambda')], { env: offline });
      const files = readdirSync(join(folder, 'lambda'));
      const zip = files.find((file) => file.endsWith('.zip')) ?? '';
      const taskRoot = join(folder, 'task');
      for (const [name, bytes] of Object.entries(unzipSync(readFileSync(join(folder, 'lambda', zip))))) {
        mkdirSync(dirname(join(taskRoot, name)), { recursive: true });
        writeFileSync(join(taskRoot, name), bytes);
      }
      const template = JSON.parse(
        readFileSync(join(folder, 'lambda', 'cloudformation-template-update-stack.json'), 'utf8'),
      ) as { Resources: Record<string, { Type: string; Properties: Record<string, string> }> };
      const { ApiLambdaFunction, StreamLambdaFunction, StreamLambdaFunctionUrl, HttpApiIntegrationApi } =
        template.Resources;
      expect(StreamLambdaFunctionUrl?.Properties.InvokeMode).toBe('RESPONSE_STREAM');
      expect(HttpApiIntegrationApi?.Properties.PayloadFormatVersion).toBe('2.0');
      expect(rightsIn(template.Resources)).toEqual([
        'ApiLogGroup,StreamLogGroup: logs:CreateLogStream, logs:PutLogEvents',
      ]);
      expect(JSON.stringify([ApiLambdaFunction?.Properties.Role, StreamLambdaFunction?.Properties.Role])).toBe(
        '[{"Fn::GetAtt":["LogWriter","Arn"]},{"Fn::GetAtt":["LogWriter","Arn"]}]',
      );
      const { ApiGatewayRestApi, ApiGatewayMethodAny, ApiGatewayMethodProxyVarAny } = template.Resources;
      expect(ApiGatewayRestApi?.Properties.BinaryMediaTypes).toEqual(['*/*']);
      for (const method of [ApiGatewayMethodAny, ApiGatewayMethodProxyVarAny]) {
        expect(method?.Properties.Integration).toMatchObject({ Type: 'AWS_PROXY', ResponseTransferMode: 'STREAM' });
        expect(JSON.stringify(method)).toMatch(/StreamLambdaFunction.*\/response-streaming-invocations/);
      }

      for (const [resource, invokeMode] of [
        [ApiLambdaFunction, 'BUFFERED'],
        [StreamLambdaFunction, 'RESPONSE_STREAM'],
      ] as const) {
        const handler = resource?.Properties.Handler ?? '';
        const front = await startFunctionUrl({ port: 0, taskRoot, handler, invokeMode, onOutput: () => {} });
        try {
          const home = await fetch(front.url);
          expect([home.status, home.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
          expect(await home.text()).toMatch(/<title>/);
        } finally {
          await front.close();
        }
      }
    },
  );
});
