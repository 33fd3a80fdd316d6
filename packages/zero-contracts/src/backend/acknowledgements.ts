import type { LexiVersion } from '../lexi-version.js';
import type { WatermarkLogger } from '../store.js';
import { quoted } from '../quoted.js';
import { showValue } from './option-checks.js';
import { Retention, type RetentionOptions } from './retention.js';
import { majorOf } from '../lexi-version.js';

/** How often acknowledgements may cost anything. */
const INTERVAL_MS = 2_000;

/**
 * How many times as long as a removal took the next one is waited for. A NATS server writes an index of all that a stream
 * holds when something is removed, 0.2 to 0.9 s a million tokens, and the shard's calls wait for that [2.15.1].
 */
const REST_FACTOR = 20;

/** After a removal that took very long, the next one comes after this time all the same. */
const MAX_REST_MS = 300_000;

/** What a shard does about acknowledgements. */
export interface AcknowledgementsOptions extends RetentionOptions {
    /** The shard's name in messages: `Shard "app-0"`. */
    readonly shard: string;
    readonly logger: WatermarkLogger;
    /** Where the token of a watermark is; `undefined`: the shard never gave it, or no longer has it. */
    readonly sequenceOf: (watermark: LexiVersion) => Promise<number | undefined>;
    /** Removes the tokens below a sequence. */
    readonly removeBelow: (sequence: number) => Promise<void>;
}

/** Takes what zero-cache has committed, and lets go of what is older, in the background, every few seconds at most. */
export class Acknowledgements {
    readonly #options: AcknowledgementsOptions;
    readonly #retention: Retention;
    #newest: LexiVersion = '';
    #timer: NodeJS.Timeout | undefined;
    #resting = false;
    #stopped = false;
    #removedBelow = 0;
    #removalMs = 0;
    #complainedAt = -Infinity;

    constructor(options: AcknowledgementsOptions) {
        this.#options = options;
        this.#retention = new Retention(options);
    }

    /** Notes a watermark that zero-cache has committed. */
    note(watermark: string): void {
        const major = typeof watermark === 'string' ? majorOf(watermark) : undefined;
        if (major === undefined) {
            this.#logUnknown(watermark);
            return;
        }
        if (major > this.#newest) {
            this.#newest = major;
        }
        if (!this.#resting) {
            void this.#applyAndRest();
        }
    }

    /** Removes nothing any more. */
    stop(): void {
        this.#stopped = true;
        clearTimeout(this.#timer);
    }

    async #applyAndRest(): Promise<void> {
        this.#resting = true;
        this.#removalMs = 0;
        await this.#apply();
        if (this.#stopped) {
            return;
        }
        const restMs = Math.min(Math.max(INTERVAL_MS, REST_FACTOR * this.#removalMs), MAX_REST_MS);
        this.#timer = setTimeout(() => {
            this.#resting = false;
            if (this.#newest !== '') {
                void this.#applyAndRest();
            }
        }, restMs).unref();
    }

    async #apply(): Promise<void> {
        const watermark = this.#newest;
        this.#newest = '';
        if (watermark === '') {
            return;
        }
        const { sequenceOf, removeBelow, shard, logger } = this.#options;
        try {
            const sequence = await sequenceOf(watermark);
            if (sequence === undefined) {
                this.#logUnknown(watermark);
                return;
            }
            const now = performance.now();
            this.#retention.note(sequence, now);
            const floor = this.#retention.floor(now) ?? 0;
            if (floor > this.#removedBelow) {
                const began = performance.now();
                await removeBelow(floor);
                this.#removalMs = performance.now() - began;
                this.#removedBelow = floor;
            }
        } catch (error) {
            logger.warn(
                `${shard}: old resume tokens could not be removed (${error instanceof Error ? error.message : 'unknown error'}); ` +
                    'a later acknowledgement tries again.'
            );
        }
    }

    /** At most once an interval: what zero-cache sends must not fill the log. */
    #logUnknown(watermark: string): void {
        if (performance.now() - this.#complainedAt < INTERVAL_MS) {
            return;
        }
        this.#complainedAt = performance.now();
        const { shard, logger } = this.#options;
        const shown = typeof watermark === 'string' ? quoted(watermark) : showValue(watermark);
        logger.warn(
            `${shard}: ${shown} was acknowledged, which is not (or no longer) a watermark of this shard; nothing is removed.`
        );
    }
}
