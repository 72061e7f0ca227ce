// Every MUST and SHOULD of PEP 3333, in the order of its sections: its form here, the code that keeps it, and the cases
// that prove it. `npm run spec` prints them to docs/SPEC.md. clauses.test.ts compares them with the validator, the files
// and the cases.

export type Level = 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'MAY';

export interface Clause {
  level: Level;
  /** Who is bound, and to what, in our words. */
  requirement: string;
  /** How it reads in TypeScript. */
  binding: string;
  /** Sentences of src/validator/ that check it, word for word. */
  check?: string[];
  /** Files that make it so: the gateway's own, or a page of the documentation. */
  where?: string[];
  /** Names of conformance cases. */
  cases?: string[];
  /** Why it has no check, no file or no case. */
  why?: string;
}

// Sentences of the validator that several clauses refer to.
const TWO_ARGUMENTS = 'A gateway calls the application with exactly two arguments, `environ` and `startResponse`.';
const CHANGEABLE =
  'An application may change it in any way: it is extensible, and its properties can be written and deleted.';
const STRING = 'Every CGI variable (a key without a dot, or an `HTTP_` one) is a string.';
const NATIVE = 'Every CGI variable is a native string: a code unit of U+0000 to U+00FF for each byte.';
const PRESENT = '`REQUEST_METHOD`, `SERVER_NAME`, `SERVER_PORT` and `SERVER_PROTOCOL` are there and not empty.';
const INPUT_METHODS = '`wsgi.input` has `read`, `readline`, `readlines` and asynchronous iteration.';
const ERRORS_METHODS = '`wsgi.errors` has `write`, `writelines` and `flush`.';
const READ_ARGUMENTS =
  '`read`, `readline` and `readlines` take at most one argument: a size in whole bytes, or null or none for all.';
const READ_BYTES = '`read` and `readline` give a Uint8Array, an empty one at the end of input.';
const READ_END = 'Reads after the end of input give empty arrays.';
const READ_LENGTH = 'All reads together give no more bytes than `CONTENT_LENGTH`, if present.';
const ONLY_METHODS =
  'An application uses only the methods of `wsgi.input` and `wsgi.errors` that are named above, and closes neither.';
const FLAGS = '`wsgi.multithread`, `wsgi.multiprocess` and `wsgi.run_once` are booleans.';
const START_ARGUMENTS = '`startResponse` takes two or three arguments: a status, headers, and `excInfo`.';
const START_TWICE =
  'It is called a second time only with `excInfo`, the error being handled, even if the first call threw.';
const STATUS = 'The status is a native string without control characters: three digits, a space and a reason.';
const HEADERS =
  'The headers are an array of [name, value] pairs; a name is a token (RFC 9110), a value a native string without control characters except the tab, and a Content-Length a number of bytes.';
const HOP_BY_HOP = 'No header is hop-by-hop: those belong to the server.';
const NOT_TRAPPED =
  'An application does not trap the error that `startResponse` throws when given `excInfo`: it gives nothing more.';
const RETURNS_WRITE = '`startResponse` returns the `write` function.';
const WRITE_ARGUMENT = '`write` takes exactly one argument, a Uint8Array.';
const BODY = 'A body is an iterable, synchronous or asynchronous, and neither a string nor bytes.';
const CHUNK = 'Every chunk of a body is a Uint8Array.';
const ONE_AT_A_TIME = 'A gateway asks for one chunk at a time, and for none after the last one or after `close`.';
const NO_MORE = '`write` and the body together give no more bytes than the Content-Length, if there is one.';
const FILE_BODY = 'It returns a body, which has a `close` if the file has one.';

const RUN = 'src/run.ts';
const START = 'src/start-response.ts';
const HEADER = 'src/headers.ts';
const ENVIRON = 'src/environ.ts';
const INPUT = 'src/input-stream.ts';
const FILE = 'src/file-wrapper.ts';

const CANNOT_TELL = 'nothing tells one from the other at run time';
const ADVICE = 'advice to who writes applications';
const COLLECTOR =
  'no check: middleware that needs the whole body (a digest, a length) is a promise here, and blocks no one but its own response';
const COLLECTS = 'middleware may give empty chunks while it collects a body';

