import type { LexiVersion } from '@cbnsndwch/zero-contracts';

import { type Assignment, assignmentsOf, type Pair, pairsOf } from './assignments.js';
import { findInShardAnswers } from './check-shard-answers.js';
import { findInShardOrder } from './check-shard-order.js';
import { HighestByTime } from './highest-by-time.js';
import type { History, KeptToken, Operation } from './history.js';
import { outcomeOf } from './outcome.js';
import type { Finding } from './violation.js';

/** What a shard's history says. */
export interface ShardStory {
    readonly operations: readonly Operation[];
    readonly kept: readonly KeptToken[];
    /** By watermark. */
    readonly assignments: readonly Assignment[];
    readonly byWatermark: ReadonlyMap<LexiVersion, Assignment>;
    /** Whether an acknowledgement that was asked for before a time lets a watermark go. */
    readonly mayBePruned: (watermark: LexiVersion, beforeMs: number) => boolean;
}

/** The first promise that the history of one shard breaks. */
export function checkShard(shard: string, history: History): Finding | undefined {
    const kept = history.finalTokens[shard] ?? [];
    const pairs = pairsOf(history, kept);
    const ambiguous = findAmbiguous(pairs);
    if (ambiguous !== undefined) {
        return ambiguous;
    }
    const { operations } = history;
    const assignments = assignmentsOf(pairs, operations);
    const byWatermark = new Map(assignments.map(assignment => [assignment.watermark, assignment]));
    const mayBePruned = pruning(operations, byWatermark);
    const story: ShardStory = { operations, kept, assignments, byWatermark, mayBePruned };
    return (
        findWithoutMaker(story) ??
        findSecondWatermark(story) ??
        findInShardOrder(story) ??
        findInShardAnswers(story) ??
        findLost(story)
    );
}

/** A watermark with two tokens, or one that a sync shares with somebody. */
function findAmbiguous(pairs: readonly Pair[]): Finding | undefined {
    const tokens = new Map<LexiVersion, string>();
    const sources = new Map<LexiVersion, Pair>();
    for (const pair of pairs) {
        const { watermark, token, origin, operation } = pair;
        const other = tokens.get(watermark);
        if (other !== undefined && other !== token) {
            const explanation = `${watermark} stands for ${JSON.stringify(other)} and ${JSON.stringify(token)}.`;
            return { kind: 'watermark-of-two-tokens', about: watermark, explanation };
        }
        tokens.set(watermark, token);
        const source = sources.get(watermark);
        const isTwice = origin === 'sync' && operation !== undefined && source?.operation !== undefined;
        if (origin !== 'either' && source !== undefined && (isTwice || source.origin !== origin)) {
            const explanation = `${watermark} is the watermark of a sync, and was given out another time.`;
            return { kind: 'sync-watermark-reused', about: watermark, explanation };
        }
        if (origin !== 'either') {
            sources.set(watermark, pair);
        }
    }
    return undefined;
}

function findWithoutMaker({ assignments, operations }: ShardStory): Finding | undefined {
    for (const { watermark, token, makers, seenMs } of assignments) {
        const named = `${JSON.stringify(token)} has the watermark ${watermark}`;
        if (makers.length === 0) {
            const failed = operations.some(({ call }) => 'token' in call && call.token === token);
            return failed
                ? {
                      kind: 'failed-write-stored',
                      about: token,
                      explanation: `${named}, and the calls that asked failed.`
                  }
                : { kind: 'never-written', about: token, explanation: `${named}, and nobody asked for one.` };
        }
        if (makers.every(({ startMs }) => startMs > seenMs)) {
            return { kind: 'seen-before-written', about: token, explanation: `${named} before anybody asked for one.` };
        }
    }
    return undefined;
}

/** A token has one watermark until that may be pruned, and one for each sync. */
function findSecondWatermark({ assignments, operations, mayBePruned }: ShardStory): Finding | undefined {
    const unknownSyncs = new Map<string, number>();
    for (const operation of operations) {
        if (operation.call.kind === 'beginSync' && outcomeOf(operation) === 'unknown') {
            const { token } = operation.call;
            unknownSyncs.set(token, (unknownSyncs.get(token) ?? 0) + 1);
        }
    }
    const last = new Map<string, Assignment>();
    for (const assignment of assignments) {
        const { token, watermark, origin, seenMs } = assignment;
        const before = last.get(token);
        if (origin !== 'sync' && before !== undefined && !mayBePruned(before.watermark, seenMs)) {
            const mayBeSyncs = [before, assignment].filter(each => each.origin === 'either').length;
            const syncs = unknownSyncs.get(token) ?? 0;
            if (mayBeSyncs === 0 || syncs === 0) {
                const explanation = `${JSON.stringify(token)} has the watermarks ${before.watermark} and ${watermark}.`;
                return { kind: 'token-of-two-watermarks', about: token, explanation };
            }
            unknownSyncs.set(token, syncs - 1);
        }
        if (origin !== 'sync') {
            last.set(
                token,
                before !== undefined && before.origin === 'own' && origin === 'either' ? before : assignment
            );
        }
    }
    return undefined;
}

/** What was given out is kept, unless it may be pruned; and pruning leaves no holes. */
function findLost({ assignments, kept, mayBePruned }: ShardStory): Finding | undefined {
    const keptWatermarks = new Set(kept.map(({ watermark }) => watermark));
    const first = kept[0]?.watermark;
    const back = kept.find(({ watermark }, index) => watermark <= (kept[index - 1]?.watermark ?? ''));
    if (back !== undefined) {
        const explanation = `${back.watermark} was kept behind one that is not smaller.`;
        return { kind: 'watermark-order', about: back.watermark, explanation };
    }
    for (const { watermark, token, seenMs } of assignments) {
        const isGone = seenMs < Infinity && !keptWatermarks.has(watermark);
        const mayBeGone = mayBePruned(watermark, Infinity) && !(first !== undefined && watermark > first);
        if (isGone && !mayBeGone) {
            const explanation = `${watermark} of ${JSON.stringify(token)} is not there at the end.`;
            return { kind: 'token-lost', about: watermark, explanation };
        }
    }
    return undefined;
}

function pruning(
    operations: readonly Operation[],
    byWatermark: ReadonlyMap<LexiVersion, Assignment>
): ShardStory['mayBePruned'] {
    // What the shard never gave removes nothing.
    const acknowledged = operations.flatMap(({ call, startMs: atMs }) =>
        call.kind === 'acknowledge' && byWatermark.has(call.watermark) ? [{ atMs, text: call.watermark }] : []
    );
    const highest = new HighestByTime(acknowledged);
    return (watermark, beforeMs) => highest.upTo(beforeMs) > watermark;
}
