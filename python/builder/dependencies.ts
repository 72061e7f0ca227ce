import type { Collected } from './collect.js';
import { evaluateMarker } from './markers.js';
import { normalName } from './requirements.js';

const METADATA = /^packages\/[^/]+\.(?:dist-info\/METADATA|egg-info\/PKG-INFO)$/;

/** An installed distribution, as its METADATA describes it. */
interface Distribution {
  name: string;
  version: string;
  /** The versions of Python that it is for, such as ">=3.10,<3.14". Empty if any will do. */
  python: string;
  needs: Array<{ name: string; marker: string }>;
}

/** Finds the dependencies that packages declare and that are not among the packages. Extras do not count.
 *  @returns lines such as "WebOb needs legacy-cgi" */
export function missingDependencies(collected: Collected[]): string[] {
  const distributions = distributionsOf(collected);
  const there = new Set(distributions.map(({ name }) => normalName(name)));
  return distributions.flatMap(({ name, needs }) =>
    needs
      .filter((needed) => !there.has(normalName(needed.name)) && applies(needed.marker))
      .map((needed) => `${name} needs ${needed.name}`),
  );
}

/** Finds the packages that are for other versions of Python than the interpreter's.
 *  @returns lines such as "spam 1.0 is for Python <3.14" */
export function foreignPackages(collected: Collected[]): string[] {
  return distributionsOf(collected)
    .filter(({ python }) => !python.split(',').every(allows))
    .map(({ name, version, python }) => `${name} ${version} is for Python ${python}`);
}

/** Tells if a clause of Requires-Python, such as ">=3.10" or "!=3.0.*", allows the interpreter. */
function allows(clause: string): boolean {
  // A marker has no suffixes such as "rc1", and old packages have ">=3.6.*".
  const [, operator = '', version = ''] = /^\s*([<>=!~]+)\s*(\d+(?:\.\d+)*(?:\.\*)?)/.exec(clause) ?? [];
  if (version === '') return true;
  const compared = /^[=!]=$/.test(operator) ? version : version.replace('.*', '');
  return evaluateMarker(`python_full_version ${operator} "${compared}"`);
}

const distributionsOf = (collected: Collected[]): Distribution[] =>
  collected.filter(({ path }) => METADATA.test(path)).map(({ bytes }) => distributionOf(bytes));

function distributionOf(metadata: Uint8Array): Distribution {
  const [head = ''] = Buffer.from(metadata)
    .toString()
    .split(/\r?\n\r?\n/);
  const needs = head.matchAll(/^Requires-Dist: *([\w.-]+)[^;\n]*(?:;(.*))?$/gm);
  return {
    name: /^Name: *(\S+)/m.exec(head)?.[1] ?? '',
    version: /^Version: *(\S+)/m.exec(head)?.[1] ?? '',
    python: /^Requires-Python: *(.*\S)/m.exec(head)?.[1] ?? '',
    needs: Array.from(needs, ([, name = '', marker = '']) => ({ name, marker: marker.trim() })),
  };
}

function applies(marker: string): boolean {
  try {
    return marker === '' || evaluateMarker(marker);
  } catch {
    return false; // this only leaves out a hint
  }
}
