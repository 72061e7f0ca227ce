export { requestOf, respond } from '../src/fetch/application.js';
export { type FileContent, type FileInit, file } from './file.js';
export { type FormFile, type FormOptions, form } from './form.js';
export { type Html, type HtmlValue, html, raw, scriptJson } from './html.js';
export {
  accepts,
  body,
  type CookieOptions,
  cookies,
  jsonBody,
  pathText,
  query,
  type ReadOptions,
  setCookie,
} from './read.js';
export {
  attachment,
  badRequest,
  forbidden,
  HttpError,
  type Init,
  json,
  noContent,
  notFound,
  redirect,
  text,
  type View,
  view,
} from './response.js';
export { type Handler, type Params, type Router, router } from './router.js';
export { eventStream, type ServerEvent, stream } from './stream.js';
