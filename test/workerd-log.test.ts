import { expect, it, vi } from 'vitest';
import { withoutProvoked } from './workerd-log.ts';

it('hides the errors that a test provokes, and nothing else', () => {
  const printed: unknown[] = [];
  const spy = vi.spyOn(console, 'error').mockImplementation((line) => void printed.push(line));
  const handle = withoutProvoked('boom');
  const line = (text: string) => `Uncaught exception: workerd/jsg/value.h:1511: failed: remote.jsg.Error: ${text}`;
  for (const message of [line('boom'), line('TypeError: boom'), line('another'), 'boom', 'Fatal: boom'])
    handle({ level: 'error', message });
  spy.mockRestore();
  expect(printed).toEqual([line('TypeError: boom'), line('another'), 'boom', 'Fatal: boom']);
});
