// @ts-check

/** @typedef {{ severity: string, range?: string, via?: readonly (string | { title?: string, url?: string })[] }} Vulnerability */
/** @typedef {{ verdict: 'clean' | 'vulnerable' | 'unknown', lines: readonly string[] }} Judgement */

/** What a change must not bring in. */
const TOO_BAD = new Set(['high', 'critical']);

/**
 * What the answer of `npm audit --json` comes to. Only a report says that there is nothing: no answer, or one that is
 * something else, says nothing.
 *
 * @param {string} answer @param {string} messages what npm said beside it @returns {Judgement}
 */
export function judge(answer, messages = '') {
    const report = reportIn(answer);
    if (report === undefined) {
        const reason =
            messages.split('\n').find(line => /\b(\d{3} |audit|E[A-Z]{4,})/.test(line)) ?? 'npm said nothing';
        return {
            verdict: 'unknown',
            lines: [`Not checked for known vulnerabilities: the registry gave no answer (${reason.trim()}).`]
        };
    }
    const found = Object.entries(report.vulnerabilities).filter(([, { severity }]) => TOO_BAD.has(severity));
    const { metadata } = report;
    const all = Object.entries(metadata.vulnerabilities).filter(([level, count]) => level !== 'total' && count > 0);
    const summary = all.length === 0 ? 'none' : all.map(([level, count]) => `${count} ${level}`).join(', ');
    return {
        verdict: found.length === 0 ? 'clean' : 'vulnerable',
        lines: [
            ...found.map(([name, vulnerability]) => describe(name, vulnerability)),
            `Known vulnerabilities: ${summary}.`
        ]
    };
}

/**
 * @param {string} answer
 * @returns {{ vulnerabilities: Record<string, Vulnerability>, metadata: { vulnerabilities: Record<string, number> } } | undefined}
 */
function reportIn(answer) {
    try {
        const report = JSON.parse(answer);
        const isReport =
            typeof report?.vulnerabilities === 'object' && typeof report.metadata?.vulnerabilities?.high === 'number';
        return isReport ? report : undefined;
    } catch {
        return undefined;
    }
}

/** @param {string} name @param {Vulnerability} vulnerability */
function describe(name, { severity, range = '', via = [] }) {
    const causes = via.map(cause =>
        typeof cause === 'string' ? cause : `${cause.title ?? ''} ${cause.url ?? ''}`.trim()
    );
    return `${severity}: ${name} ${range}: ${causes.join('; ')}`;
}
