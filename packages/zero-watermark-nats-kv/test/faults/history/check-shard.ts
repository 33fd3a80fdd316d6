import type { LexiVersion } from '@cbnsndwch/zero-contracts';

import { type Assignment, assignmentsOf, type Origin, type Pair, pairsOf } from './assignments.js';
import { findAbandoned } from './check-abandoned.js';
import { findInShardAnswers } from './check-shard-answers.js';
import { findInShardCodes, findInUnfinished } from './check-shard-codes.js';
import { findInShardExports } from './check-shard-exports.js';
import { findInShardOrder } from './check-shard-order.js';
import { Endings, isImport } from './endings.js';
import { groupBy } from './group-by.js';
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
    /** Whether an acknowledgement, or an abandon, that was asked for before a time lets a watermark go. */
    readonly mayBeGone: (watermark: LexiVersion, beforeMs: number) => boolean;
    readonly endings: Endings;
}

/** What the history of one shard breaks first. */
export function checkShard(shard: string, history: History): readonly Finding[] {
    const kept = history.finalTokens[shard] ?? [];
    const pairs = pairsOf(history, kept);
    const ambiguous = findAmbiguous(pairs);
    if (ambiguous.length > 0) {
        return ambiguous;
    }
    const { operations } = history;
    const assignments = assignmentsOf(pairs, operations);
    const byWatermark = new Map(assignments.map(assignment => [assignment.watermark, assignment]));
    const endings = new Endings(history);
    const mayBePruned = pruning(operations, byWatermark);
    const mayBeGone: ShardStory['mayBeGone'] = (watermark, beforeMs) => {
        const given = byWatermark.get(watermark);
        return mayBePruned(watermark, beforeMs) || (given !== undefined && endings.mayHaveEnded(given, beforeMs));
    };
    const story: ShardStory = { operations, kept, assignments, byWatermark, mayBeGone, endings };
    const checks = [
        ...[findWithoutMaker, findSecondWatermark, findInShardOrder, findInShardAnswers, findInShardExports],
        ...[findAbandoned, findInShardCodes, findInUnfinished, findLost]
    ];
    for (const check of checks) {
        const findings = check(story);
        if (findings.length > 0) {
            return findings;
        }
    }
    return [];
}

/** A watermark with two tokens, or one that a sync shares with somebody. */
function findAmbiguous(pairs: readonly Pair[]): readonly Finding[] {
    const findings: Finding[] = [];
    for (const [about, group] of groupBy(pairs, ({ watermark }) => watermark)) {
        const tokens = new Set(group.map(({ token }) => token));
        const syncs = new Set(group.filter(({ origin }) => origin === 'sync').map(({ operation }) => operation));
        syncs.delete(undefined);
        if (tokens.size > 1) {
            const explanation = `${about} stands for ${[...tokens].map(quote).join(' and ')}.`;
            findings.push({ kind: 'watermark-of-two-tokens', about, explanation });
        } else if (syncs.size > 1 || (isOf(group, 'sync') && isOf(group, 'own'))) {
            const explanation = `${about} is the watermark of a sync, and was given out another time.`;
            findings.push({ kind: 'sync-watermark-reused', about, explanation });
        }
    }
    return findings;
}

function isOf(pairs: readonly Pair[], wanted: Origin): boolean {
    return pairs.some(({ origin }) => origin === wanted);
}

function findWithoutMaker({ assignments, operations }: ShardStory): readonly Finding[] {
    return assignments.flatMap(({ watermark, token: about, makers, seenMs }): readonly Finding[] => {
        const named = `${quote(about)} has the watermark ${watermark}`;
        if (makers.length === 0) {
            const failed = operations.some(({ call }) => 'token' in call && call.token === about);
            return failed
                ? [{ kind: 'failed-write-stored', about, explanation: `${named}, and the calls that asked failed.` }]
                : [{ kind: 'never-written', about, explanation: `${named}, and nobody asked for one.` }];
        }
        return makers.every(({ startMs }) => startMs > seenMs)
            ? [{ kind: 'seen-before-written', about, explanation: `${named} before anybody asked for one.` }]
            : [];
    });
}

