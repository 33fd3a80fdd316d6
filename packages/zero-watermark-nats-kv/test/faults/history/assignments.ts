import type { LexiVersion } from '@cbnsndwch/zero-contracts';

import { groupBy } from './group-by.js';
import type { History, KeptToken, Operation } from './history.js';
import { answerOf, outcomeOf } from './outcome.js';

/** How a token came to a watermark: by asking for it, by a sync, or in a way that the answer does not tell. */
export type Origin = 'own' | 'sync' | 'either';

/** A token and its watermark, as somebody has seen them. */
export interface Pair {
    readonly watermark: LexiVersion;
    readonly token: string;
    readonly origin: Origin;
    readonly atMs: number;
    /** The call that answered with it; `undefined`: it was there at the end. */
    readonly operation: Operation | undefined;
}

/** Everything that a shard's history says about a watermark. */
export interface Assignment {
    readonly watermark: LexiVersion;
    readonly token: string;
    readonly origin: Origin;
    /** When it was seen first: by then it was stored. */
    readonly seenMs: number;
    readonly pairs: readonly Pair[];
    /** The calls that can have stored it. */
    readonly makers: readonly Operation[];
}

/** Which tokens a call may store; none, if it doesn't, or says that it didn't. */
export function tokensMadeBy(operation: Operation): readonly string[] {
    const { call } = operation;
    switch (call.kind) {
        case 'watermark':
        case 'beginSync':
            return outcomeOf(operation) === 'refused' ? [] : [call.token];
        case 'watermarks':
            // Of several, some may have been stored before it failed.
            return call.tokens;
        case 'import':
            return call.pairs.map(({ token }) => token);
        default:
            return [];
    }
}

/** Every sight of a token with its watermark. */
export function pairsOf({ operations }: History, kept: readonly KeptToken[]): readonly Pair[] {
    const seen = operations.flatMap(pairsIn);
    return [...seen, ...wholeImports(operations, seen), ...kept.map(each => pairOf(each, Infinity, undefined))];
}

function pairOf({ watermark, token, sync }: KeptToken, atMs: number, operation: Operation | undefined): Pair {
    return { watermark, token, origin: sync ? 'sync' : 'own', atMs, operation };
}

/** A shard answers nothing until it has all of an import: where one pair of it was seen, all of them are. */
function wholeImports(operations: readonly Operation[], seen: readonly Pair[]): readonly Pair[] {
    const [first, ...others] = operations.filter(({ call }) => call.kind === 'import');
    const isOne = others.every(({ call }) => JSON.stringify(call) === JSON.stringify(first?.call));
    if (first?.call.kind !== 'import' || !isOne) {
        return [];
    }
    const watermarks = new Set(first.call.pairs.map(({ watermark }) => watermark));
    const sights = seen.filter(({ watermark }) => watermarks.has(watermark));
    const atMs = sights.reduce((earliest, each) => Math.min(earliest, each.atMs), Infinity);
    return atMs === Infinity ? [] : first.call.pairs.map(pair => pairOf(pair, atMs, undefined));
}

function pairsIn(operation: Operation): readonly Pair[] {
    const { call, endMs: atMs = Infinity } = operation;
    const pair = (token: string, watermark: LexiVersion, origin: Origin): Pair => {
        return { watermark, token, origin, atMs, operation };
    };
    switch (call.kind) {
        case 'watermark':
        case 'beginSync':
        case 'watermarks': {
            const watermarks = answerOf(operation, 'watermarks')?.watermarks ?? [];
            const tokens = call.kind === 'watermarks' ? call.tokens : [call.token];
            if (watermarks.length > 0 && watermarks.length !== tokens.length) {
                throw new RangeError(`${tokens.length} tokens were recorded with ${watermarks.length} watermarks.`);
            }
            const origin = call.kind === 'beginSync' ? 'sync' : 'own';
            return watermarks.map((watermark, index) => pair(tokens[index] ?? '', watermark, origin));
        }
        case 'tokenOf': {
            const token = answerOf(operation, 'token')?.token ?? null;
            return token === null ? [] : [pair(token, call.watermark, 'either')];
        }
        case 'resume': {
            const answer = answerOf(operation, 'resume');
            return answer?.token === undefined ? [] : [pair(answer.token, call.watermark, 'either')];
        }
        case 'export':
            return (answerOf(operation, 'pairs')?.pairs ?? []).map(each => pairOf(each, atMs, undefined));
        case 'import':
            // Everything that is stored was read back.
            return answerOf(operation, 'done') === undefined
                ? []
                : call.pairs.map(each => pairOf(each, atMs, undefined));
        case 'head': {
            const head = answerOf(operation, 'head')?.head ?? null;
            return head === null ? [] : [pair(head.token, head.watermark, 'either')];
        }
        default:
            return [];
    }
}

/** Brings together what is said about each watermark, in the order of the watermarks. */
export function assignmentsOf(pairs: readonly Pair[], operations: readonly Operation[]): readonly Assignment[] {
    const makers = groupMakers(operations);
    return [...groupBy(pairs, ({ watermark }) => watermark)]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([watermark, group]) => {
            const known = group.find(({ origin }) => origin !== 'either') ?? group[0];
            if (known === undefined) {
                return [];
            }
            const { token, origin } = known;
            const seenMs = group.reduce((earliest, { atMs }) => Math.min(earliest, atMs), Infinity);
            // Whoever was answered with the watermark of a sync has made it.
            const syncs = group.filter(pair => pair.origin === 'sync' && pair.operation !== undefined);
            const own = syncs.flatMap(({ operation }) => (operation === undefined ? [] : [operation]));
            const possible =
                own.length > 0 ? own : (makers.get(token) ?? []).filter(maker => canMake(maker, origin, watermark));
            return [{ watermark, token, origin, seenMs, pairs: group, makers: possible }];
        });
}

function canMake({ call, answer }: Operation, origin: Origin, watermark: LexiVersion): boolean {
    if (call.kind === 'import') {
        return call.pairs.some(pair => pair.watermark === watermark);
    }
    // A sync that was answered is known by its watermark.
    const isSync = call.kind === 'beginSync';
    return isSync ? origin !== 'own' && answer === undefined : origin !== 'sync';
}

function groupMakers(operations: readonly Operation[]): ReadonlyMap<string, readonly Operation[]> {
    const made = operations.flatMap(operation =>
        [...new Set(tokensMadeBy(operation))].map(token => ({ token, operation }))
    );
    return new Map(
        [...groupBy(made, ({ token }) => token)].map(([token, each]) => [token, each.map(({ operation }) => operation)])
    );
}
