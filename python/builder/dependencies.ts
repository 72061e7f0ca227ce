import type { Collected } from './collect.js';
import { evaluateMarker } from './markers.js';
import { normalName } from './requirements.js';

const METADATA = /^packages\/[^/]+\.(?:dist-info\/METADATA|egg-info\/PKG-INFO)$/;

/** An installed distribution, as its METADATA describes it. */
interface Distribution {
  name: string;
  needs: Array<{ name: string; marker: string }>;
}

/** Finds the dependencies that packages declare and that are not among the packages. Extras do not count.
 *  @returns lines such as "WebOb needs legacy-cgi" */
export function missingDependencies(collected: Collected[]): string[] {
  const distributions = collected.filter(({ path }) => METADATA.test(path)).map(({ bytes }) => distributionOf(bytes));
  const there = new Set(distributions.map(({ name }) => normalName(name)));
  return distributions.flatMap(({ name, needs }) =>
    needs
      .filter((needed) => !there.has(normalName(needed.name)) && applies(needed.marker))
      .map((needed) => `${name} needs ${needed.name}`),
  );
}

function distributionOf(metadata: Uint8Array): Distribution {
  const [head = ''] = Buffer.from(metadata)
    .toString()
    .split(/\r?\n\r?\n/);
  const needs = head.matchAll(/^Requires-Dist: *([\w.-]+)[^;\n]*(?:;(.*))?$/gm);
  return {
    name: /^Name: *(\S+)/m.exec(head)?.[1] ?? '',
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
