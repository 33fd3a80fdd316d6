import { describe, expect, test } from 'vitest';

import { judge } from './audit/judge.mjs';

/** A report as `npm audit --json` of npm 10 and 11 writes it. */
function reportOf(severity?: string): string {
    const counts = { info: 0, low: 0, moderate: 0, high: 0, critical: 0, total: 0 };
    const advisory = { title: 'It does harm', url: 'https://github.com/advisories/GHSA-xxxx' };
    return JSON.stringify({
        auditReportVersion: 2,
        vulnerabilities:
            severity === undefined
                ? {}
                : { left: { name: 'left', severity, range: '<1.0.1', via: [advisory, 'right'] } },
        metadata: { vulnerabilities: severity === undefined ? counts : { ...counts, [severity]: 1, total: 1 } }
    });
}

describe('npm audit', () => {
    test('a report without any is clean', () => {
        expect(judge(reportOf())).toEqual({ verdict: 'clean', lines: ['Known vulnerabilities: none.'] });
    });

    test.each(['high', 'critical'])('one of level %s is too bad, and is named', severity => {
        expect(judge(reportOf(severity))).toEqual({
            verdict: 'vulnerable',
            lines: [
                `${severity}: left <1.0.1: It does harm https://github.com/advisories/GHSA-xxxx; right`,
                `Known vulnerabilities: 1 ${severity}.`
            ]
        });
    });

    test.each(['info', 'low', 'moderate'])('one of level %s is told', severity => {
        expect(judge(reportOf(severity))).toEqual({
            verdict: 'clean',
            lines: [`Known vulnerabilities: 1 ${severity}.`]
        });
    });

    test.each([
        '',
        'no JSON',
        'null',
        '{}',
        '{"message":"405 Method Not Allowed","statusCode":405,"error":{"summary":"","detail":""}}',
        '{"vulnerabilities":{},"metadata":{}}'
    ])('what is no report says nothing: %s', answer => {
        const refusal = 'npm warn audit 405 Method Not Allowed - POST /-/npm/v1/security/advisories/bulk\n';
        expect(judge(answer, refusal)).toEqual({
            verdict: 'unknown',
            lines: [`Not checked for known vulnerabilities: the registry gave no answer (${refusal.trim()}).`]
        });
        expect(judge(answer).verdict).toBe('unknown');
    });
});
