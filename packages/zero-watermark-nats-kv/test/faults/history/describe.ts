import type { Call, History, Operation } from './history.js';
import { VIOLATIONS, type Violation } from './violation.js';

/** A violation as text: what was promised, and what happened instead, one event a line, in milliseconds from the first. */
export function describeViolation({ kind, subject, explanation, smallest, leftOut }: Violation): string {
    const events = eventsOf(smallest).sort((a, b) => a.atMs - b.atMs);
    const origin = events[0]?.atMs ?? 0;
    return [
        `${kind}, ${subject}: ${VIOLATIONS[kind]}. ${explanation}`,
        ...events.map(({ atMs, endMs, text }) => `  ${at(atMs, origin)} to ${at(endMs, origin)}  ${text}`),
        ...finalLines(smallest).map(line => `  at the end  ${line}`),
        ...(leftOut === 0 ? [] : [`  (${leftOut} more events of it are left out)`])
    ].join('\n');
}

interface Event {
    readonly atMs: number;
    /** `undefined`: it had no end. */
    readonly endMs: number | undefined;
    readonly text: string;
}

function eventsOf({ operations, watchers, observations }: History): Event[] {
    return [
        ...operations.map(operation => ({
            atMs: operation.startMs,
            endMs: operation.endMs,
            text: `${operation.client}: ${describeCall(operation.call)} ${describeEnd(operation)}`
        })),
        ...watchers.map(({ watcher, watched, isView, fromMs, untilMs }) => ({
            atMs: fromMs,
            endMs: untilMs,
            text: `${watcher}: ${isView === true ? 'is a view of' : 'watches'} ${watched === undefined ? 'all keys' : quote(watched)}`
        })),
        ...observations.map(({ watcher, atMs, key, revision, value }) => ({
            ...{ atMs, endMs: atMs },
            text: `${watcher}: told of ${quote(key)} = ${value === undefined ? 'deleted' : quote(value)} (revision ${revision})`
        }))
    ];
}

function describeCall(call: Call): string {
    const { kind, ...rest } = call;
    return `${kind}(${Object.entries(rest)
        .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
        .join(', ')})`;
}

function describeEnd({ answer, error, actualRevision, endMs }: Operation): string {
    if (answer !== undefined) {
        const { kind, ...rest } = answer;
        return `-> ${kind}${Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`}`;
    }
    if (error !== undefined) {
        const actual = actualRevision === undefined ? '' : ` (actual revision ${actualRevision})`;
        return `-> ${'code' in error ? error.code : `unexpected: ${error.unexpected}`}${actual}`;
    }
    return endMs === undefined ? '-> no end: the client ended first' : '-> neither answer nor error';
}

function finalLines({ finalStates, finalTokens }: History): string[] {
    return [
        ...Object.entries(finalStates).map(
            ([key, { value, revision }]) => `${quote(key)} = ${quote(value)} (revision ${revision})`
        ),
        ...Object.entries(finalTokens).flatMap(([shard, tokens]) =>
            tokens.map(
                ({ watermark, token, sync }) =>
                    `${quote(shard)}: ${watermark} is ${quote(token)}${sync ? ' (a sync)' : ''}`
            )
        )
    ];
}

function at(ms: number | undefined, origin: number): string {
    return (ms === undefined ? '-' : (ms - origin).toFixed(1)).padStart(9);
}

function quote(text: string): string {
    return JSON.stringify(text);
}
