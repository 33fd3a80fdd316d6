// @ts-check
import { versionFromLexi, versionToLexi } from '@cbnsndwch/zero-contracts';
import { Kvm } from '@nats-io/kv';

import { isConflict } from '../shared/nats-clients.mjs';

/** @typedef {import('@nats-io/transport-node').NatsConnection} NatsConnection */
/** @typedef {import('@nats-io/kv').KV} KV */

/**
 * The algorithm that change sources used before: look the token up, count a counter of the shard up by
 * compare-and-set, and write both mappings. Five round trips a new token, and more when callers race.
 *
 * It has the same connection options as the library. Its losing attempts are not logged, which would cost it more.
 */
export class ExistingAlgorithm {
    #kv;

    /** @param {KV} kv */
    constructor(kv) {
        this.#kv = kv;
    }

    /**
     * @param {NatsConnection} nc
     * @param {string} bucket
     * @param {number} replicas
     */
    static async open(nc, bucket, replicas) {
        return new ExistingAlgorithm(await new Kvm(nc).create(bucket, { replicas }));
    }

    /**
     * @param {string} shardId
     * @param {string} resumeToken
     */
    async getOrCreateWatermark(shardId, resumeToken) {
        const tokenKey = `${shardId}.${resumeToken}`;
        const known = await this.#kv.get(tokenKey);
        if (known !== null) {
            return known.string();
        }
        const watermark = await this.#countUp(`${shardId}.lsn`);
        await this.#kv.put(tokenKey, watermark);
        await this.#kv.put(`${shardId}.${watermark}`, resumeToken);
        return watermark;
    }

    /**
     * @param {string} shardId
     * @param {string} watermark
     */
    async getResumeToken(shardId, watermark) {
        return (await this.#kv.get(`${shardId}.${watermark}`))?.string();
    }

    /** @param {string} counterKey */
    async #countUp(counterKey) {
        for (;;) {
            const counter = await this.#kv.get(counterKey);
            const next = versionToLexi(counter === null ? 1n : versionFromLexi(counter.string()) + 1n);
            try {
                await this.#kv.put(counterKey, next, { previousSeq: counter?.revision ?? 0 });
                return next;
            } catch (error) {
                if (!isConflict(error)) {
                    throw error;
                }
            }
        }
    }
}
