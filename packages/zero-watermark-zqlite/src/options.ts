import { InvalidOptionsError, type MaybeUndefined, type WatermarkLogger } from '@cbnsndwch/zero-contracts';
import { consoleLogger } from '@cbnsndwch/zero-contracts/backend';

import { checkOptions, SYNCHRONOUS } from './options-check.js';

/** How far SQLite goes to have a write on the disk before it is acknowledged; SQLite's own names. */
export type Synchronous = (typeof SYNCHRONOUS)[number];

/** Where watermarks are kept, and how. */
export interface ZqliteOptions {
    /** Path of the file, which is made when it is missing; its folder must be there. `:memory:` keeps nothing on the disk. */
    database: string;
    /**
     * The name that the tables in the file begin with, so that several stores can share one file: letters, digits and `_`.
     *
     * @default 'watermarks'
     */
    tableName?: string;
    /**
     * How long a call waits while another process writes to the file, in milliseconds.
     *
     * @default 5_000
     */
    busyTimeoutMs?: number;
    /**
     * `full`: an acknowledged write survives a power cut. `normal`: it survives the death of the process, and a power cut
     * may take the last ones. Also `off` and `extra`, as SQLite has them; in either case.
     *
     * @default 'full'
     */
    synchronous?: Synchronous | Uppercase<Synchronous>;
    /**
     * How many revisions of a key are kept: 1 to 64.
     *
     * @default 1
     */
    history?: number;
    /**
     * The largest record (version and data as JSON) and the largest resume token, in bytes.
     *
     * @default 1_048_576 (as much as a NATS server takes, so that a store can be exchanged for the other)
     */
    maxValueSizeBytes?: number;
    /**
     * How many resume tokens a shard keeps below the one that zero-cache committed last.
     *
     * @default 10_000
     */
    retainTokens?: number;
    /**
     * How long resume tokens are kept after zero-cache has committed them, in milliseconds: a replica that lost its
     * change database asks for older ones.
     *
     * @default 3_600_000
     */
    retainMs?: number;
    /**
     * Orders resume tokens as the upstream does. With it, a new token that is not after its shard's head is refused
     * (`OUT_OF_ORDER`) where otherwise zero-cache would drop its change.
     *
     * @default tokens are taken in the order of the calls
     */
    compareResumeTokens?: (a: string, b: string) => number;
    /** @default messages go to the console (to Nest's logger in a Nest application) */
    logger?: WatermarkLogger;
}

/** What the caller asked for, with every default filled in and nothing left to check. */
export interface ResolvedZqliteOptions {
    readonly database: string;
    readonly tableName: string;
    readonly busyTimeoutMs: number;
    readonly synchronous: Synchronous;
    readonly history: number;
    readonly maxValueSizeBytes: number;
    readonly retainTokens: number;
    readonly retainMs: number;
    readonly compareResumeTokens: ((a: string, b: string) => number) | undefined;
    readonly logger: WatermarkLogger;
}

/**
 * Checks the options and fills in the defaults, before anything is opened.
 *
 * @throws {InvalidOptionsError} with every problem that was found
 */
export function resolveOptions(options: ZqliteOptions | MaybeUndefined<ZqliteOptions>): ResolvedZqliteOptions {
    const { given, problems } = checkOptions(options);
    if (problems.length > 0) {
        throw new InvalidOptionsError('The watermark store is configured wrongly', problems);
    }
    const checked: Partial<ZqliteOptions> = Object.fromEntries(given);
    const wanted = checked.synchronous?.toLowerCase();
    return Object.freeze({
        // checkOptions has seen that it is there.
        database: checked.database ?? '',
        tableName: checked.tableName ?? 'watermarks',
        busyTimeoutMs: checked.busyTimeoutMs ?? 5_000,
        synchronous: SYNCHRONOUS.find(name => name === wanted) ?? 'full',
        history: checked.history ?? 1,
        maxValueSizeBytes: checked.maxValueSizeBytes ?? 1_048_576,
        retainTokens: checked.retainTokens ?? 10_000,
        retainMs: checked.retainMs ?? 3_600_000,
        compareResumeTokens: checked.compareResumeTokens,
        logger: checked.logger ?? consoleLogger
    });
}
