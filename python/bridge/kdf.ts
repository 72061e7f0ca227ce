import type { Gateway } from './wire.js';

interface NodeCrypto {
  pbkdf2Sync(password: Uint8Array, salt: Uint8Array, iterations: number, length: number, digest: string): Uint8Array;
  scryptSync(password: Uint8Array, salt: Uint8Array, length: number, options: Record<string, number>): Uint8Array;
}

/** Derives a key for Python's hashlib by node:crypto. An error is returned as text, which Python raises.
 *  @param length  of the key, in bytes
 *  @param cost  pbkdf2: the hash and the iterations; scrypt: N, r, p and the memory in bytes */
export const deriveKey: Gateway['kdf'] = (kind, password, salt, length, ...cost) => {
  // An import would keep a Worker without nodejs_compat from being bundled.
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): NodeCrypto | undefined } };
  const crypto = process?.getBuiltinModule?.('node:crypto');
  if (crypto === undefined)
    return `hashlib.${kind === 'pbkdf2' ? 'pbkdf2_hmac' : 'scrypt'} needs node:crypto; on Workers set the compatibility flag nodejs_compat`;
  try {
    if (kind === 'pbkdf2') {
      const [digest, iterations] = cost as [string, number];
      // Pyodide takes a Uint8Array, but no Buffer.
      return new Uint8Array(crypto.pbkdf2Sync(password, salt, iterations, length, digest));
    }
    const [N = 0, r = 0, p = 0, maxmem = 0] = cost as number[];
    return new Uint8Array(crypto.scryptSync(password, salt, length, { N, r, p, maxmem }));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};
