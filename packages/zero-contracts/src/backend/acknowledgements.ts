import type { LexiVersion } from '../lexi-version.js';
import type { WatermarkLogger } from '../store.js';
import { quoted } from '../quoted.js';
import { showValue } from './option-checks.js';
import { Retention, type RetentionOptions } from './retention.js';
import { majorOf } from './token-watermark.js';

/** How often acknowledgements may cost anything. */
const INTERVAL_MS = 2_000;

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
    #removedBelow = 0;
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
        if (this.#timer === undefined) {
            void this.#apply();
            this.#timer = setTimeout(() => {
                this.#timer = undefined;
                void this.#apply();
            }, INTERVAL_MS).unref();
        }
    }

    /** Removes nothing any more. */
    stop(): void {
        clearTimeout(this.#timer);
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
                await removeBelow(floor);
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
