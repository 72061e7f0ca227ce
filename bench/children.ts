import { type ChildProcess, fork } from 'node:child_process';

/** Starts a program of this folder and gives its first message. */
export async function start<T>(program: string, args: readonly string[]): Promise<{ child: ChildProcess; first: T }> {
  const child = fork(new URL(program, import.meta.url), args);
  return { child, first: await reply<T>(child, args) };
}

/** Sends a message to a child and gives its answer. */
export function ask<T>(child: ChildProcess, message: string): Promise<T> {
  const answer = reply<T>(child, [message]);
  child.send(message);
  return answer;
}

/** Ends a child at once: SIGTERM would only make some servers close gracefully. */
export const stop = (child: ChildProcess): boolean => child.kill('SIGKILL');

function reply<T>(child: ChildProcess, about: readonly string[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error(`the process of ${about.join(', ')} ended without an answer`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}
