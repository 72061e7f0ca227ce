// The table of sizes that the command prints, and a reason that it looks for. The builder shares both, so they import no Node module.

/** The reason why native libraries are left out. */
export const NATIVE = 'native libraries (.so …), which can not run';

const ROWS = 15;

/** A part of the site zip: a package, or a folder of the application. */
export interface Content {
  /** Its path, such as "packages/django", or "static" for a folder of the application. */
  path: string;
  files: number;
  /** Bytes in the site zip. */
  packed: number;
  /** Bytes of the files. */
  unpacked: number;
}

/** Prints the largest contents as a table. */
export function contentTable(contents: Content[]): string {
  const rest = contents.slice(ROWS);
  const sum = (pick: (content: Content) => number) => rest.reduce((total, content) => total + pick(content), 0);
  const more: Content = {
    path: `${rest.length} more`,
    files: sum(({ files }) => files),
    packed: sum(({ packed }) => packed),
    unpacked: sum(({ unpacked }) => unpacked),
  };
  const rows = [...contents.slice(0, ROWS), ...(rest.length > 0 ? [more] : [])];
  return [
    '  MiB, unpacked, files  in site.zip',
    ...rows.map(
      ({ path, files, packed, unpacked }) =>
        `${mib(packed)}     ${mib(unpacked)}  ${String(files).padStart(5)}  ${path}`,
    ),
  ].join('\n');
}

export const mib = (bytes: number): string => (bytes / 1_048_576).toFixed(1).padStart(5);
