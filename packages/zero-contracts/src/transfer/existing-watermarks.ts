import { checkCallOptions, checkList, checkShardId } from '../backend/arguments.js';
import { booleanOption } from '../backend/option-checks.js';
import { WatermarkError, WatermarkErrorCode } from '../errors.js';
import type { LexiVersion } from '../lexi-version.js';
import {
    type ExistingEntry,
    ExistingLayout,
    type ExistingProblem,
    type ExistingStore,
    type Verdict
} from './existing-layout.js';
import { quoted } from '../quoted.js';
import { exportPairs, type ShardPair } from './token-transfer.js';

/** Entries that are looked at, and tokens that are read, at once. */
const AT_ONCE = 256;

/** How many problems are listed. */
const MOST_PROBLEMS = 1_000;

const SECOND = 'It is left out: the watermark leads back to another token with the same problem.';

/** How an existing store is to be read. */
export interface ExistingWatermarksOptions {
    /**
     * Which shards; needed if their ids have a `.` in them.
     *
     * @default all; a key is `zero_<shard>.…`, so that a shard's id ends at the first `.`
     */
    readonly shardIds?: readonly string[];
}

/** How to export what is in an existing store. */
export interface ExportExistingOptions {
    /**
     * Export in spite of problems. What becomes of each of them is its `consequence`.
     *
     * @default false
     */
    readonly despiteProblems?: boolean;
}

/** The watermarks that a shard was found to have. */
interface FoundShard {
    /** Those that lead back to their tokens. */
    readonly pairs: LexiVersion[];
    /** Those that only lead back. */
    readonly syncs: Set<LexiVersion>;
    /** Those that didn't, with their tokens. */
    readonly recovered: Map<LexiVersion, string>;
    newest: LexiVersion;
}

/**
 * The resume tokens in a store of the existing packages, after everything in it was looked at.
 *
 * Of the tokens it keeps only the watermarks in memory. It never writes to the store.
 */
export class ExistingWatermarks {
    readonly #layout: ExistingLayout;
    readonly #shards = new Map<string, FoundShard>();
    readonly #problems: ExistingProblem[] = [];
    #problemCount = 0;
    #unrelated = 0;

    private constructor(layout: ExistingLayout) {
        this.#layout = layout;
    }

    /** Looks at everything in a store. */
    static async in(store: ExistingStore, options?: ExistingWatermarksOptions): Promise<ExistingWatermarks> {
        const { shardIds: named } = checkCallOptions(options, { shardIds: () => undefined });
        const shardIds = named === undefined ? undefined : checkList('shardIds', named).map(checkShardId);
        const existing = new ExistingWatermarks(new ExistingLayout(store, shardIds));
        let group: ExistingEntry[] = [];
        for await (const entry of store.entries()) {
            group.push(entry);
            if (group.length === AT_ONCE) {
                await existing.#takeGroup(group);
                group = [];
            }
        }
        await existing.#takeGroup(group);
        for (const [shardId, { newest }] of existing.#shards) {
            const problem = newest === '' ? undefined : await existing.#layout.judgeCounter(shardId, newest);
            existing.#note(problem);
        }
        return existing;
    }

    /** The shards that were found. */
    get shardIds(): readonly string[] {
        return [...this.#shards.keys()];
    }

    /** How many watermarks would be exported, in spite of all problems. */
    get count(): number {
        return [...this.#shards.values()]
            .map(({ pairs, syncs, recovered }) => pairs.length + syncs.size + recovered.size)
            .reduce((sum, count) => sum + count, 0);
    }

    /** How many things are not as they should be. */
    get problemCount(): number {
        return this.#problemCount;
    }

    /** The first thousand of them. */
    get problems(): readonly ExistingProblem[] {
        return this.#problems;
    }

    /** How many entries are none of the existing packages, or of other shards; they are left alone. */
    get unrelated(): number {
        return this.#unrelated;
    }

    /**
     * All watermarks, as lines that `ResumeTokenService.importWatermarks` of any store takes.
     *
     * @throws {WatermarkError} `CORRUPT_RECORD`: there are problems, and it was not asked for `despiteProblems`.
     *   `UNAVAILABLE`: the store has changed since it was looked at.
     */
    exportWatermarks(options?: ExportExistingOptions): AsyncIterable<string> {
        return exportPairs(this.#pairs(options));
    }

    async *#pairs(options: ExportExistingOptions | undefined): AsyncGenerator<ShardPair, void, undefined> {
        const { despiteProblems } = checkCallOptions(options, { despiteProblems: booleanOption });
        if (this.#problemCount > 0 && despiteProblems !== true) {
            throw new WatermarkError(
                WatermarkErrorCode.CORRUPT_RECORD,
                `There ${this.#problemCount === 1 ? 'is a problem' : `are ${this.#problemCount} problems`} in the existing ` +
                    'watermarks; the property problems lists them.',
                { remediation: 'Mend them, or pass despiteProblems: true to export what can be exported.' }
            );
        }
        for (const [shardId, { pairs, syncs, recovered }] of this.#shards) {
            const watermarks = [...pairs, ...syncs, ...recovered.keys()].sort();
            for (let start = 0; start < watermarks.length; start += AT_ONCE) {
                const group = watermarks.slice(start, start + AT_ONCE);
                const tokens = await Promise.all(
                    group.map(async watermark => recovered.get(watermark) ?? this.#layout.tokenOf(shardId, watermark))
                );
                for (const [index, watermark] of group.entries()) {
                    const resumeToken = tokens[index];
                    if (resumeToken === undefined) {
                        throw changedMeanwhile(shardId, watermark);
                    }
                    yield { shardId, watermark, resumeToken, sync: syncs.has(watermark) };
                }
            }
        }
    }

    async #takeGroup(entries: readonly ExistingEntry[]): Promise<void> {
        const verdicts = await Promise.all(entries.map(entry => this.#layout.judge(entry)));
        verdicts.forEach(verdict => this.#take(verdict));
    }

    #take(verdict: Verdict | undefined): void {
        if (verdict === undefined) {
            this.#unrelated += 1;
            return;
        }
        const { shardId, problem, watermark = '', as, resumeToken = '' } = verdict;
        const shard = this.#shardOf(shardId);
        const isSecond = as === 'recovered' && shard.recovered.has(watermark);
        this.#note(problem && isSecond ? { ...problem, consequence: SECOND } : problem);
        shard.newest = watermark > shard.newest ? watermark : shard.newest;
        if (as === 'pair') {
            shard.pairs.push(watermark);
        } else if (as === 'sync') {
            shard.syncs.add(watermark);
        } else if (as === 'recovered' && !isSecond) {
            shard.recovered.set(watermark, resumeToken);
        }
    }

    #shardOf(shardId: string): FoundShard {
        let shard = this.#shards.get(shardId);
        if (shard === undefined) {
            shard = { pairs: [], syncs: new Set(), recovered: new Map(), newest: '' };
            this.#shards.set(shardId, shard);
        }
        return shard;
    }

    #note(problem: ExistingProblem | undefined): void {
        if (problem !== undefined) {
            this.#problemCount += 1;
            if (this.#problems.length < MOST_PROBLEMS) {
                this.#problems.push(problem);
            }
        }
    }
}

function changedMeanwhile(shardId: string, watermark: LexiVersion): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.UNAVAILABLE,
        `The existing watermark ${watermark} of shard ${quoted(shardId)} was removed since it was looked at.`,
        { remediation: 'Stop whatever uses the existing store, and begin again.' }
    );
}
