import { type Application, decodeNative, type Environ, type HeaderList } from 'wsgi-edge';
import { html } from '../html.ts';
import { link, page, refusal, table } from '../page.ts';
import { postedFields } from '../urlencoded.ts';

const NAMES = ['flavour', 'size'];

/** Headers are a list of pairs, not a map: a name may stand in it twice. */
export const cookies: Application = async (environ, startResponse) => {
  if (environ.REQUEST_METHOD === 'POST') {
    const form = await postedFields(environ);
    if (typeof form === 'string') return refusal(environ, startResponse, form, 'Please use the buttons of the page.');
    const clear = form.get('do') === 'clear';
    const headers: HeaderList = NAMES.map((name, i) => ['Set-Cookie', cookie(environ, name, clear ? '' : VALUES[i])]);
    // A relative Location: back to this page, wherever the site is mounted.
    startResponse('303 See Other', [['Location', 'cookies'], ...headers]);
    return [];
  }
  return page(environ, startResponse, {
    title: 'Cookies',
    content: html`<p>The buttons post a form; the answer is a redirect with two Set-Cookie lines.</p>
<form action="${link(environ, '/cookies')}" method="post" class="buttons">
<button name="do" value="set">Set two cookies</button> <button name="do" value="clear">Clear them</button></form>
${table('Cookies that you sent', sentCookies(environ), 'You sent no cookie.')}
`,
  });
};

const VALUES = ['chocolate', 'large'];

function cookie(environ: Environ, name: string, value = ''): string {
  const age = value === '' ? 0 : 3600; // s
  return `${name}=${value}; Path=${link(environ, '/')}; Max-Age=${age}; HttpOnly; SameSite=Lax`;
}

function sentCookies(environ: Environ): Array<[name: string, value: string]> {
  const pairs = decodeNative(environ.HTTP_COOKIE ?? '').split(';');
  return pairs
    .map((pair) => pair.trim().split('='))
    .filter(([name]) => name)
    .map(([name = '', ...value]) => [name, value.join('=')]);
}
