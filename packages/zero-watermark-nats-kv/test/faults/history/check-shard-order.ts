import { WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import type { Assignment } from './assignments.js';
import type { ShardStory } from './check-shard.js';
import { isImport } from './endings.js';
import { groupBy } from './group-by.js';
import type { Operation } from './history.js';
import { outcomeOf } from './outcome.js';
import type { Finding } from './violation.js';

/** Calls that fail together are recorded one after another, and meanwhile new ones begin: how long that may take. */
const SAME_MOMENT_MS = 250;

/** Whether new tokens got their watermarks in the order of time and in the order of each client's calls. */
export function findInShardOrder(story: ShardStory): readonly Finding[] {
    return [...findAgainstTime(story), ...findAgainstCalls(story)];
}

/** What was stored before somebody asked for a new token is below it. */
function findAgainstTime({ assignments }: ShardStory): readonly Finding[] {
    const findings: Finding[] = [];
    let next: Assignment | undefined;
    for (const assignment of assignments.toReversed()) {
        const askedMs = assignment.makers.reduce((earliest, { startMs }) => Math.min(earliest, startMs), Infinity);
        // What is imported has the number that it had elsewhere.
        if (next !== undefined && next.seenMs < askedMs && !assignment.makers.some(isImport)) {
            findings.push(outOfOrder(assignment, `${next.watermark} had been seen before anybody asked for it`));
        }
        next = next === undefined || assignment.seenMs < next.seenMs ? assignment : next;
    }
    return findings;
}

/** A client's calls get new tokens stored in their order, also when they overlap; one that fails stops those behind it. */
function findAgainstCalls({ operations, assignments }: ShardStory): readonly Finding[] {
    const madeByOne = assignments.filter(({ makers }) => makers.length === 1);
    const madeBy = groupBy(madeByOne, ({ makers }) => makers[0]);
    return [...groupBy(operations, ({ client }) => client).values()].flatMap(calls => {
        const client: Client = { highest: '', failures: [] };
        return calls.flatMap(call => {
            const finding = findInCall(call, madeBy.get(call) ?? [], client);
            return finding === undefined ? [] : [finding];
        });
    });
}

interface Client {
    /** The highest watermark that its calls so far were answered with. */
    highest: string;
    /** Its calls that failed while those behind them were waiting. */
    failures: Operation[];
}

function findInCall(operation: Operation, made: readonly Assignment[], client: Client): Finding | undefined {
    if (!['watermark', 'watermarks', 'beginSync'].includes(operation.call.kind)) {
        return undefined;
    }
    if (failsThoseBehind(operation)) {
        client.failures = [...client.failures.filter(({ endMs = 0 }) => endMs > operation.startMs), operation];
    }
    const own = new Map(made.map(assignment => [assignment.watermark, assignment]));
    // A token that is named twice has the same watermark twice.
    for (const watermark of new Set(watermarksIn(operation))) {
        const assignment = own.get(watermark);
        if (assignment !== undefined && watermark < client.highest) {
            return outOfOrder(assignment, `this client had ${client.highest} for an earlier call`);
        }
        const failure = assignment === undefined ? undefined : client.failures.find(each => isBehind(operation, each));
        if (assignment !== undefined && failure !== undefined) {
            const explanation = `${JSON.stringify(assignment.token)} was stored although a call before it had failed meanwhile.`;
            return { kind: 'stored-behind-failure', about: watermark, explanation };
        }
        client.highest = watermark > client.highest ? watermark : client.highest;
    }
    return undefined;
}

function watermarksIn({ answer }: Operation): readonly string[] {
    return answer?.kind === 'watermarks' ? answer.watermarks : [];
}

function failsThoseBehind({ error }: Operation): boolean {
    const codes: readonly string[] = [WatermarkErrorCode.UNAVAILABLE, WatermarkErrorCode.OUTCOME_UNKNOWN];
    return error !== undefined && 'code' in error && codes.includes(error.code);
}

/** Whether a call was made before another failed that was made before it, and answered after that. */
function isBehind(operation: Operation, failed: Operation): boolean {
    const { endMs: failedMs = 0 } = failed;
    const { startMs, endMs = 0 } = operation;
    return outcomeOf(operation) === 'done' && startMs + SAME_MOMENT_MS < failedMs && endMs > failedMs;
}

function outOfOrder({ token, watermark }: Assignment, because: string): Finding {
    const explanation = `${JSON.stringify(token)} got ${watermark}, but ${because}.`;
    return { kind: 'watermark-order', about: watermark, explanation };
}
