/** The folder for the builds of commands, from the current one. */
export const CACHE = 'node_modules/.cache/wsgi-edge';
