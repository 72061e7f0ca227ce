/** A broken protocol. The message says who broke it and which rule: `application: …`, `aws-lambda: …`. */
export class WsgiError extends Error {
  override name = 'WsgiError';
}

/** The client went away before the request or the response was complete. */
export class ClientDisconnected extends Error {
  override name = 'ClientDisconnected';
  constructor(message = 'client: disconnected before the exchange was complete', options?: ErrorOptions) {
    super(message, options);
  }
}
