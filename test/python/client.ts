// A client that keeps cookies, as a browser does, and follows no redirect by itself.

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

export interface Client {
  get(path: string, init?: RequestInit): Promise<Answer>;
  /** Posts a form. */
  post(path: string, fields: Record<string, string> | FormData, init?: RequestInit): Promise<Answer>;
  /** The response while it comes. */
  open(path: string, init?: RequestInit): Promise<Response>;
}

export function clientOf(origin: string): Client {
  const cookies = new Map<string, string>();
  const open = async (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    if (cookies.size > 0) headers.set('Cookie', Array.from(cookies, ([name, value]) => `${name}=${value}`).join('; '));
    const response = await fetch(new URL(path, origin), { redirect: 'manual', ...init, headers });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (/;\s*max-age=0\b/i.test(cookie)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };
  const get = async (path: string, init?: RequestInit): Promise<Answer> => {
    const response = await open(path, init);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const post = (path: string, fields: Record<string, string> | FormData, init: RequestInit = {}) =>
    get(path, { ...init, method: 'POST', body: fields instanceof FormData ? fields : new URLSearchParams(fields) });
  return { get, post, open };
}

/** Reads a response until some text has come, and goes away. */
export async function readUntil(response: Response, text: string): Promise<string> {
  let received = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    received += decoder.decode(chunk, { stream: true });
    if (received.includes(text)) break;
  }
  return received;
}
