import { type LexiVersion, versionToLexi } from '@cbnsndwch/zero-contracts';

import type { Answer, Call, History, KeptToken, Operation } from './history.js';
import { recorded } from './recorded.js';

/** The shard of histories that are written down. */
export const shard = 's';
/** The watermark at a position. */
export const w = (position: number): LexiVersion => versionToLexi(4096 * position);

export const watermark = (token: string): Call => ({ kind: 'watermark', shard, token });
export const watermarks = (...tokens: string[]): Call => ({ kind: 'watermarks', shard, tokens });
export const beginSync = (token: string): Call => ({ kind: 'beginSync', shard, token });
export const acknowledge = (position: number): Call => ({ kind: 'acknowledge', shard, watermark: w(position) });
export const tokenOf = (position: number): Call => ({ kind: 'tokenOf', shard, watermark: w(position) });
export const resume = (position: number): Call => ({ kind: 'resume', shard, watermark: w(position) });
export const head: Call = { kind: 'head', shard };

export const gives = (...positions: number[]): Answer => ({ kind: 'watermarks', watermarks: positions.map(w) });
export const token = (found: string | null): Answer => ({ kind: 'token', token: found });
export const resumes = (found: string): Answer => ({ kind: 'resume', point: 'resume', token: found });
export const resets = (point: 'pruned' | 'unknown' | 'ahead-of-head'): Answer => ({ kind: 'resume', point });
export const headIs = (position: number, found: string): Answer => ({
    kind: 'head',
    head: { watermark: w(position), token: found }
});

/** A history at whose end the shard has kept these tokens; one that ends in `*` is that of a sync. */
export function kept(operations: readonly Operation[], tokens: Readonly<Record<number, string>>): History {
    const entries = Object.entries(tokens).map(([position, name]): KeptToken => {
        return { watermark: w(Number(position)), token: name.replace('*', ''), sync: name.endsWith('*') };
    });
    return recorded(operations, { finalTokens: { [shard]: entries } });
}

/** Pairs as {@link kept} takes them. */
export function pairsOf(tokens: Readonly<Record<number, string>>): readonly KeptToken[] {
    return kept([], tokens).finalTokens[shard] ?? [];
}

export const abandon: Call = { kind: 'abandon', shard };
export const provision: Call = { kind: 'provision', shard };
export const clearShards: Call = { kind: 'clearShards', shards: [shard, 'another'] };
export const exporting: Call = { kind: 'export', shard };
export const importing = (tokens: Readonly<Record<number, string>>): Call => {
    return { kind: 'import', shard, pairs: pairsOf(tokens) };
};
export const exports = (tokens: Readonly<Record<number, string>>): Answer => {
    return { kind: 'pairs', pairs: pairsOf(tokens) };
};