/** The clauses by section of PEP 3333. */
export const clauses: Record<string, Clause[]> = {
  'Original Rationale and Goals (from PEP 333)': [
    {
      level: 'MUST',
      requirement: 'WSGI: be easy to implement, for servers, frameworks and middleware alike.',
      binding: 'An application is a function; the types are six lines.',
      why: 'a goal of the specification, not a rule for code',
    },
  ],
  'Specification Overview': [
    {
      level: 'MUST NOT',
      requirement: 'All: depend on the kind of a callable; it is called, not looked into.',
      binding: 'Synchronous, async and generator functions are called alike; `fn.length` is never read.',
      check: ['`startResponse` is a function.'],
      where: [RUN],
      cases: [
        'body: a list',
        'body: a promise of a list',
        'called in the first iteration of a generator',
        'called in the first iteration of an async generator',
      ],
    },
  ],
  'A Note On String Types': [
    {
      level: 'MUST',
      requirement: 'All: native strings hold nothing that Latin-1 can not.',
      binding: 'One code unit, U+0000 to U+00FF, for each byte; `decodeNative` and `encodeNative` convert.',
      check: [NATIVE, STATUS, HEADERS],
      where: ['src/native-string.ts'],
      cases: ['every value of a CGI key is a native string', 'native strings go both ways'],
    },
  ],
  'The Application/Framework Side': [
    {
      level: 'MUST',
      requirement: 'Application: can be called again and again.',
      binding: 'One function serves every request, several at the same time.',
      where: [RUN],
      cases: ['the target answers after every kind of failure', 'requests are apart from each other'],
    },
  ],
  'Middleware: Components that Play Both Sides': [
    {
      level: 'SHOULD',
      requirement: 'All: need no support for middleware, which neither side can see.',
      binding: '`Middleware` is `(app: Application) => Application`.',
      where: ['src/middleware/compose.ts'],
      cases: ['file_wrapper: an iterable for middleware', COLLECTS],
    },
    {
      level: 'MUST',
      requirement: 'Middleware: keep the rules of both sides.',
      binding: 'A validator on either side of it checks both.',
      check: [TWO_ARGUMENTS, BODY],
      cases: [COLLECTS, 'middleware may change what goes through write()'],
    },
    {
      level: 'SHOULD',
      requirement: 'Middleware that changes bytes: look at the Content-Encoding first.',
      binding: 'The same.',
      why: 'a remark on an example of the PEP',
    },
  ],
  'Specification Details': [
    {
      level: 'MUST',
      requirement: 'Application: accept two positional arguments.',
      binding: '`(environ, startResponse) => Body | Promise<Body>`.',
      where: ['src/types.ts'],
      cases: ['body: a list'],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: call it with positional arguments.',
      binding: 'Arguments have no names in JavaScript; there are two of them.',
      check: [TWO_ARGUMENTS],
      cases: ['body: a list'],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: environ is a builtin dictionary, of no subclass.',
      binding: 'A plain object: the prototype of `{}`, own enumerable properties, string keys.',
      check: [
        '`environ` is a plain object with the prototype of `{}`.',
        'Its keys are strings, and its properties are enumerable.',
      ],
      cases: ['environ is a plain object'],
    },
    {
      level: 'MAY',
      requirement: 'Application: change environ in any way.',
      binding: 'It is new for each request, and the gateway keeps what it needs of it.',
      check: [CHANGEABLE],
      where: [RUN],
      cases: [
        'environ is a plain object',
        'environ is new for each request',
        'changes of environ do not alter the response',
      ],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: environ includes the variables that WSGI requires.',
      binding: 'The keys below.',
      check: [PRESENT, INPUT_METHODS, ERRORS_METHODS],
      where: [ENVIRON],
      cases: ['required keys are there', 'wsgi keys have their types and values'],
    },
    {
      level: 'MUST',
      requirement: 'Application: call start_response with two or three positional arguments.',
      binding: '`startResponse(status, headers, excInfo?)`.',
      check: [START_ARGUMENTS],
      cases: ['excInfo before output replaces status and headers', 'no headers at all'],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: start_response returns write(), which takes one bytestring.',
      binding: '`(data: Uint8Array) => Promise<void>`.',
      check: [RETURNS_WRITE, WRITE_ARGUMENT],
      cases: ['it returns write()', 'refused: a string given to write()'],
    },
    {
      level: 'SHOULD NOT',
      requirement: 'New applications: use write() where they can avoid it.',
      binding: 'The same; an async generator gives what write() was made for.',
      why: ADVICE,
    },
    {
      level: 'MUST',
      requirement: 'Application: always return an iterable of zero or more bytestrings.',
      binding: 'An `Iterable` or `AsyncIterable` of `Uint8Array`, or a promise of one.',
      check: ['The application returns a body, or a promise of one.', BODY, CHUNK],
      where: ['src/body.ts'],
      cases: [
        'body: a generator',
        'body: an async generator',
        'a generator without a chunk is an empty body',
        'refused: a body that is undefined',
        'refused: a body that is a string',
        'refused: a chunk that is a string',
      ],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: send each bytestring before it asks for the next.',
      binding: 'The next chunk is asked for when the platform has taken the last.',
      check: [ONE_AT_A_TIME],
      where: [RUN],
      cases: ['a chunk reaches the client before the next is made', 'a client that does not read stops the body'],
    },
    {
      level: 'SHOULD',
      requirement: 'Application: buffer its own output.',
      binding: 'The same: a chunk is sent as it is, however small.',
      why: ADVICE,
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: treat bytestrings as bytes, and leave line endings alone.',
      binding: 'No chunk is read as text. Lambda sends one as text only where that gives the same bytes.',
      where: [RUN, 'targets/aws-lambda/write/body.ts'],
      cases: ['all 256 byte values go out', 'bytes that are not UTF-8 go out under a text type'],
    },
    {
      level: 'MUST',
      requirement: 'Application: len() of its iterable, where there is one, is accurate.',
      binding: 'Only arrays have a length here, and theirs is.',
      where: [RUN],
      cases: ['a list of one chunk gets its Content-Length', 'a list of several chunks gets its Content-Length'],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: call close(), where there is one, however the request ends.',
      binding: 'Once, after the iteration has ended, and awaited.',
      check: ['A gateway calls `close` once, however the request ends.', 'Its `close`, if it has one, is a function.'],
      where: ['src/body.ts'],
      cases: [
        'close() once on success, and no return() after the end',
        'close() once on a list',
        'close() once on an empty body',
        'close() runs when startResponse was never called',
        'throws after the first chunk: ended once, in order',
        'the client goes away: return() and close() once',
        '20 clients go away: close() has run 20 times',
      ],
    },
    {
      level: 'SHOULD NOT',
      requirement: 'Application: assume that its iterator is consumed to the end.',
      binding: '`return()` ends an iteration early, so that a `finally` block runs.',
      check: ['A gateway that stops an iteration early calls `return` of the iterator, if it has one, before `close`.'],
      where: ['src/body.ts'],
      cases: [
        'return() and then close() on a body that is cut',
        'return() and then close() on HEAD',
        'the client goes away: the finally block of a generator runs',
      ],
    },
    {
      level: 'MUST',
      requirement: 'Application: call start_response before its first body bytestring.',
      binding: 'Before the first chunk that is not empty, and before the body ends.',
      check: [
        '`startResponse` is called before the first chunk that is not empty.',
        '`startResponse` is called before the body ends.',
      ],
      where: [RUN],
      cases: ['never called: a list of chunks', 'never called: an empty list', 'never called: a generator'],
    },
    {
      level: 'MUST NOT',
      requirement: 'Gateway: assume that start_response was called before the iteration begins.',
      binding: 'The same.',
      where: [RUN],
      cases: [
        'called in the first iteration of a generator',
        'called in the first iteration of an async generator',
        'called after an empty chunk',
      ],
    },
    {
      level: 'MUST NOT',
      requirement: "Gateway: use other attributes of the iterable, unless its type is the gateway's own.",
      binding: 'Only iteration and `close`, except for arrays and for a `FileWrapper` that the gateway has made.',
      check: ['A gateway iterates over a body once, and not after it has closed it.'],
      where: ['src/body.ts'],
      cases: [
        'body: a Set',
        'body: an object with an iterator without return()',
        'body: a ReadableStream',
        'close() runs on the body, not on its iterator',
      ],
    },
  ],
  'environ Variables': [
    {
      level: 'MUST',
      requirement: 'Gateway: the CGI variables are there, unless they would be empty.',
      binding: '`SCRIPT_NAME`, `PATH_INFO` and `QUERY_STRING` are there even then; `CONTENT_*` are absent.',
      check: ['`SCRIPT_NAME`, `PATH_INFO` and `QUERY_STRING` are there; they may be empty.', PRESENT],
      where: [ENVIRON],
      cases: [
        'required keys are there',
        'SCRIPT_NAME is empty at the root',
        'PATH_INFO of the root is /',
        'QUERY_STRING is there and empty without a query',
        'CONTENT_TYPE and CONTENT_LENGTH never come as HTTP_ too',
      ],
    },
    {
      level: 'MUST NOT',
      requirement: 'Gateway: REQUEST_METHOD is ever empty.',
      binding: 'A token, as received.',
      check: [PRESENT, '`REQUEST_METHOD` is a token (RFC 9110).'],
      cases: ['REQUEST_METHOD as received: GET', 'REQUEST_METHOD as received: PROPFIND'],
    },
    {
      level: 'MAY',
      requirement: 'Gateway: SCRIPT_NAME or PATH_INFO is empty, at the root and below a mount.',
      binding: 'Not both: at the root PATH_INFO is `/`.',
      check: [
        '`SCRIPT_NAME` is empty or starts with `/`, and is not just `/`.',
        '`PATH_INFO` is empty or starts with `/`; it is `*` for `OPTIONS *`.',
        '`PATH_INFO` is empty only below a mount, when `SCRIPT_NAME` is not empty.',
      ],
      where: ['src/url.ts'],
      cases: ['SCRIPT_NAME is empty at the root', 'PATH_INFO of the root is /'],
    },
    {
      level: 'MUST NOT',
      requirement: 'Gateway: SERVER_NAME or SERVER_PORT is ever empty.',
      binding: "From the authority of the request, else the server's own.",
      check: [
        PRESENT,
        '`SERVER_NAME` is a host: a name, an IPv4 address, or an IPv6 address in brackets.',
        '`SERVER_PORT` is decimal digits, 65535 at most.',
      ],
      where: [ENVIRON],
      cases: [
        'a Host of "" is refused or does no harm',
        'SERVER_PORT is the port of the scheme where Host has none',
        'an IPv6 literal in Host survives',
      ],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: an HTTP_ variable is there if, and only if, the request has the header.',
      binding:
        'But for names with `_` and for `Proxy`, which are dropped against spoofing, names that are no token, and a Transfer-Encoding that has been decoded.',
      check: [
        'The key of a request header is `HTTP_` and its name in capitals, with `_` for `-`.',
        '`HTTP_CONTENT_TYPE` and `HTTP_CONTENT_LENGTH` do not exist: the headers are `CONTENT_TYPE` and `CONTENT_LENGTH`.',
        '`HTTP_PROXY` does not exist: libraries take it for a setting (httpoxy, CVE-2016-5385).',
      ],
      where: [HEADER],
      cases: [
        'HTTP_ names and values',
        'an empty header value is kept',
        'names with an underscore are dropped',
        'Proxy is dropped',
      ],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: give as many other CGI variables as apply.',
      binding: '`REMOTE_ADDR`, `REMOTE_PORT`, `REQUEST_URI`, `SERVER_SOFTWARE`, `GATEWAY_INTERFACE`, as far as known.',
      where: [ENVIRON],
      cases: ['required keys are there', 'REMOTE_ADDR is the address of the peer'],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: give the SSL variables that apply, such as HTTPS.',
      binding: '`HTTPS` is `on` with https. No platform tells the function more than that.',
      where: [ENVIRON],
      cases: ['required keys are there'],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: document its variables.',
      binding: 'docs/TARGETS.md and the type `Environ`.',
      where: ['docs/TARGETS.md', 'src/types.ts'],
      why: 'a rule for the documentation: no case',
    },
    {
      level: 'SHOULD',
      requirement: 'Application: check for the variables it needs, and do without the absent.',
      binding: 'The type `Environ` marks what may be absent with `?`, so that the compiler asks.',
      where: ['src/types.ts'],
      why: `${ADVICE}: no case`,
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: leave out what is missing.',
      binding: 'No key with an empty or undefined value stands for a missing one.',
      check: [STRING],
      where: [ENVIRON],
      cases: ['CONTENT_TYPE and CONTENT_LENGTH are absent when the request has none'],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: a CGI variable is a native string, and never of another type.',
      binding: 'A string of code units up to U+00FF.',
      check: [STRING, NATIVE],
      cases: ['every value of a CGI key is a native string', 'PATH_INFO has one code unit per byte'],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: the WSGI variables are there.',
      binding: '`wsgi.version` is `[1, 0]`; the others as in the PEP.',
      check: [
        '`wsgi.version` is `[1, 0]`.',
        '`wsgi.url_scheme` is `http` or `https`.',
        INPUT_METHODS,
        ERRORS_METHODS,
        FLAGS,
      ],
      where: [ENVIRON],
      cases: ['wsgi keys have their types and values', 'required keys are there'],
    },
    {
      level: 'SHOULD',
      requirement: 'Application: end a line of wsgi.errors with "\\n".',
      binding: 'The stream is a text stream; each line goes to the log by itself.',
      where: ['src/error-stream.ts'],
      cases: ['wsgi.errors takes text of any script, line by line'],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: wsgi.errors takes text of any script.',
      binding: 'Any string. Only here, strings need not be native ones.',
      check: ['`wsgi.errors` takes strings.'],
      where: ['src/error-stream.ts'],
      cases: ['wsgi.errors takes text of any script, line by line'],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: document where wsgi.errors goes, and how to change that.',
      binding: 'docs/TARGETS.md, option `errors`.',
      where: ['docs/TARGETS.md'],
      why: 'a rule for the documentation: no case',
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: multithread, multiprocess and run_once tell how the application is run.',
      binding:
        'false, true, false: one thread, several processes or isolates, each for many requests; with `runCgi` for one.',
      check: [FLAGS],
      where: [ENVIRON],
      cases: ['wsgi keys have their types and values'],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: its own variables have small letters, digits, dots and underscores, and a prefix.',
      binding: '`wsgi_edge.…`, `workers.…`, `aws.…`, `node.…`.',
      where: [ENVIRON],
      cases: ["the gateway's own keys have small letters and a prefix"],
    },
  ],
  'Input and Error Streams': [
    {
      level: 'MUST',
      requirement: 'Gateway: the streams have read, readline, readlines, iteration; flush, write, writelines.',
      binding: 'The same, those of the input with promises and asynchronous iteration.',
      check: [INPUT_METHODS, ERRORS_METHODS, 'Every method of `wsgi.input` returns a promise.'],
      where: [INPUT, 'src/error-stream.ts'],
      cases: ['the ways of reading mix', 'wsgi.errors takes text of any script, line by line'],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: the input ends at the Content-Length.',
      binding: 'It ends where the body does: HTTP parsers and events deliver no more (`wsgi.input_terminated`).',
      check: [READ_LENGTH, READ_END],
      where: [INPUT],
      cases: ['read() gives all, then nothing', 'read(n) gives n bytes until the end'],
    },
    {
      level: 'SHOULD NOT',
      requirement: 'Application: read more than CONTENT_LENGTH.',
      binding: 'It may: the input ends by itself.',
      cases: ['read() gives all, then nothing'],
      why: 'harmless here: no check',
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: read() without an argument gives all that is left.',
      binding: '`read()`, `read(null)` and `read(-1)` alike.',
      check: [READ_ARGUMENTS],
      where: [INPUT],
      cases: ['read() gives all, then nothing', 'read(-1), read(null) and read(undefined) give all'],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: reading an empty or exhausted input gives empty bytestrings.',
      binding: 'An empty Uint8Array, never null.',
      check: [READ_BYTES, READ_END],
      where: [INPUT],
      cases: ['a request without a body reads as empty', 'Content-Length: 0 reads as empty'],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: readline() takes a size.',
      binding: 'The same.',
      check: [
        '`read` and `readline` give no more bytes than they are asked for.',
        'A line has no LF except at its end.',
      ],
      where: [INPUT],
      cases: ['readline(size) gives at most size bytes', 'readline() gives lines with their LF'],
    },
    {
      level: 'MUST',
      requirement: 'Application: call flush() where its output must be written.',
      binding: 'The gateway flushes when the request ends.',
      check: ['`write` and `writelines` take exactly one argument, `flush` none.'],
      where: [RUN],
      cases: ['wsgi.errors is flushed when the request ends'],
    },
    {
      level: 'MUST NOT',
      requirement: 'Application: use other methods or attributes of the streams.',
      binding: 'There are no others.',
      check: [ONLY_METHODS],
      cases: ['wsgi.input and wsgi.errors have their methods and no more'],
    },
    {
      level: 'MUST NOT',
      requirement: 'Application: close the streams.',
      binding: 'They have no `close`.',
      check: [ONLY_METHODS],
      cases: ['wsgi.input and wsgi.errors have their methods and no more'],
    },
  ],
  'The start_response() Callable': [
    {
      level: 'MUST',
      requirement: 'Application: give its arguments by position.',
      binding: 'Arguments have no names in JavaScript.',
      check: [START_ARGUMENTS],
      cases: ['excInfo before output replaces status and headers'],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: it returns write().',
      binding: 'The same.',
      check: [RETURNS_WRITE],
      cases: ['it returns write()'],
    },
    {
      level: 'MUST',
      requirement: 'Application: the status is a code and a reason, one space between, no white space around.',
      binding: '`NNN reason`; the reason may be empty. The gateway tolerates white space within the reason.',
      check: [STATUS, 'Exactly one space stands before the reason, which may be empty, and no space after it.'],
      where: [HEADER],
      cases: [
        'status code of "200 "',
        'refused: status without a space',
        'refused: status with a space in front',
        'a space at the end of the reason is tolerated',
      ],
    },
    {
      level: 'MUST NOT',
      requirement: 'Application: the status has control characters, or CR or LF at its end.',
      binding: 'The call throws.',
      check: [STATUS],
      where: [HEADER],
      cases: ['refused: status with CR LF', 'refused: status with LF', 'refused: status with NUL'],
    },
    {
      level: 'MUST',
      requirement: 'Application: the headers are a list of tuples.',
      binding: 'An array of [name, value] pairs.',
      check: [HEADERS],
      where: [HEADER],
      cases: ['refused: headers: a Map', 'refused: headers: an object', 'refused: headers: a pair of three'],
    },
    {
      level: 'MAY',
      requirement: 'Gateway: change the list.',
      binding: 'It copies the list, and changes its copy.',
      where: [START],
      cases: ['it copies the header list', 'a header list that is used again does not grow'],
    },
    {
      level: 'MUST',
      requirement: 'Application: a header name is a field-name, without a colon or other punctuation at its end.',
      binding: 'A token, or the call throws. At its end the gateway tolerates what a token may have.',
      check: [HEADERS, 'A header name ends in a letter or a digit.'],
      where: [HEADER],
      cases: [
        'a header name of all token characters',
        'a header name like __proto__',
        'refused: headers: a name with a colon',
        'refused: headers: a name with a space',
      ],
    },
    {
      level: 'MUST NOT',
      requirement: 'Application: a header value has control characters.',
      binding: 'The call throws; the tab is allowed, as in RFC 9110.',
      check: [HEADERS],
      where: [HEADER],
      cases: [
        'refused: headers: a value with CR LF',
        'refused: headers: a value with LF at its end',
        'refused: headers: a value with NUL',
        'a tab in a header value',
      ],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: add the headers that HTTP requires and the application has left out.',
      binding: 'Content-Length where the body is known; Date is added by the server under the gateway.',
      where: [RUN],
      cases: ['a list of one chunk gets its Content-Length', 'a Date of the application is not doubled'],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: mind that header names have no case.',
      binding: 'The same.',
      where: [HEADER],
      cases: [
        'refused: hop-by-hop header transfer-encoding',
        'refused: headers: two different Content-Lengths',
        'several Set-Cookie headers stay apart and in order',
      ],
    },
    {
      level: 'MUST NOT',
      requirement: 'Application, middleware: use hop-by-hop features, or headers that bear on the connection.',
      binding: 'The call throws.',
      check: [HOP_BY_HOP],
      where: [HEADER],
      cases: ['refused: hop-by-hop header Connection', 'refused: hop-by-hop header Keep-Alive'],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: take that for a fatal error, and raise it.',
      binding: 'A `WsgiError`.',
      where: [START],
      cases: ['refused: hop-by-hop header Upgrade', 'refused: hop-by-hop header Trailer'],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: check the headers in the call, while the application runs.',
      binding: 'The same.',
      where: [START],
      cases: ['refused: headers: a value with CR', 'refused: status of letters'],
    },
    {
      level: 'MUST NOT',
      requirement: 'Gateway: send the head in the call; it is kept until there are bytes, write(), or the end.',
      binding: 'The head goes out at commit: first chunk with bytes, first write(), end, or `Content-Length: 0`.',
      where: [RUN],
      cases: [
        'excInfo after an empty chunk replaces and drops the old Content-Length',
        'throws after an empty chunk',
        'throws after startResponse',
        'a declared Content-Length of 0 commits',
      ],
    },
    {
      level: 'MUST',
      requirement: 'Application: exc_info is a sys.exc_info() tuple.',
      binding: 'The error being handled: any value that can be thrown but null and undefined.',
      check: [START_TWICE],
      cases: ['excInfo may be any value but null and undefined', 'excInfo of null or undefined counts as not given'],
    },
    {
      level: 'SHOULD',
      requirement: 'Application: give exc_info only when it handles an error.',
      binding: 'The same.',
      why: CANNOT_TELL,
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: before output, a call with exc_info replaces the head.',
      binding: 'Status, headers and the Content-Length.',
      where: [START],
      cases: [
        'excInfo before output replaces status and headers',
        'excInfo after an empty chunk replaces and drops the old Content-Length',
      ],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: after output, a call with exc_info raises an error.',
      binding: 'The same.',
      where: [START],
      cases: [
        'excInfo after output throws that same value',
        'write() commits: excInfo after it throws that same value',
      ],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: that error is the one of exc_info.',
      binding: 'The same value, by identity.',
      where: [START],
      cases: ['excInfo after output throws that same value'],
    },
    {
      level: 'SHOULD',
      requirement: 'Application: be ended by that error.',
      binding: 'The response is broken off, so that the client can tell.',
      where: [RUN],
      cases: ['the client can tell a response whose excInfo came too late'],
    },
    {
      level: 'MUST NOT',
      requirement: 'Application: trap what start_response raises when it is given exc_info.',
      binding: 'The same.',
      check: [NOT_TRAPPED],
      cases: ['write() commits: excInfo after it throws that same value', 'an empty write() commits as well'],
    },
    {
      level: 'SHOULD',
      requirement: 'Application: let it go up to the gateway.',
      binding: 'The same.',
      check: [NOT_TRAPPED],
      cases: ['the client can tell a response whose excInfo came too late'],
    },
    {
      level: 'MUST NOT',
      requirement: 'Application: call it a second time without exc_info, even where the first call raised.',
      binding: 'The call throws a `WsgiError`.',
      check: [START_TWICE],
      where: [START],
      cases: [
        'a second call without excInfo throws',
        'a call after one that threw throws too',
        'a call without excInfo after output throws',
      ],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: keep no reference to exc_info.',
      binding: 'None is kept; a cycle would do no harm either, as collectors find them.',
      where: [START],
      why: 'a JavaScript error holds no frames: nothing to see for a case',
    },
  ],
  'Handling the Content-Length Header': [
    {
      level: 'SHOULD NOT',
      requirement: 'Gateway: send more bytes than the Content-Length.',
      binding: 'The rest is cut, and the breach logged.',
      check: [NO_MORE],
      where: [RUN],
      cases: [
        'a body longer than its Content-Length is cut and logged: a list',
        'a body longer than its Content-Length is cut and logged: a generator',
      ],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: iterate no further then, or raise an error out of write().',
      binding: 'The iteration is ended; write() is cut.',
      where: [RUN],
      cases: ['a cut body is iterated no further', 'write() past the Content-Length is cut'],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: close the connection and report the error when bytes are missing.',
      binding: 'The response is broken off, and the breach logged.',
      check: ['A body that reaches its end has given no fewer bytes than the Content-Length, if there is one.'],
      where: [RUN],
      cases: [
        'a body shorter than its Content-Length is logged: a list',
        'a body shorter than its Content-Length is logged: a generator',
        'the client can tell a body shorter than its Content-Length: a generator',
      ],
    },
    {
      level: 'MAY',
      requirement: 'Gateway: make the Content-Length where it knows the body, or send chunks.',
      binding: 'From an array, or from the size of a file; else the server under the gateway frames the body.',
      where: [RUN],
      cases: ['a list of one chunk gets its Content-Length', 'an empty list gets a Content-Length of 0'],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: keep to HTTP when it sends chunks.',
      binding: 'The server under the gateway does the framing.',
      where: ['targets/node/response.ts', 'targets/cloudflare/response.ts'],
      cases: [
        '2000 small chunks go out in order',
        'a generator without a chunk is an empty body',
        '204 with an empty body',
      ],
    },
    {
      level: 'MUST NOT',
      requirement: 'Application, middleware: apply a Transfer-Encoding.',
      binding: 'The header makes the call throw.',
      check: [HOP_BY_HOP],
      where: [HEADER],
      cases: ['refused: hop-by-hop header Transfer-Encoding'],
    },
  ],
  'Buffering and Streaming': [
    {
      level: 'MUST NOT',
      requirement: 'All: delay a block.',
      binding: "No chunk waits for the next, but on Lambda's buffered results.",
      check: [ONE_AT_A_TIME],
      where: [RUN],
      cases: [
        'a chunk reaches the client before the next is made',
        'an application that awaits between two calls of write() streams',
        'a body with a Content-Length streams as well',
      ],
    },
    {
      level: 'MUST',
      requirement: 'All: send a block whole, or go on sending while the next is made.',
      binding: 'Two requests, two bodies: the event loop sends while an application waits.',
      where: [RUN],
      cases: ['request and response go on at the same time', '2 MiB in chunks of 64 KiB go out'],
    },
  ],
  'Middleware Handling of Block Boundaries': [
    {
      level: 'MUST NOT',
      requirement: 'Middleware: block the iteration to wait for several values.',
      binding: 'The same, though an await would not block others.',
      cases: [COLLECTS],
      why: COLLECTOR,
    },
    {
      level: 'MUST',
      requirement: 'Middleware: give an empty bytestring where it has to collect more.',
      binding: '`yield new Uint8Array(0)`.',
      cases: [COLLECTS, 'empty chunks are skipped'],
      why: COLLECTOR,
    },
    {
      level: 'MUST',
      requirement: 'Middleware: give a value each time the application below gives one.',
      binding: 'The same.',
      cases: [COLLECTS],
      why: COLLECTOR,
    },
    {
      level: 'MUST',
      requirement: 'Middleware: return an iterable as soon as the application below has.',
      binding: 'The same; a body that is an array may be used at once.',
      cases: [COLLECTS],
      why: COLLECTOR,
    },
    {
      level: 'MUST NOT',
      requirement: 'Middleware: give to write() what the application below has yielded, but only what that wrote.',
      binding: 'The same.',
      cases: ['middleware may change what goes through write()'],
      why: 'no check: bytes do not tell where they come from',
    },
  ],
  'The write() Callable': [
    {
      level: 'SHOULD NOT',
      requirement: 'New applications: use write(); the iterable is better.',
      binding: 'The same.',
      why: ADVICE,
    },
    {
      level: 'MUST',
      requirement: 'Gateway: before write() returns, the bytes are sent or buffered to be.',
      binding: 'Its promise is resolved when the platform has taken them; calls go out in order.',
      check: ['`write` returns a promise.'],
      where: [RUN],
      cases: [
        'write() of 1 MiB without waiting keeps the order',
        'a buffer may be used again once write() has resolved',
      ],
    },
    {
      level: 'MUST',
      requirement: 'Application: return an iterable, even if write() gave all.',
      binding: '`[]` will do.',
      check: [BODY],
      where: ['src/body.ts'],
      cases: ['write() alone, awaited', 'refused: a body that is undefined'],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: send what the iterable yields after write() as usual.',
      binding: 'The same.',
      where: [RUN],
      cases: ['write() goes out before the body', 'write() before an async generator'],
    },
    {
      level: 'MUST NOT',
      requirement: 'Application: call write() from within its iterable.',
      binding: 'The gateway keeps the order even so.',
      check: [
        '`write` is not called from within the iteration of the body.',
        '`write` is not called after the response has ended.',
      ],
      cases: ['write() from inside the iteration keeps the order', 'write() after the response has ended rejects'],
    },
  ],
  'Unicode Issues': [
    {
      level: 'MUST',
      requirement: 'Application: do all encoding; text never goes in or out.',
      binding: "Bodies are `Uint8Array`; `TextEncoder` and `encodeNative` are the application's to call.",
      check: [CHUNK, WRITE_ARGUMENT],
      where: [START],
      cases: ['refused: a chunk that is a string', 'refused: a string given to write()'],
    },
    {
      level: 'MUST',
      requirement: 'Application: status and headers are ISO-8859-1, or encoded as MIME words.',
      binding: 'Native strings, sent byte by byte.',
      check: [STATUS, HEADERS],
      where: [HEADER],
      cases: [
        'response header: UTF-8 bytes go out as they are',
        'response header: bytes that are not UTF-8 go out as they are',
      ],
    },
    {
      level: 'MUST NOT',
      requirement: 'Application: supply a string with another character, which is a fatal error.',
      binding: 'The call throws, and names `encodeNative`.',
      check: [STATUS, HEADERS],
      where: [HEADER],
      cases: ['refused: status above U+00FF', 'refused: headers: a value above U+00FF'],
    },
    {
      level: 'MUST NOT',
      requirement: 'Gateway: supply a string with another character.',
      binding: 'The same.',
      check: [NATIVE],
      where: ['src/native-string.ts'],
      cases: ['every value of a CGI key is a native string', 'request header: UTF-8 bytes arrive as they are'],
    },
    {
      level: 'MUST',
      requirement: 'All: strings are of type str, of 8 bits a character.',
      binding: 'Primitive strings of code units up to U+00FF.',
      check: [STRING, STATUS, HEADERS],
      where: [HEADER],
      cases: ['refused: status that is a number', 'refused: headers: a value that is a number'],
    },
    {
      level: 'MUST',
      requirement: 'All: bytestrings, read, written or yielded, are of type bytes.',
      binding: '`Uint8Array`; no other view and no ArrayBuffer.',
      check: [READ_BYTES, '`readlines` gives an array of Uint8Array.', WRITE_ARGUMENT, CHUNK],
      where: [START, INPUT],
      cases: [
        'every result is a Uint8Array',
        'refused: a chunk that is an ArrayBuffer',
        'refused: a chunk that is a Uint16Array',
      ],
    },
  ],
  'Error Handling': [
    {
      level: 'SHOULD',
      requirement: 'Application: trap its own errors, and show a helpful message.',
      binding: 'The same; `onError` may do it for all.',
      where: [RUN],
      cases: ['an application answers its own error through excInfo', 'onError gives the page'],
    },
    {
      level: 'MUST NOT',
      requirement: 'Application: show a message when bytes have gone out.',
      binding: '`startResponse` throws excInfo back.',
      check: [NOT_TRAPPED],
      where: [START],
      cases: ['excInfo after output throws that same value'],
    },
    {
      level: 'SHOULD NOT',
      requirement: 'Application: trap the error that comes back.',
      binding: 'The same.',
      check: [NOT_TRAPPED],
      cases: ['the client can tell a response whose excInfo came too late'],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: trap and log what ends an application or its iteration.',
      binding: 'To `wsgi.errors` with its stack; a 500 before output, a response broken off after it.',
      where: [RUN],
      cases: [
        'throws before startResponse',
        'rejects after startResponse',
        'throws in the first next()',
        'throws after the first chunk: logged',
        'throws after write(): logged',
      ],
    },
    {
      level: 'MAY',
      requirement: 'Gateway: add a message to a text that has begun.',
      binding: 'It does not: the response is broken off.',
      where: [RUN],
      cases: [
        'throws after the first chunk: the client can tell',
        'throws after the first chunk: no second status, and the message stays inside',
      ],
    },
    {
      level: 'MUST',
      requirement: 'Application: give exc_info with every error response.',
      binding: 'The same.',
      check: [START_TWICE],
      cases: ['an application answers its own error through excInfo'],
    },
  ],
  'HTTP 1.1 Expect/Continue': [
    {
      level: 'MUST',
      requirement: 'Gateway: support Expect: 100-continue.',
      binding: 'The server under the gateway answers it.',
      where: ['targets/node/serve.ts'],
      cases: ['Expect: 100-continue is supported'],
    },
    {
      level: 'MUST',
      requirement: 'Gateway that answers at the first read: let the read wait for the client.',
      binding: 'A read is a promise, and waits for bytes in any case.',
      where: [INPUT],
      cases: ['Expect: 100-continue is supported'],
    },
  ],
  'Other HTTP Features': [
    {
      level: 'SHOULD',
      requirement: 'Gateway: play dumb, and change nothing that alters the meaning of a response.',
      binding:
        'Only Content-Length is added. White space around a value, a second equal Content-Length, and the Content-Length of a 204 or 205 are removed.',
      where: [RUN],
      cases: [
        'no Content-Type is added',
        'a Content-Encoding of the application is left alone',
        'Location and other headers go out as they are',
        'repeated response headers keep their order, apart or joined',
      ],
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: be conservative, as an HTTP gateway is; features are for middleware.',
      binding: 'Only HEAD, 204, 205 and 304 are treated: their body is closed, not sent.',
      where: [RUN],
      cases: ['HEAD sends no body and closes it: an iterable', '304 keeps its headers'],
    },
    {
      level: 'MUST NOT',
      requirement: 'Application: generate hop-by-hop headers, use what needs them, or rely on those of the request.',
      binding: 'The call throws. 101 is refused but where the gateway has an upgrade.',
      check: [HOP_BY_HOP, 'The status is 200 or above, or 101 if the gateway can upgrade the connection.'],
      where: [HEADER],
      cases: ['refused: hop-by-hop header TE', 'refused: status 101 without an upgrade'],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: handle inbound hop-by-hop headers itself, and decode Transfer-Encoding.',
      binding: 'The body comes decoded; `HTTP_TRANSFER_ENCODING` is dropped.',
      check: ['`HTTP_TRANSFER_ENCODING` does not exist: the gateway has decoded the body.'],
      where: [HEADER],
      cases: ['a chunked body without a length is decoded'],
    },
    {
      level: 'SHOULD',
      requirement: 'Application: validate caches itself.',
      binding: 'The same: the gateway leaves ETag and If-None-Match alone.',
      cases: ['304 keeps its headers'],
      why: `${ADVICE}: no check`,
    },
    {
      level: 'SHOULD',
      requirement: 'Application: apply a content encoding itself, and no transport encoding.',
      binding: 'The same.',
      check: [HOP_BY_HOP],
      cases: ['a Content-Encoding of the application is left alone', 'refused: hop-by-hop header Transfer-Encoding'],
    },
    {
      level: 'SHOULD',
      requirement: 'Application: serve byte ranges itself, if at all.',
      binding: 'The same: the gateway makes none.',
      why: ADVICE,
    },
  ],
  'Thread Support': [
    {
      level: 'SHOULD',
      requirement: 'Gateway: can run an application in a single thread.',
      binding: 'It can nothing else. Requests take turns at each await.',
      where: [ENVIRON],
      cases: ['wsgi keys have their types and values', 'requests are apart from each other'],
    },
  ],
  'Server Extension APIs': [
    {
      level: 'SHOULD NOT',
      requirement: 'Gateway: assume that nobody uses middleware.',
      binding: 'Every extension is a key of environ, which middleware can replace.',
      where: [ENVIRON],
      cases: ['environ is a plain object'],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: an extension that replaces a part of WSGI is called with that part.',
      binding: '`inputStream(environ)` gives the body of the `wsgi.input` that is in environ.',
      where: [INPUT],
      cases: ['inputStream() gives the body as a ReadableStream', 'inputStream() gives what read() has left'],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: an extension for request headers takes environ, and refuses where they differ.',
      binding: 'There is none. `workers.request`, `aws.event` and `node.req` are the request as it came.',
      where: ['docs/TARGETS.md'],
      why: 'no case: there is nothing to call',
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: an extension for the response takes start_response, and refuses another one.',
      binding:
        '`workers.upgrade` and `aws.forward` do nothing until `startResponse` is given status 101 or 204, so middleware can answer instead.',
      where: ['targets/cloudflare/handler.ts', 'targets/aws-lambda/handler.ts'],
      why: 'only Workers and Lambda@Edge have one: test/cloudflare.test.ts, test/lambda-forward.test.ts',
    },
    {
      level: 'SHOULD',
      requirement: 'Middleware: add features as functions of environ, not as values in it.',
      binding: '`applicationUri(environ)`, `requestUri(environ)`, `inputStream(environ)`.',
      where: ['src/url.ts'],
      cases: ['inputStream() gives what read() has left'],
    },
  ],
  'Application Configuration': [
    {
      level: 'SHOULD',
      requirement: 'Framework: document how to make an application of it.',
      binding: '`fromFetchHandler(handler)` makes one of any Fetch handler; docs/INTERFACE.md shows it.',
      where: ['docs/INTERFACE.md'],
      why: 'a rule for the documentation: no case',
    },
    {
      level: 'SHOULD',
      requirement: 'Gateway: a deployer can put names and values into environ.',
      binding: 'By middleware of one line; on Workers the bindings are in `workers.env`.',
      where: ['docs/TARGETS.md'],
      cases: ['environ is a plain object'],
    },
    {
      level: 'SHOULD',
      requirement: 'Application: need few of them, and cache what it reads by them.',
      binding: 'The same.',
      why: ADVICE,
    },
  ],
  'URL Reconstruction': [
    {
      level: 'MAY',
      requirement: 'Application: make the URL from environ again.',
      binding: '`requestUri(environ)` and `applicationUri(environ)`.',
      where: ['src/url.ts'],
      cases: ['SERVER_NAME, SERVER_PORT and HTTP_HOST come from Host'],
    },
  ],
  'Supporting Older (<2.2) Versions of Python': [
    {
      level: 'MUST',
      requirement: 'All: keep to what these versions had, such as for loops and __getitem__.',
      binding: 'ES2022 is what src needs.',
      why: 'a rule for Python before 2.2',
    },
  ],
  'Optional Platform-Specific File Handling': [
    {
      level: 'MUST',
      requirement: 'Gateway: wsgi.file_wrapper takes a file, and a block size that may be left out.',
      binding: '`(source, blockSize?) => Body`.',
      check: [
        '`wsgi.file_wrapper`, if present, is a function.',
        '`wsgi.file_wrapper` takes one or two arguments: a file, and a block size in bytes.',
      ],
      where: [FILE],
      cases: ['file_wrapper: { read } goes out in blocks and is closed', 'file_wrapper: a Blob'],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: it returns an iterable.',
      binding: 'A body, for middleware to iterate over.',
      check: [FILE_BODY],
      where: [FILE],
      cases: ['file_wrapper: an iterable for middleware'],
    },
    {
      level: 'MUST NOT',
      requirement: 'Gateway: it sends anything before the application has returned that.',
      binding: 'Nothing is read from the source before.',
      where: [FILE],
      cases: ['file_wrapper: a file that is not returned is neither read nor sent'],
    },
    {
      level: 'MUST',
      requirement: 'Application: a file has a read() that takes a size.',
      binding: '`{ read(size) }`, a `ReadableStream`, a `Blob` or a Node `Readable`; else the call throws.',
      where: [FILE],
      cases: ['refused: a file without read()', 'file_wrapper: a ReadableStream'],
    },
    {
      level: 'MUST',
      requirement: "Gateway: the iterable has a close() that calls the file's, where that has one.",
      binding: '`close()`, `destroy()` or `cancel()`, whichever the source has.',
      check: [FILE_BODY],
      where: [FILE],
      cases: [
        'file_wrapper: { read } goes out in blocks and is closed',
        'file_wrapper: HEAD closes the file',
        'file_wrapper: a client that goes away closes { read }',
      ],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: look for the wrapper, and use the platform, only when the application has returned.',
      binding: 'The same.',
      where: [RUN],
      cases: [
        'file_wrapper: a file that is not returned is neither read nor sent',
        'file_wrapper: an iterable for middleware',
      ],
    },
    {
      level: 'SHOULD',
      requirement:
        'Gateway: mean the same as an iteration over read(): from where the file is to its end or the length.',
      binding: 'The same; a stream that workerd pipes is broken off where others are cut.',
      where: [RUN, FILE],
      cases: [
        'file_wrapper: { read } longer than the Content-Length is cut',
        'file_wrapper: a Blob longer than the Content-Length is cut',
        'file_wrapper: the client can tell a stream shorter than the Content-Length',
      ],
    },
    {
      level: 'MUST',
      requirement: 'Gateway: wrap read() and close() in an iterable where the platform can not take the file.',
      binding: 'Read block by block.',
      where: [FILE],
      cases: [
        'file_wrapper: an async { read } without close()',
        'file_wrapper: { read } goes out in blocks and is closed',
      ],
    },
  ],
  'Questions and Answers': [
    {
      level: 'SHOULD NOT',
      requirement: 'Application: count on being run once because of run_once.',
      binding: '`wsgi.run_once` is false, but for `runCgi`.',
      where: [ENVIRON],
      cases: ['wsgi keys have their types and values'],
    },
  ],
};
