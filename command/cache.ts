/** The folder, from the current one, that keeps what a command builds. */
export const CACHE = 'node_modules/.cache/wsgi-edge';
