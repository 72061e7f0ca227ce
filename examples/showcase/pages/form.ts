import { type Application, decodeNative, type Environ } from 'wsgi-edge';
import { form, type Html, html, query } from 'wsgi-edge/http';
import { link, page, table } from '../page.ts';

const LIMIT = 65_536; // bytes

/** Waits for the body of a POST. `form` refuses one that is too long (413) or not a form (415). */
export async function formPage(environ: Environ): Promise<Application> {
  const posted = new URLSearchParams();
  if (environ.REQUEST_METHOD === 'POST')
    for (const [name, value] of await form(environ, { maxBytes: LIMIT })) posted.append(name, String(value));
  const sent = query(environ);
  return page(environ, {
    title: 'Forms',
    content: html`<div class="columns">
<form action="${link(environ, '/form')}"><h2>GET</h2>${fields('get', sent)}<button>Send in the query</button></form>
<form action="${link(environ, '/form')}" method="post"><h2>POST</h2>${fields('post', posted)}<button>Send in the
body</button></form>
</div>
<h2>What arrived</h2>
${table('Query, from QUERY_STRING', [...sent], 'No query.')}
${table('Form, from wsgi.input', [...posted], 'No form was posted.')}
<h2>Native strings</h2>
<p>The values in <code>environ</code> are strings of bytes, one code unit each, as PEP 3333 has it; <code>decodeNative</code>
reads those bytes as UTF-8. See it with <a href="${link(environ, EXAMPLE)}">a path that is not ASCII</a>.</p>
${table('PATH_INFO', native(environ), '')}
`,
  });
}

const EXAMPLE = '/form/caf%C3%A9?name=Zo%C3%AB&drink=tea&drink=coffee';

function native({ PATH_INFO: path }: Environ): Array<[string, Html]> {
  return [
    ['In environ', path === '' ? html`<i>empty</i>` : html`<code>${path}</code>`],
    ['By decodeNative()', path === '' ? html`<i>empty</i>` : html`<code>${decodeNative(path)}</code>`],
  ];
}

function fields(prefix: string, values: URLSearchParams): Html {
  const drinks = values.getAll('drink');
  return html`<p><label for="${prefix}-name">Name</label>
<input id="${prefix}-name" name="name" value="${values.get('name') ?? ''}" autocomplete="off"></p>
<fieldset><legend>Drinks</legend>${['tea', 'coffee', 'water'].map(
    (drink) =>
      html`<label><input type="checkbox" name="drink" value="${drink}"${drinks.includes(drink) ? html` checked` : ''}> ${drink}</label>\n`,
  )}</fieldset>
`;
}
