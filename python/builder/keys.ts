// A key in the site zip can be read by everybody who can read the assets, so the build refuses files that look like one.

const PEM_KEY =
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:\\[nr]|["'+,\s]|[A-Z][\w-]*: [^\n]*\n)*[A-Za-z0-9+/]{32}/;

const KEY_NAMES: RegExp[] = [
  /^id_(rsa|dsa|ecdsa|ed25519)(_sk)?$/,
  /\.(key|p12|pfx|p8|jks|keystore|ppk|kdbx|tfstate)$/i,
  /^(.*[-_.])?(credentials?|secrets?)(\.(json|ya?ml|toml|ini|cfg|conf|csv|txt|xml|env|bak))?$/i,
  /^(client_secret|service[-_]?account).*\.json$/i,
  /^\.?(htpasswd|netrc|pgpass|pypirc|npmrc)$/,
  /^(.*\.)?env(\.(local|dev|development|prod|production|staging|test))?$/,
];

/** Tells whether a file holds a key or credentials.
 *  @param named  whether its name counts too, or only its contents
 *  @returns the kind of secret that it looks like, or null */
export function keyIn(path: string, bytes: Uint8Array, named: boolean): string | null {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (named && KEY_NAMES.some((pattern) => pattern.test(name))) return 'credentials or a key, by its name';
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // The search for the words is much faster than the pattern.
  if (buffer.includes('PRIVATE KEY') && PEM_KEY.test(buffer.toString('latin1'))) return 'a private key';
  return null;
}
