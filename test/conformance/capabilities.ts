/** What a target may lack: each is a property of the platform around the gateway, not of the gateway. */
export const capabilities = {
  latin1Headers: 'a header value carries every byte from 0x80 to 0xFF, UTF-8 or not, both ways',
  pathBytes: 'escaped bytes that are not UTF-8 arrive in the path',
  requestUri: 'the undecoded request target arrives',
  duplicateHeaders: 'repeated request headers arrive apart, or joined with ", "',
  reasonPhrase: 'the reason of the status line reaches the client',
  statusAbove599: 'status codes from 600 to 999 can be sent',
  contentLength: 'a Content-Length of the response reaches the client',
  notModifiedLength: 'a 304 may tell the Content-Length of what it stands for',
  streaming: 'a chunk reaches the client before the next one is made',
  backPressure: 'a client that does not read stops the body',
  truncation: 'the client can tell a response that broke off',
  measuredFile: 'a stream in wsgi.file_wrapper is cut at the Content-Length of the application',
  disconnect: 'a client that goes away is noticed',
  duplex: 'the request body is read while the response goes out',
  lateInput: 'the request body can be read when the response has gone out',
  abortedUpload: 'a request body that breaks off is seen by the application',
  unreadUpload: 'a large request body that nobody reads does not cost the response',
  httpParser: 'requests come as HTTP/1.1 bytes from a socket',
  http10: 'a request of HTTP/1.0 is answered',
  absoluteForm: 'the authority of an absolute-form target goes before the Host header',
  asteriskForm: 'OPTIONS * reaches the application',
  anyMethod: 'methods beside GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS arrive',
  peerAddress: 'the platform vouches for the address of the peer',
} as const;

export type Capability = keyof typeof capabilities;
