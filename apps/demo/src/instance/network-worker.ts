import { setTimeout as wait } from 'node:timers/promises';
import { isWatermarkError, versionToLexi, WatermarkErrorCode, type WatermarkService } from '@cbnsndwch/zero-contracts';

import type { QuakeEvent } from '../feed.js';
import { keyOf, type Progress, progressOf } from '../layout.js';
import type { Ledger } from '../ledger.js';
import type { EventStream } from './event-stream.js';

/** How often an owner stores its watermark at least, which also says that it is alive. */
const BEAT_MS = 250;

/** So many events are a batch; the watermark is stored after each. */
const BATCH_SIZE = 25;

/** Where the work on a network goes on. */
export interface Position {
    /** The sequence of the last event that was processed. */
    readonly sequence: number;
    /** The revision of the watermark that says so. */
    readonly revision: number;
    readonly progress: Progress;
}

/**
 * Processes the events of one network for as long as this instance owns it.
 *
 * The watermark is both position and ownership: it is only ever replaced at the revision that this owner wrote last. So
 * from the moment that another instance has taken over, nothing that this one still does can move the watermark.
 */
export class NetworkWorker {
    readonly #network: string;
    readonly #watermarks: WatermarkService;
    readonly #ledger: Ledger;
    readonly #ended = new AbortController();
    #position: Position;
    #unsaved = 0;
    #batchFull: () => void = () => {};

    constructor(network: string, start: Position, watermarks: WatermarkService, ledger: Ledger) {
        this.#network = network;
        this.#position = start;
        this.#watermarks = watermarks;
        this.#ledger = ledger;
    }

    /** Resolves when the work was stopped, with its last watermark stored, or when another instance owns the network. */
    async run(events: EventStream): Promise<void> {
        const { signal } = this.#ended;
        const handle = (event: QuakeEvent, sequence: number) => this.#process(event, sequence);
        const following = events.follow(this.#network, this.#position.sequence, handle, signal);
        // Neither goes on without the other: an owner that beats and does nothing would never be replaced.
        const parts = [this.#beat(), following].map(part => part.finally(() => this.stop()));
        await Promise.all(parts);
    }

    /** Ends the work after the event at hand. */
    stop(): void {
        this.#ended.abort();
        this.#batchFull();
    }

    async #beat(): Promise<void> {
        while (await this.#store()) {
            if (this.#ended.signal.aborted) {
                return;
            }
            if (this.#unsaved < BATCH_SIZE) {
                const full = new Promise<void>(resolve => (this.#batchFull = resolve));
                await Promise.race([full, wait(BEAT_MS)]);
            }
        }
    }

    #process(event: QuakeEvent, sequence: number): void {
        const { revision, progress } = this.#position;
        this.#ledger.append({ network: this.#network, term: progress.term, event: event.id });
        this.#position = {
            sequence,
            revision,
            progress: { ...progress, count: progress.count + 1, lastId: event.id }
        };
        this.#unsaved += 1;
        if (this.#unsaved >= BATCH_SIZE) {
            this.#batchFull();
        }
    }

    /** Stores how far the work has come. `false`: another instance owns the network now. */
    async #store(): Promise<boolean> {
        const { sequence, revision, progress } = this.#position;
        this.#unsaved = 0;
        const key = keyOf(this.#network);
        try {
            return this.#keep(
                await this.#watermarks.compareAndSet(key, revision, versionToLexi(sequence), { ...progress })
            );
        } catch (error) {
            if (isWatermarkError(error, WatermarkErrorCode.UNAVAILABLE)) {
                return true; // nothing was written; the next beat tries again
            }
            const inDoubt =
                isWatermarkError(error, WatermarkErrorCode.REVISION_CONFLICT) ||
                isWatermarkError(error, WatermarkErrorCode.OUTCOME_UNKNOWN);
            if (!inDoubt) {
                throw error;
            }
            return this.#findOut();
        }
    }

    /** Looks who wrote last. Only this worker writes with its own term, so what has that term is its own. */
    async #findOut(): Promise<boolean> {
        const current = await this.#watermarks.get(keyOf(this.#network)).catch((error: unknown) => {
            if (isWatermarkError(error, WatermarkErrorCode.UNAVAILABLE)) {
                return undefined;
            }
            throw error;
        });
        if (current === undefined) {
            return true;
        }
        return current !== null && progressOf(current).term === this.#position.progress.term
            ? this.#keep(current.revision)
            : false;
    }

    #keep(revision: number): true {
        this.#position = { ...this.#position, revision };
        return true;
    }
}
