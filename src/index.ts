export { demoApp } from './demo-app.js';
export { logRecord } from './error-stream.js';
export { ClientDisconnected, WsgiError } from './errors.js';
export { type FetchHandler, fromFetchHandler } from './fetch/application.js';
export { toFetchHandler } from './fetch/gateway.js';
export { FileWrapper } from './file-wrapper.js';
export { type HeaderView, headerView } from './header-view.js';
export { isHopByHop } from './headers.js';
export { inputOf, inputStream } from './input-stream.js';
export { compose } from './middleware/compose.js';
export { mount } from './middleware/mount.js';
export { type ProxyHops, proxyFix } from './middleware/proxy-fix.js';
export { decodeNative, encodeNative } from './native-string.js';
export type {
  Application,
  Body,
  Environ,
  ErrorPhase,
  ErrorStream,
  FileSource,
  GatewayOptions,
  HeaderList,
  InputStream,
  LogEntry,
  LogLevel,
  LogRecord,
  Middleware,
  Observer,
  ResponseEnd,
  StartResponse,
  Write,
} from './types.js';
export { applicationUri, guessScheme, requestUri, shiftPathInfo } from './url.js';
