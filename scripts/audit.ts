// `npm run audit`: asks the registry for known vulnerabilities in the dependencies that users of the package get. A
// finding fails. If the registry has no audit endpoint or can't be reached, that is printed and passes.
import { spawnSync } from 'node:child_process';

/** The verdict on an answer of `npm audit --json`. */
export function verdict(output: string): { failed: boolean; text: string } {
  let report: { error?: { summary?: string }; message?: string; metadata?: { vulnerabilities?: { total?: number } } };
  try {
    report = JSON.parse(output);
  } catch {
    return { failed: false, text: 'audit: skipped, npm gave no report' };
  }
  const total = report.metadata?.vulnerabilities?.total;
  if (total === undefined) {
    const why = report.error?.summary || report.message || 'no report';
    return { failed: false, text: `audit: skipped, the registry does not answer (${why})` };
  }
  return { failed: total > 0, text: `audit: ${total} known vulnerabilities in what is shipped` };
}

if (import.meta.main) {
  const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' });
  const { failed, text } = verdict(stdout ?? '');
  console.log(text);
  if (failed) {
    console.log(stdout);
    process.exitCode = 1;
  }
}
