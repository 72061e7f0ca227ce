// workerd writes a line "Uncaught exception" for each error that breaks off a response whose head has gone out, and for a CONNECT.
// Tests that provoke such errors on purpose name their messages, so that a run that passes does not look as if it had failed.

interface Line {
  level: string;
  message: string;
}

/** Returns a `handleStructuredLogs` of miniflare that prints every line except the errors that a test provokes.
 *  @param provoked  the beginnings of their messages */
export const withoutProvoked =
  (...provoked: string[]) =>
  ({ level, message }: Line): void => {
    const text = /^Uncaught exception: workerd\/\S+: failed: remote\.jsg\.\w+: (.*)/s.exec(message)?.[1];
    if (text !== undefined && provoked.some((beginning) => text.startsWith(beginning))) return;
    if (level === 'error' || level === 'warn') console.error(message);
    else console.log(message);
  };

/** The faults of an application, as the gateway names them, and as workerd names those of a file that it sends itself. */
export const FAULTS = [
  'WsgiError: application: ',
  'Attempt to write too many bytes through a FixedLengthStream.',
  'FixedLengthStream did not see all expected bytes before close().',
];

/** A Worker has no handler for CONNECT. */
export const CONNECT = 'Handler does not export a connect() function.';
