import type { Violation } from '../history/violation.js';
import { describeViolation, strictReads } from '../history/check-history.js';
import type { Run } from './run.js';
import type { Sample } from './recording.js';
import { byKind, overTime, slowest, took } from './statistics.js';

/** What a program or a page wants to know of a run. */
export type RunReport = ReturnType<typeof reportOf>;

/** Of how many stretches the course of a run consists. */
const WINDOWS = 120;

/** How much of a history is printed. */
const MOST_LINES = 40;
const MOST_COLUMNS = 400;

export function reportOf(run: Run, violations: readonly Violation[]) {
    const { history, injected, recording, startedAtMs, endedAtMs } = run;
    const { operations } = history;
    const longest = slowest(operations);
    const since = (atMs: number) => Math.round(atMs - startedAtMs);
    return {
        seed: run.seed,
        servers: run.versions,
        durationMs: since(endedAtMs),
        timeoutMs: history.timeoutMs,
        faults: run.injected.length,
        faultsByKind: countBy(injected.map(({ fault }) => fault.kind)),
        missedFaults: run.missed.length,
        calls: operations.length,
        callsByKind: byKind(operations),
        resumeTokens: Object.values(history.finalTokens).reduce((sum, tokens) => sum + tokens.length, 0),
        observations: history.observations.length,
        watchers: history.watchers.length,
        slowestCall: longest === undefined ? null : { kind: longest.call.kind, tookMs: Math.round(took(longest)) },
        strictReads: strictReads(history),
        watchersToldAfterMs: Math.round(run.restMs),
        stalls: run.stalls.map(({ fromMs, toMs }) => ({ atMs: since(fromMs), forMs: Math.round(toMs - fromMs) })),
        violations: violations.map(({ kind, subject, explanation }) => ({ kind, subject, explanation })),
        problems: recording.problems,
        logged: Object.fromEntries(recording.logged),
        injected: injected.map(({ fault, beganMs, endedMs, note }) => ({
            ...{ atMs: since(beganMs), tookMs: Math.round(endedMs - beganMs), fault, note: note ?? null }
        })),
        latencyOverTime: overTime(operations, startedAtMs, (endedAtMs - startedAtMs) / WINDOWS),
        resources: recording.samples.map((sample: Sample) => ({ ...sample, atMs: since(sample.atMs) })),
        subscriptions: run.subscriptions.map(sample => ({ ...sample, atMs: since(sample.atMs) }))
    };
}

/** What went wrong, the smallest histories first, and how to run it again; `undefined`: nothing did. */
export function failureOf(run: Run, violations: readonly Violation[], command: string): string | undefined {
    const { problems } = run.recording;
    if (violations.length + problems.length === 0) {
        return undefined;
    }
    const size = ({ smallest }: Violation) => smallest.operations.length + smallest.observations.length;
    const described = violations.toSorted((a, b) => size(a) - size(b)).slice(0, 5);
    return [
        `${violations.length} broken promises and ${problems.length} problems with seed ${run.seed}: ` +
            JSON.stringify(countBy(violations.map(({ kind }) => kind))),
        ...described.map(violation => shorten(describeViolation(violation))),
        ...problems.slice(0, 10),
        ...[...run.recording.logged].map(([message, count]) => `logged ${count} times: ${message}`),
        `The same schedule again: ${command}`
    ].join('\n\n');
}

/** What happened, on a few lines. */
export function summaryOf(report: RunReport): string {
    const { seed, servers, calls, faults, faultsByKind, slowestCall, resumeTokens, violations } = report;
    const kinds = Object.entries(faultsByKind).map(([kind, count]) => `${count} ${kind}`);
    return [
        `seed ${seed}, nats-server ${servers.from === servers.to ? servers.to : `${servers.from} to ${servers.to}`}: ` +
            `${calls} calls, ${resumeTokens} resume tokens kept, ${faults} faults (${kinds.join(', ')})`,
        `slowest call: ${slowestCall?.kind ?? 'none'}, ${slowestCall?.tookMs ?? 0} ms of ${report.timeoutMs} ms; ` +
            `${violations.length} violations, ${report.problems.length} problems`
    ].join('\n');
}

/** A history that could not be made small says little more by all of its lines. */
function shorten(description: string): string {
    const lines = description
        .split('\n')
        .map(line => (line.length > MOST_COLUMNS ? `${line.slice(0, MOST_COLUMNS)}…` : line));
    return (lines.length > MOST_LINES ? [...lines.slice(0, MOST_LINES), '  …'] : lines).join('\n');
}

function countBy(values: readonly string[]): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const value of values) {
        counts[value] = (counts[value] ?? 0) + 1;
    }
    return counts;
}
