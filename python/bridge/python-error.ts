/** An exception of Python. Its stack is Python's traceback. */
export class PythonError extends Error {
  override name = 'PythonError';
  /** The name of Python's class: "ValueError". */
  readonly type: string;

  /** @param cause  the error of JavaScript that came out of Python again */
  constructor(type: string, traceback: string, cause?: unknown) {
    const text = traceback.trimEnd();
    super(text.slice(text.lastIndexOf('\n') + 1), cause === undefined ? undefined : { cause });
    this.type = type;
    this.stack = text;
  }
}