/** A token has one watermark until that may be pruned, and one for each sync. */
function findSecondWatermark({ assignments, operations, mayBeGone }: ShardStory): readonly Finding[] {
    const inDoubt = operations.filter(each => each.call.kind === 'beginSync' && outcomeOf(each) === 'unknown');
    const syncs = groupBy(inDoubt, ({ call }) => ('token' in call ? call.token : ''));
    return [...groupBy(assignments, ({ token }) => token)].flatMap(([about, all]): readonly Finding[] => {
        const others = all.filter(({ origin }) => origin !== 'sync');
        const second = findSecond(others, syncs.get(about)?.length ?? 0, mayBeGone);
        const explanation = `${quote(about)} has the watermarks ${others.map(({ watermark }) => watermark).join(', ')}.`;
        return second === undefined ? [] : [{ kind: 'token-of-two-watermarks', about, explanation }];
    });
}

/** A second watermark of a token that nothing explains: no pruning, and none of so many syncs that may have been stored. */
function findSecond(
    assignments: readonly Assignment[],
    syncs: number,
    mayBeGone: ShardStory['mayBeGone']
): Assignment | undefined {
    let left = syncs;
    let own: Assignment | undefined;
    for (const assignment of assignments) {
        const isSecond = own !== undefined && !mayBeGone(own.watermark, assignment.seenMs);
        if (isSecond && left > 0 && (own?.origin === 'either' || assignment.origin === 'either')) {
            left -= 1;
            own = assignment.origin === 'own' ? assignment : own;
        } else if (isSecond) {
            return assignment;
        } else {
            own = assignment;
        }
    }
    return undefined;
}

/** What was given out is kept, unless it may be pruned; and pruning leaves no holes. */
function findLost({ assignments, byWatermark, kept, mayBeGone }: ShardStory): readonly Finding[] {
    const keptWatermarks = new Set(kept.map(({ watermark }) => watermark));
    // What is imported has smaller numbers than what was given before, and let go.
    const isImported = (assignment: Assignment | undefined) => assignment?.makers.some(isImport) === true;
    const first = (imported: boolean) =>
        kept.find(({ watermark }) => isImported(byWatermark.get(watermark)) === imported)?.watermark ?? 'zz';
    const back = kept.filter(({ watermark }, index) => watermark <= (kept[index - 1]?.watermark ?? ''));
    if (back.length > 0) {
        return back.map(({ watermark: about }) => {
            return { kind: 'watermark-order', about, explanation: `${about} was kept behind one that is not smaller.` };
        });
    }
    return assignments.flatMap((assignment): readonly Finding[] => {
        const { watermark: about, token, seenMs } = assignment;
        const isGone = seenMs < Infinity && !keptWatermarks.has(about);
        const isExcused = mayBeGone(about, Infinity) && about < first(isImported(assignment));
        const explanation = `${about} of ${quote(token)} is not there at the end.`;
        return isGone && !isExcused ? [{ kind: 'token-lost', about, explanation }] : [];
    });
}

function pruning(
    operations: readonly Operation[],
    byWatermark: ReadonlyMap<LexiVersion, Assignment>
): ShardStory['mayBeGone'] {
    // What the shard never gave removes nothing.
    const acknowledged = operations.flatMap(({ call, startMs: atMs }) =>
        call.kind === 'acknowledge' && byWatermark.has(call.watermark) ? [{ atMs, text: call.watermark }] : []
    );
    const highest = new HighestByTime(acknowledged);
    return (watermark, beforeMs) => highest.upTo(beforeMs) > watermark;
}

function quote(token: string): string {
    return JSON.stringify(token);
}
