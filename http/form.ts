import { concatenate } from '../src/body.js';
import { bytesToText } from '../src/native-string.js';
import type { Environ } from '../src/types.js';
import { type Part, partsOf } from './multipart.js';
import { body, MAX_BYTES, mediaType, type ReadOptions, refuse, tooLarge, wrongType } from './read.js';

/** A file of a form while it arrives. Its content can be read once, by iterating over it. */
export interface FormFile extends AsyncIterable<Uint8Array<ArrayBuffer>> {
  /** The name of the field. */
  name: string;
  /** As the client sent it: never use it as a path. "" if no file was chosen. */
  filename: string;
  /** The media type that the client gave, "application/octet-stream" if it gave none. */
  type: string;
}

/** How a form is read. */
export interface FormOptions extends ReadOptions {
  /** The most fields and files, 1000 by default. */
  maxParts?: number;
  /** Takes each file while it arrives, instead of memory. The form waits for it, and has the value that it returns. Bytes
   *  that it has not read are skipped. Only the target's `maxBody` limits their number. */
  onFile?: (file: FormFile) => FormValue | Promise<FormValue>;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a function that only stores the file returns nothing
type FormValue = string | Blob | undefined | void;

/** The fields and files of a posted form, urlencoded or multipart. A file is a `File` in memory unless `onFile` takes it.
 *  `maxBytes` counts names, file names, values and files in memory.
 *  @throws {HttpError} (as a rejection) with 415 when the body is not a form, 413 when it exceeds `maxBytes` or `maxParts`, and
 *    400 when it is malformed
 *  @example
 *  ```ts
 *  import { form } from 'wsgi-edge/http';
 *  import { testEnviron } from 'wsgi-edge/testing';
 *
 *  const environ = testEnviron({ CONTENT_TYPE: 'application/x-www-form-urlencoded' }, 'name=Zo%C3%AB&tag=a&tag=b');
 *  const fields = await form(environ);
 *  [fields.get('name'), ...fields.getAll('tag')]; //=> ['Zoë', 'a', 'b']
 *  ```
 *  @example
 *  ```ts
 *  import { form, json, view } from 'wsgi-edge/http';
 *  import { client } from 'wsgi-edge/testing';
 *
 *  const app = view(async (environ) => {
 *    const fields = await form(environ, {
 *      async onFile(file) {
 *        let size = 0;
 *        for await (const bytes of file) size += bytes.length;
 *        return `${file.filename}: ${size} bytes`;
 *      },
 *    });
 *    return json([...fields]);
 *  });
 *  const data = new FormData();
 *  data.append('file', new File(['abc'], 'a.txt'));
 *  await (await client(app).post('/', { form: data })).json(); //=> [['file', 'a.txt: 3 bytes']]
 *  ``` */
export async function form(environ: Environ, options: FormOptions = {}): Promise<FormData> {
  const { maxBytes = MAX_BYTES, maxParts = 1000, onFile } = options;
  const fields = new FormData();
  const type = mediaType(environ);
  const boundary = boundaryOf(environ);
  let parts = 0;
  let held = 0; // bytes
  const keep = (bytes: number, part = 0) => {
    parts += part;
    held += bytes;
    if (!(parts <= maxParts)) refuse(413, `sent more than ${maxParts} fields`);
    if (!(held <= maxBytes)) tooLarge(maxBytes);
  };
  if (type === 'application/x-www-form-urlencoded') {
    for (const [name, value] of new URLSearchParams(bytesToText(await body(environ, { maxBytes })))) {
      keep(0, 1);
      fields.append(name, value);
    }
  } else if (type === 'multipart/form-data' && boundary !== undefined) {
    for await (const part of partsOf(environ['wsgi.input'], boundary)) {
      keep(part.name.length + (part.filename?.length ?? 0), 1);
      await addPart(fields, part, keep, onFile);
    }
  } else wrongType(environ, 'application/x-www-form-urlencoded or multipart/form-data');
  return fields;
}

function boundaryOf({ CONTENT_TYPE = '' }: Environ): string | undefined {
  const [, quoted, token] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(CONTENT_TYPE) ?? [];
  return quoted ?? token;
}

async function addPart(
  fields: FormData,
  { name, filename, type = 'application/octet-stream', content }: Part,
  keep: (bytes: number) => void,
  onFile: FormOptions['onFile'],
): Promise<void> {
  if (filename !== undefined && onFile !== undefined) {
    const value = await onFile({ name, filename, type, ...content });
    if (typeof value === 'string') fields.append(name, value);
    else if (value !== undefined) fields.append(name, value, filename);
    return;
  }
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0; // bytes
  for await (const bytes of content) {
    keep(bytes.length);
    chunks.push(bytes);
    length += bytes.length;
  }
  if (filename === undefined) fields.append(name, bytesToText(concatenate(chunks, length)));
  else fields.append(name, new File(chunks, filename, { type }));
}
