import { type Application, decodeNative, type Environ } from 'wsgi-edge';
import { type Html, html } from '../html.ts';
import { link, page, refusal, table } from '../page.ts';
import { postedFields, queryFields } from '../urlencoded.ts';

/** An application may be an async function: this one waits for the body of a POST. */
export const form: Application = async (environ, startResponse) => {
  const posted = environ.REQUEST_METHOD === 'POST' ? await postedFields(environ) : new URLSearchParams();
  if (typeof posted === 'string')
    return refusal(environ, startResponse, posted, 'This form takes up to 64 KiB, urlencoded.');
  const query = queryFields(environ);
  return page(environ, startResponse, {
    title: 'Forms',
    content: html`<div class="columns">
<form action="${link(environ, '/form')}"><h2>GET</h2>${fields('get', query)}<button>Send in the query</button></form>
<form action="${link(environ, '/form')}" method="post"><h2>POST</h2>${fields('post', posted)}<button>Send in the
body</button></form>
</div>
<h2>What arrived</h2>
${table('Query, from QUERY_STRING', [...query], 'No query.')}
${table('Form, from wsgi.input', [...posted], 'No form was posted.')}
<h2>Native strings</h2>
<p>The values in <code>environ</code> are strings of bytes, one code unit each, as PEP 3333 has it; <code>decodeNative</code>
reads those bytes as UTF-8. See it with <a href="${link(environ, EXAMPLE)}">a path that is not ASCII</a>.</p>
${table('PATH_INFO', native(environ), '')}
`,
  });
};

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
