import { EventEmitter } from 'node:events';
import { versionFromLexi, type Watermark } from '@cbnsndwch/zero-contracts';

import { networkOf, type Progress, progressOf } from './layout.js';

/** Rates are measured over this time. */
const WINDOW_MS = 2_000;

/** No watermark of all for so long means that none could be written. */
const SILENCE_MS = 800;

/** What is known of one network. */
export interface NetworkState {
    readonly network: string;
    readonly total: number;
    readonly version: string;
    readonly sequence: bigint;
    readonly progress: Progress;
    /** When the store took the watermark. */
    readonly timestamp: number;
    readonly ratePerSecond: number;
}

/** A network has another owner than before, or its first one. */
export interface OwnerChange {
    readonly network: string;
    readonly from: string | undefined;
    readonly to: string;
    readonly version: string;
}

interface BoardEvents {
    owner: [OwnerChange];
    /** A watermark was written after none had been written for so many milliseconds. */
    resumed: [silenceMs: number];
    'all-owned': [];
    /** All events of all networks have been processed, as far as the watermarks say. */
    complete: [];
}

interface Entry {
    watermark: Watermark;
    progress: Progress;
    samples: { readonly at: number; readonly count: number }[];
}

/** What the watermarks say, as they are told: the model behind the table and the story. */
export class Board extends EventEmitter<BoardEvents> {
    readonly #totals: ReadonlyMap<string, number>;
    readonly #entries = new Map<string, Entry>();
    #revision = 0;
    #lastWrite: number | undefined;

    constructor(totals: ReadonlyMap<string, number>) {
        super();
        this.#totals = totals;
    }

    /** The highest revision so far, which is the number of writes that the store has had. */
    get revision(): number {
        return this.#revision;
    }

    /** How many events the watermarks account for. */
    get count(): number {
        return [...this.#entries.values()].reduce((sum, { progress }) => sum + progress.count, 0);
    }

    /** @param now a monotonic time in milliseconds */
    apply(watermark: Watermark, now: number): void {
        const network = networkOf(watermark.key);
        const progress = progressOf(watermark);
        const before = this.#entries.get(network);
        const samples = before?.samples ?? [];
        samples.push({ at: now, count: progress.count });
        this.#entries.set(network, { watermark, progress, samples });
        this.#revision = Math.max(this.#revision, watermark.revision);
        const silenceMs = now - (this.#lastWrite ?? now);
        this.#lastWrite = now;
        if (before?.progress.owner !== progress.owner) {
            const { version } = watermark;
            this.emit('owner', { network, from: before?.progress.owner, to: progress.owner, version });
        }
        if (silenceMs > SILENCE_MS) {
            this.emit('resumed', silenceMs);
        }
        if (before === undefined && this.#entries.size === this.#totals.size) {
            this.emit('all-owned');
        }
        if (progress.count !== before?.progress.count && this.#isComplete()) {
            this.emit('complete');
        }
    }

    /** The networks that an instance owns. */
    ownedBy(owner: string): string[] {
        return this.states(0)
            .filter(({ progress }) => progress.owner === owner)
            .map(({ network }) => network);
    }

    /** All networks that have a watermark, in the order of the totals. */
    states(now: number): NetworkState[] {
        return [...this.#totals].flatMap(([network, total]) => {
            const entry = this.#entries.get(network);
            if (entry === undefined) {
                return [];
            }
            const { watermark, progress, samples } = entry;
            const { version, timestamp } = watermark;
            const sequence = versionFromLexi(version);
            return [{ network, total, version, sequence, progress, timestamp, ratePerSecond: rateOf(samples, now) }];
        });
    }

    #isComplete(): boolean {
        return [...this.#totals].every(([network, total]) => this.#entries.get(network)?.progress.count === total);
    }
}

/** Events a second over the window; drops the samples that are no longer needed for it. */
function rateOf(samples: { readonly at: number; readonly count: number }[], now: number): number {
    while (samples[1] !== undefined && samples[1].at <= now - WINDOW_MS) {
        samples.shift();
    }
    const first = samples[0];
    const last = samples.at(-1);
    if (first === undefined || last === undefined) {
        return 0;
    }
    return ((last.count - first.count) * 1_000) / Math.max(WINDOW_MS, now - first.at);
}
