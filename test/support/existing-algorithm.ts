import { type LexiVersion, versionFromLexi, versionToLexi } from '@cbnsndwch/zero-contracts';

/** What the existing packages need of a store. */
export interface ExistingKeys {
    get(key: string): Promise<{ readonly value: string; readonly revision: number } | undefined>;
    /** Stores a value, where a revision is given only if the key is still at it; gives whether it did. */
    put(key: string, value: string, revision?: number): Promise<boolean>;
}

/**
 * How the existing packages give out watermarks, step by step, in the layout that they keep: look the token up, count the
 * shard's counter up, and write both mappings, each on its own.
 */
export class ExistingAlgorithm {
    readonly #keys: ExistingKeys;

    constructor(keys: ExistingKeys) {
        this.#keys = keys;
    }

    async getOrCreateWatermark(shardId: string, resumeToken: string): Promise<LexiVersion> {
        const key = `zero_${shardId}.${resumeToken}`;
        const known = await this.#keys.get(key);
        if (known !== undefined && known.value !== '') {
            return known.value;
        }
        const watermark = await this.#nextWatermark(shardId);
        await this.#keys.put(key, watermark);
        await this.#keys.put(`zero_${shardId}.${watermark}`, resumeToken);
        return watermark;
    }

    async getResumeToken(shardId: string, watermark: LexiVersion): Promise<string | undefined> {
        return (await this.#keys.get(`zero_${shardId}.${watermark}`))?.value;
    }

    async #nextWatermark(shardId: string): Promise<LexiVersion> {
        const key = `zero_${shardId}.lsn`;
        for (;;) {
            const counter = await this.#keys.get(key);
            if (counter === undefined) {
                const first = versionToLexi(1);
                await this.#keys.put(key, first);
                return first;
            }
            const next = versionToLexi(versionFromLexi(counter.value) + 1n);
            if (await this.#keys.put(key, next, counter.revision)) {
                return next;
            }
        }
    }
}
