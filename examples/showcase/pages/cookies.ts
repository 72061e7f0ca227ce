import type { Application, Environ } from 'wsgi-edge';
import { cookies, form, html, redirect, setCookie } from 'wsgi-edge/http';
import { link, page, table } from '../page.ts';

const COOKIES = { flavour: 'chocolate', size: 'large' };

/** Headers are a list of pairs, not a map: a name may stand in it twice. */
export async function cookiesPage(environ: Environ): Promise<Application> {
  if (environ.REQUEST_METHOD === 'POST') {
    const clear = (await form(environ)).get('do') === 'clear';
    const options = { path: link(environ, '/'), maxAge: clear ? 0 : 3600, httpOnly: true, sameSite: 'lax' } as const;
    const headers = Object.entries(COOKIES).map(([name, value]) => setCookie(name, clear ? '' : value, options));
    // A relative Location: back to this page, wherever the site is mounted.
    return redirect('cookies', { status: 303, headers });
  }
  return page(environ, {
    title: 'Cookies',
    content: html`<p>The buttons post a form; the answer is a redirect with two Set-Cookie lines.</p>
<form action="${link(environ, '/cookies')}" method="post" class="buttons">
<button name="do" value="set">Set two cookies</button> <button name="do" value="clear">Clear them</button></form>
${table('Cookies that you sent', sent(environ), 'You sent no cookie.')}
`,
  });
}

const sent = (environ: Environ): Array<[string, string]> =>
  Object.entries(cookies(environ)).map(([name, value = '']) => [name, value]);
