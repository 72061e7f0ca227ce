// Takes the id of a request out of texts, so that tests can compare them.

/** A line of the log without its request. */
export const bare = (line: string): string => line.replace(/^\[[^\]]*\] (?:[A-Z]+ \/[^:]*: )?/, '');

/** The gateway's 500 page without the id. */
export const withoutId = (page: string): string => page.replace(/\nRequest id: [\x21-\x7e]+\n$/, '\n');

/** The key of environ that differs from request to request. */
export const ID = 'wsgi_edge.request_id';
