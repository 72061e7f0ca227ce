/** Markup that needs no more escaping. */
export interface Html {
  readonly markup: string;
  /** As UTF-8, which is what WSGI sends: bytes, never strings. */
  bytes(): Uint8Array;
}

type Value = string | number | Html | readonly Value[];

const encoder = new TextEncoder();
const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** A template tag: html`<p>${text}</p>` escapes each value unless it is Html itself. Attributes want their quotes. */
export function html(literals: TemplateStringsArray, ...values: Value[]): Html {
  const markup = literals.reduce((before, literal, i) => before + escaped(values[i - 1] ?? '') + literal);
  return { markup, bytes: () => encoder.encode(markup) };
}

function escaped(value: Value): string {
  if (typeof value === 'object') return 'markup' in value ? value.markup : value.map(escaped).join('');
  return String(value).replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
}
